// The table of plugins, by the names that servers and clients use.

import { cachingSha2Password } from "./caching_sha2_password.ts";
import { clearPassword } from "./clear_password.ts";
import { clientEd25519 } from "./ed25519.ts";
import { nativePassword } from "./native_password.ts";
import type { AuthPlugin } from "./plugin.ts";
import { sha256Password } from "./sha256_password.ts";

const PLUGINS: readonly AuthPlugin[] = [
  cachingSha2Password,
  nativePassword,
  sha256Password,
  clearPassword,
  clientEd25519,
];

const BY_NAME = new Map(PLUGINS.map((plugin) => [plugin.name, plugin]));

/** The names of all plugins, as on the wire. */
export const PLUGIN_NAMES: readonly string[] = PLUGINS.map((plugin) => plugin.name);

/**
 * A plugin by its name, or undefined. Accounts name the server's side of a plugin and packets the
 * client's; the two differ for MariaDB's `ed25519`. An account without a plugin is an old one with
 * mysql_native_password.
 */
export function findPlugin(name: string): AuthPlugin | undefined {
  if (name === "ed25519") return clientEd25519;
  return name === "" ? nativePassword : BY_NAME.get(name);
}
