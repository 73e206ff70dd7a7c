// The version that tools for ProxySQL are told: they choose by it what they ask for.

import { version } from "../../config/mod.ts";

/** The version of ProxySQL whose tables and statements are here. */
const LIKE = "2.7.0";

/**
 * As ProxySQL writes its own: three numbers, a hyphen, which build it is. Tools cut it at the hyphen
 * and read numbers before it.
 */
export const proxysqlVersion = `${LIKE}-mysqlproxy-${version}`;
