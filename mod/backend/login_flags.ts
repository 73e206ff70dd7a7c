// What the flags of a login do on a server, beyond what they say of the protocol.

import { Capability, type Greeting } from "../wire/mod.ts";

/**
 * What the flags of a login mean for a new connection and COM_CHANGE_USER forgets on MariaDB, as a
 * statement that does it; empty where there is nothing. MySQL does it by itself.
 *
 * @param options.hasSchema The login names one, or leaves the schema as it is.
 */
export function notRestoredByMariadb(
  capabilities: number,
  identity: Greeting | undefined,
  { hasSchema }: { readonly hasSchema: boolean } = { hasSchema: true },
): string {
  if (!identity || identity.capabilities & Capability.LONG_PASSWORD) return "";
  const settings: string[] = [];
  if (capabilities & Capability.INTERACTIVE) settings.push("wait_timeout=@@interactive_timeout");
  if (capabilities & Capability.IGNORE_SPACE) {
    settings.push("sql_mode=CONCAT(@@sql_mode,',IGNORE_SPACE')");
  }
  // The charset of the schema before stays, where none takes its place.
  if (!hasSchema) settings.push("collation_database=@@collation_server");
  return settings.length === 0 ? "" : `SET ${settings.join(",")}`;
}
