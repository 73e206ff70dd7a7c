// How sessions differ when they log in: capability flags and collations.

import type { Random } from "../fuzz/random.ts";
import type { ServerKind } from "../servers/mod.ts";
import { VARIED_FLAGS, type VariedFlag } from "./program.ts";

const USUAL: readonly VariedFlag[] = ["DEPRECATE_EOF", "SESSION_TRACK", "MULTI_STATEMENTS"];

/** Flags that only one kind of server has; asking the other for them changes nothing. */
const OF_MYSQL: readonly VariedFlag[] = ["QUERY_ATTRIBUTES", "OPTIONAL_RESULTSET_METADATA"];
const OF_MARIADB: readonly VariedFlag[] = [
  "CACHE_METADATA",
  "EXTENDED_METADATA",
  "STMT_BULK_OPERATIONS",
];

/** The flags of a session: mostly those of an ordinary client. */
export function pickFlags(random: Random, server: ServerKind): VariedFlag[] {
  if (!random.oneIn(3)) return [...USUAL];
  const foreign = server === "mysql" ? OF_MARIADB : OF_MYSQL;
  return VARIED_FLAGS.filter((flag) => !foreign.includes(flag) && random.oneIn(2));
}

/** By number: utf8mb4 and latin1 and others, some above 255. */
const COLLATIONS: Readonly<Record<ServerKind, readonly number[]>> = {
  mysql: [45, 45, 45, 255, 8, 33, 46, 63, 83, 278, 303, 47, 51],
  mariadb: [45, 45, 45, 224, 8, 33, 46, 63, 83, 1069, 1270, 2304, 51],
};

/** Collations that no client may have (ucs2), or that there are not. */
export const BAD_COLLATIONS: readonly number[] = [35, 3000];

/** The collation of a session. */
export function pickCollation(random: Random, server: ServerKind): number {
  return random.pick(COLLATIONS[server]);
}
