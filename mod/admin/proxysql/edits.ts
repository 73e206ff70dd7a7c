// From edited rows of mysql_users and global_variables to changes of the configuration, or to why it
// cannot be so. Nothing that somebody has written is left out silently.

import { isDeepStrictEqual } from "node:util";
import type { Config, ConfigEdit, TomlValue, UserAccount } from "../../config/mod.ts";
import { formatDuration } from "../../config/mod.ts";
import type { Running } from "../../proxy/mod.ts";
import type { TableRow, Value } from "../table.ts";
import { PASSWORD_MASK, shownPassword } from "./config_tables.ts";
import { hostgroupsOf } from "./hostgroups.ts";
import { type Variable, VARIABLES } from "./variables.ts";

/** What is to be done to the configuration; with reasons against it nothing is. */
export interface Plan {
  readonly edits: readonly ConfigEdit[];
  readonly reasons: readonly string[];
}

/** Columns that have one value each, and what there is instead of another one. */
export type FixedColumns = Readonly<Record<string, readonly [value: Value, instead: string]>>;

/** Complains of values that mean nothing here. */
export function fixedReasons(row: TableRow, what: string, fixed: FixedColumns): string[] {
  return Object.entries(fixed)
    .filter(([name, [value]]) => row[name] !== value && String(row[name] ?? "") !== String(value))
    .map(([name, [, instead]]) => `${what}: ${name} = ${row[name]} is not possible: ${instead}`);
}

const USER_COLUMNS: FixedColumns = {
  active: [1, "delete the row"],
  default_schema: ["", "clients choose their schema"],
  schema_locked: [0, "schemas are not locked"],
  transaction_persistent: [1, "transactions always stay where they are"],
  fast_forward: [0, "pool.mode decides for all"],
  backend: [1, "an account is for clients and servers alike"],
  frontend: [1, "an account is for clients and servers alike"],
  max_connections: [10_000, "limits.clients_per_user_max counts for all"],
};

/**
 * Accounts: `[[user]]`.
 *
 * @param config What is to be changed.
 * @param shown Where rows may have their passwords from: what is in force first, then the file.
 */
export function planUsers(
  rows: readonly TableRow[],
  config: Config,
  shown: readonly Config[],
): Plan {
  const reasons: string[] = [];
  const edits: ConfigEdit[] = [];
  const kept = new Set<UserAccount>();
  for (const row of rows) {
    const what = `mysql_users: ${row["username"]}`;
    reasons.push(...fixedReasons(row, what, USER_COLUMNS));
    const { writer } = hostgroupsOf(config);
    if (row["default_hostgroup"] !== writer && row["default_hostgroup"] !== 0) {
      reasons.push(
        `${what}: default_hostgroup must be ${writer}, the writers': rules and ` +
          "route.split send elsewhere",
      );
    }
    const host = hostOf(row);
    if (host === undefined) {
      reasons.push(`${what}: attributes must be empty or {"host":"..."}`);
      continue;
    }
    const name = String(row["username"]);
    const find = ({ users }: Config) =>
      users.find((user) => user.name === name && user.host === host);
    const known = find(config);
    if (known) kept.add(known);
    const secret = secretOf(row, shown.map(find).filter((user) => user !== undefined));
    if (secret === undefined) {
      reasons.push(`${what}: a new account needs its password`);
      continue;
    }
    const values = userValues(row, secret, known);
    if (Object.keys(values).length > 0 || !known) {
      const fresh: Record<string, TomlValue> = host === "%" ? { name } : { name, host };
      edits.push({ kind: "put", section: "user", fits: isUser(name, host), values, fresh });
    }
  }
  for (const user of config.users) {
    if (kept.has(user)) continue;
    edits.unshift({ kind: "remove", section: "user", fits: isUser(user.name, user.host) });
  }
  return { edits, reasons };
}

function isUser(name: string, host: string) {
  return (table: Readonly<Record<string, unknown>>) =>
    (table["name"] ?? "") === name && (table["host"] ?? "%") === host;
}

function hostOf(row: TableRow): string | undefined {
  const text = String(row["attributes"] ?? "");
  if (text === "" || text === "{}") return "%";
  try {
    const attributes = JSON.parse(text) as Record<string, unknown>;
    const { host, ...others } = attributes;
    return typeof host === "string" && Object.keys(others).length === 0 ? host : undefined;
  } catch {
    return undefined;
  }
}

/** How somebody logs in. */
type Secret = Pick<UserAccount, "secret" | "plugin">;

