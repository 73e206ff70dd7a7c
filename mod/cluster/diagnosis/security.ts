// TLS towards a server, and which logins of its accounts each mode of the proxy can do.

import type { Config } from "../../config/mod.ts";
import { isDenied, isUnknown } from "../failure.ts";
import { type Diagnosis, isAtLeast, Notes, type Patient, variable } from "./diagnosis.ts";

/** Whether connections to the server are encrypted, and whether they must be. */
export async function examineTls(
  patient: Patient,
  { mode }: Config["backendTls"],
): Promise<readonly Diagnosis[]> {
  const notes = new Notes("tls", patient.server.name);
  const [row] = await patient.session.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
  const cipher = String(row?.["value"] ?? "");
  const isVerified = mode === "verify-ca" || mode === "verify-identity";
  if (cipher !== "") {
    notes.ok(`encrypted with ${cipher}${isVerified ? ", certificate checked" : ""}`);
    if (!isVerified) {
      notes.warn(`backend_tls.mode is ${mode}`, {
        meaning: "whoever is in between could show any certificate",
        remedy: 'backend_tls.ca with the servers\' authority, and backend_tls.mode = "verify-ca"',
      });
    }
  } else {
    notes.warn("connections to it are not encrypted", {
      meaning: mode === "disabled"
        ? "as configured; passwords of sha2 plugins travel RSA-encrypted, all else as it is"
        : "the server offers no TLS",
      remedy: mode === "disabled"
        ? 'backend_tls.mode = "preferred", or stricter'
        : "give the server a certificate (ssl_cert, ssl_key)",
    });
  }
  if (variable(patient, "require_secure_transport") === "ON" && cipher === "") {
    notes.fail("require_secure_transport is ON", {
      meaning: "the server refuses connections that are not encrypted",
      remedy: 'backend_tls.mode = "required"',
    });
  }
  return notes.lines;
}

/** How many accounts have a plugin. */
interface PluginCount {
  readonly plugin: string;
  readonly accounts: number;
}

/** What each mode of authentication does with a plugin; see docs/authentication.md. */
const MODES: Readonly<Record<string, { readonly synced: string; readonly learned: string }>> = {
  caching_sha2_password: { synced: "works", learned: "works" },
  mysql_native_password: { synced: "works", learned: "works" },
  sha256_password: { synced: "works, each login in full", learned: "works" },
  client_ed25519: { synced: "relayed", learned: "works" },
  ed25519: { synced: "relayed", learned: "works" },
};
const OTHERWISE = { synced: "relayed", learned: "does not work" };
/** Accounts that nobody logs in to from elsewhere. */
const LOCAL_ONLY = new Set(["auth_socket", "unix_socket", "mysql_no_login"]);

/** Which login modes work for the accounts that there are. */
export async function examineAccounts(
  patient: Patient,
  { auth }: Config,
): Promise<readonly Diagnosis[]> {
  const notes = new Notes("accounts", patient.server.name);
  const counts = await pluginCounts(patient);
  if (counts === undefined) {
    notes.warn("accounts cannot be read", {
      meaning: "the mode of authentication is relay, which works with every plugin",
      remedy: "see the rights above, if synced is wanted",
    });
    return notes.lines;
  }
  for (const { plugin, accounts } of counts) {
    if (LOCAL_ONLY.has(plugin)) continue;
    const { synced, learned } = MODES[plugin] ?? OTHERWISE;
    const found =
      `${plugin}: ${accounts} accounts; relay works, synced ${synced}, learned ${learned}`;
    const isBroken = auth.mode === "learned" && learned === OTHERWISE.learned;
    if (!isBroken) notes.ok(found);
    else {
      notes.fail(found, {
        meaning: 'with auth.mode = "learned" these accounts cannot log in',
        remedy: 'auth.mode = "relay" or "synced"',
      });
    }
  }
  return notes.lines;
}

async function pluginCounts(patient: Patient): Promise<readonly PluginCount[] | undefined> {
  const sql = patient.isMariadb && isAtLeast(patient, 10, 4)
    ? `SELECT COALESCE(NULLIF(JSON_VALUE(Priv, '$.plugin'), ''), 'mysql_native_password') AS plugin,
COUNT(*) AS accounts FROM mysql.global_priv WHERE COALESCE(JSON_VALUE(Priv, '$.is_role'), 'false')
<> 'true' AND User NOT IN ('mariadb.sys', 'PUBLIC') GROUP BY 1 ORDER BY 1`
    : `SELECT plugin, COUNT(*) AS accounts FROM mysql.user
WHERE User NOT LIKE 'mysql.%' GROUP BY 1 ORDER BY 1`;
  try {
    const rows = await patient.session.query(sql);
    return rows.map((row) => ({
      plugin: String(row["plugin"] ?? ""),
      accounts: Number(row["accounts"]),
    }));
  } catch (error) {
    if (isDenied(error) || isUnknown(error)) return undefined;
    throw error;
  }
}
