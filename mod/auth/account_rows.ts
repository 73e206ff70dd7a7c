// Rows of the servers' account tables made into accounts: MySQL's mysql.user, MariaDB's
// mysql.global_priv (JSON, from 10.4) and mysql.user (before that). No I/O.

import type { Account, AuthMethod, Requirement } from "./accounts.ts";
import { Secret } from "./secret.ts";

/** A row with columns by lower-case names. */
export type AccountRow = Readonly<{ [column: string]: unknown }>;

/** A row of MySQL's `mysql.user`. */
export function accountFromMysql(row: AccountRow): Account {
  const changed = row["password_changed_s"];
  const lifetime = row["password_lifetime"];
  const secrets = [Secret.hash(text(row["authentication_string"]))];
  const attributes = jsonObject(row["user_attributes"]);
  // The password that ALTER USER … RETAIN CURRENT PASSWORD keeps beside the new one.
  if (typeof attributes["additional_password"] === "string") {
    secrets.push(Secret.hash(attributes["additional_password"]));
  }
  // Accounts with a second factor cannot be proved to the proxy: the method's name says so in 1524.
  const plugin = attributes["multi_factor_authentication"] === undefined
    ? text(row["plugin"])
    : "multi_factor_authentication";
  return {
    user: text(row["user"]),
    host: text(row["host"]),
    methods: [{ plugin, secrets }],
    locked: row["account_locked"] === "Y",
    expired: row["password_expired"] === "Y",
    ...(changed == null ? {} : { passwordChangedMs: Number(changed) * 1000 }),
    ...(lifetime == null ? {} : { passwordLifetimeDays: Number(lifetime) }),
    require: requirement(row["ssl_type"], row),
    userConnectionsMax: Number(row["max_user_connections"] ?? 0),
  };
}

/** A row of `mysql.user` of MariaDB before 10.4, where old hashes are in a column of their own. */
export function accountFromOldMariadb(row: AccountRow): Account | undefined {
  if (row["is_role"] === "Y") return undefined;
  const plugin = text(row["plugin"]);
  const hash = text(row["authentication_string"]) || text(row["password"]);
  return {
    user: text(row["user"]),
    host: text(row["host"]),
    methods: [{ plugin, secrets: [Secret.hash(hash)] }],
    locked: false,
    expired: row["password_expired"] === "Y",
    require: requirement(row["ssl_type"], row),
    userConnectionsMax: Number(row["max_user_connections"] ?? 0),
  };
}

/** A row of MariaDB's `mysql.global_priv`; undefined for a role and for a row that is not JSON. */
export function accountFromGlobalPriv(row: AccountRow): Account | undefined {
  const priv = jsonObject(row["priv"]);
  if (priv["is_role"] === true || Object.keys(priv).length === 0) return undefined;
  const changed = priv["password_last_changed"];
  const lifetime = priv["password_lifetime"];
  return {
    user: text(row["user"]),
    host: text(row["host"]),
    methods: globalPrivMethods(priv),
    locked: priv["account_locked"] === true,
    // PASSWORD EXPIRE is written as a change at the beginning of time; such rows of locked system accounts too.
    expired: changed === 0,
    ...(typeof changed === "number" && changed > 0 ? { passwordChangedMs: changed * 1000 } : {}),
    ...(typeof lifetime === "number" && lifetime >= 0 ? { passwordLifetimeDays: lifetime } : {}),
    require: requirement(SSL_TYPES[Number(priv["ssl_type"] ?? 0)], priv),
    userConnectionsMax: Number(priv["max_user_connections"] ?? 0),
  };
}

const SSL_TYPES = ["", "ANY", "X509", "SPECIFIED"];

/** `auth_or` lists the methods in order; an empty object in it stands for the row's own. */
function globalPrivMethods(priv: AccountRow): readonly AuthMethod[] {
  const own = globalPrivMethod(priv);
  const list = priv["auth_or"];
  if (!Array.isArray(list)) return [own];
  return list.map((entry: unknown) => {
    const method = isObject(entry) ? entry : {};
    return Object.keys(method).length === 0 ? own : globalPrivMethod(method);
  });
}

function globalPrivMethod(fields: AccountRow): AuthMethod {
  const plugin = text(fields["plugin"]);
  return { plugin, secrets: [Secret.hash(text(fields["authentication_string"]))] };
}

function requirement(type: unknown, fields: AccountRow): Requirement {
  switch (type) {
    case "ANY":
      return { kind: "ssl" };
    case "X509":
      return { kind: "x509" };
    case "SPECIFIED":
      return {
        kind: "specified",
        subject: text(fields["x509_subject"]),
        issuer: text(fields["x509_issuer"]),
        cipher: text(fields["ssl_cipher"]),
      };
    default:
      return { kind: "none" };
  }
}

function jsonObject(value: unknown): AccountRow {
  if (typeof value !== "string") return isObject(value) ? value : {};
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is AccountRow {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text columns come as strings, blobs and binary collations as bytes. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : "";
}