/**
 * What a row says; undefined: it hides what nobody knows. A hash that was shown stands for what it
 * was made of: with the password itself the proxy can do more than with its hash.
 */
function secretOf(row: TableRow, known: readonly UserAccount[]): Secret | undefined {
  const [current] = known;
  const password = String(row["password"] ?? "");
  if (password === PASSWORD_MASK) return current;
  const meant = known.find((user) => shownPassword(user) === password);
  if (meant !== undefined) return meant;
  if (/^\*[0-9A-F]{40}$/i.test(password)) {
    return { secret: { kind: "hash", hash: password }, plugin: "mysql_native_password" };
  }
  if (password.startsWith("$A$")) {
    return { secret: { kind: "hash", hash: password }, plugin: "caching_sha2_password" };
  }
  const plugin = current?.plugin ?? "caching_sha2_password";
  return { secret: { kind: "password", password }, plugin };
}

/** The keys to be written. */
function userValues(
  row: TableRow,
  { secret, plugin }: Secret,
  known: UserAccount | undefined,
): Record<string, TomlValue | undefined> {
  const values: Record<string, TomlValue | undefined> = {};
  if (!isDeepStrictEqual(known?.secret, secret)) {
    values["password"] = secret.kind === "password" ? secret.password : undefined;
    values["hash"] = secret.kind === "hash" ? secret.hash : undefined;
  }
  if ((known?.plugin ?? "caching_sha2_password") !== plugin) values["plugin"] = plugin;
  const wantsTls = Number(row["use_ssl"]) !== 0;
  if (wantsTls !== ((known?.require ?? "none") !== "none")) {
    values["require"] = wantsTls ? "ssl" : "none";
  }
  return values;
}

/** Variables that differ from what a configuration says. */
function changedVariables(
  rows: readonly TableRow[],
  running: Running,
): readonly { readonly variable: Variable; readonly text: string }[] {
  return rows.flatMap((row) => {
    const variable = VARIABLES.get(String(row["variable_name"]));
    if (variable === undefined) return [];
    const text = String(row["variable_value"]).trim();
    const before = String(variable.value(running.config, running));
    return readValue(text, variable) === readValue(before, variable) ? [] : [{ variable, text }];
  });
}

/** Why edited variables cannot be so, whatever the values. */
export function variableReason(
  rows: readonly TableRow[],
  running: Running,
): string | undefined {
  const names = new Set(rows.map((row) => String(row["variable_name"])));
  const unknown = [...names].find((name) => !VARIABLES.has(name));
  if (unknown !== undefined) return `There is no variable '${unknown}' here`;
  const gone = [...VARIABLES.keys()].find((name) => !names.has(name));
  if (gone !== undefined) return `The variable '${gone}' cannot be deleted`;
  for (const { variable: { name, key, doc }, text } of changedVariables(rows, running)) {
    if (key === undefined) return `The variable '${name}' cannot be written. It shows: ${doc}`;
    if (readValue(text, { key }) === undefined) {
      return `The value of '${name}' must be a ${key.unit === "boolean" ? "boolean" : "number"}`;
    }
  }
  return undefined;
}

/** Variables: the keys that they stand for. @param sources Who has given each key. */
export function planVariables(
  rows: readonly TableRow[],
  running: Running,
  sources: ReadonlyMap<string, string>,
): Plan {
  const reasons: string[] = [];
  const edits: ConfigEdit[] = [];
  for (const { variable, text } of changedVariables(rows, running)) {
    const value = readValue(text, variable);
    if (variable.key === undefined || value === undefined) continue;
    const { path } = variable.key;
    const source = sources.get(path) ?? "file";
    if (source !== "file") {
      reasons.push(`${variable.name}: ${path} is given by ${source}, which wins over the file`);
      continue;
    }
    const [section, key] = path.split(".");
    edits.push({ kind: "set", section, key, value });
  }
  return { edits, reasons };
}

/** A value as the configuration has it; undefined: it cannot be read. */
function readValue(text: string, { key }: Pick<Variable, "key">): TomlValue | undefined {
  if (key === undefined) return text;
  if (key.unit === "boolean") {
    const word = text.toLowerCase();
    if (word === "true" || word === "1" || word === "on") return true;
    return word === "false" || word === "0" || word === "off" ? false : undefined;
  }
  if (!/^\d{1,15}$/.test(text)) return undefined;
  if (key.unit === "ms") return formatDuration(Number(text));
  // A size is written with its unit.
  return key.unit === "bytes" ? `${Number(text)}B` : Number(text);
}
