// The statements of ProxySQL's admin port, read from text.

/** What LOAD and SAVE are about. */
export type Subject = "servers" | "users" | "rules" | "variables" | Unedited;

/** What has layers in ProxySQL, and nothing in them here that could be edited. */
export type Unedited = "admin" | "scheduler" | "peers";

/** A statement that only ProxySQL has. */
export type ProxysqlStatement =
  /** Between the layers, from left to right. */
  | { readonly kind: "move"; readonly subject: Subject; readonly move: Move }
  /** LOAD or SAVE of what is not here. */
  | { readonly kind: "unknown-subject"; readonly written: string }
  | { readonly kind: "write"; readonly table: string; readonly statement: string }
  | { readonly kind: "set"; readonly variable: string; readonly value: string }
  | { readonly kind: "get"; readonly variable: string; readonly alias: string }
  /** Statistics of statements begin at 0. */
  | { readonly kind: "truncate"; readonly table: string }
  /** @property subject In lower case, as in `mysql users`. */
  | {
    readonly kind: "checksum";
    readonly subject: string;
    readonly layer: "memory" | "disk";
    readonly written: string;
  }
  /** All that Prometheus is told. */
  | { readonly kind: "metrics" }
  /** The configuration as a text. */
  | { readonly kind: "config-file" }
  /** A statement under another name. */
  | { readonly kind: "select"; readonly statement: string }
  | { readonly kind: "proxysql"; readonly order: string };

/** Between which layers. */
export type Move =
  | "memory to runtime"
  | "runtime to memory"
  | "memory to disk"
  | "disk to memory";

const MOVES: Readonly<Record<string, Move>> = {
  "load to runtime": "memory to runtime",
  "load from memory": "memory to runtime",
  "save to memory": "runtime to memory",
  "save from runtime": "runtime to memory",
  "save to disk": "memory to disk",
  "save to config": "memory to disk",
  "save from memory": "memory to disk",
  "load to memory": "disk to memory",
  "load from disk": "disk to memory",
  "load from config": "disk to memory",
};

const SUBJECTS: Readonly<Record<string, Subject>> = {
  "mysql servers": "servers",
  "mysql users": "users",
  "mysql query rules": "rules",
  "mysql variables": "variables",
  "admin variables": "admin",
  "scheduler": "scheduler",
  "proxysql servers": "peers",
};

const TABLES: Readonly<Record<Subject, string>> = {
  servers: "mysql_servers",
  users: "mysql_users",
  rules: "mysql_query_rules",
  variables: "global_variables WHERE variable_name LIKE 'mysql-%'",
  admin: "global_variables WHERE variable_name LIKE 'admin-%'",
  scheduler: "scheduler",
  peers: "proxysql_servers",
};

const LAYERS = "(to|from)\\s+(runtime|run|memory|mem|disk|config)";
const MOVE = new RegExp(
  `^(load|save)\\s+((?:mysql|admin|pgsql|proxysql)?\\s*[\\w ]+?)\\s+${LAYERS}$`,
  "i",
);
const WRITE = new RegExp(
  "^(?:(?:insert(?:\\s+or\\s+\\w+)?|replace)\\s+into|update(?:\\s+or\\s+\\w+)?|delete\\s+from)\\s+" +
    '[`"]?(?:(main|disk|stats_history|stats|monitor)[`"]?\\s*\\.\\s*[`"]?)?(\\w+)',
  "i",
);
const SET = /^set\s+(?:global\s+)?[`"]?((?:mysql|admin)-[\w-]+)[`"]?\s*=\s*(.+)$/is;
const GET = /^select\s+(@@[`"]?((?:mysql|admin)-[\w-]+)[`"]?)$/i;
const TRUNCATE =
  /^truncate\s+(?:table\s+)?(?:[`"]?stats[`"]?\s*\.\s*)?[`"]?(stats_mysql_(?:query_digest|errors)(?:_reset)?)[`"]?$/i;
const CHECKSUM = /^checksum\s+(?:(memory|mem|disk)\s+)?(mysql\s+[\w ]+)$/i;
const SHOW = /^show\s+(?:(mysql|admin)\s+)(variables|users|servers|status)$/i;

/** Undefined where a statement is about something else. */
export function parseProxysqlStatement(statement: string): ProxysqlStatement | undefined {
  const [moved, verb, subject, direction, layer] = MOVE.exec(statement) ?? [];
  if (moved !== undefined) {
    const long = { run: "runtime", mem: "memory" }[layer.toLowerCase()] ?? layer.toLowerCase();
    const move = MOVES[`${verb} ${direction} ${long}`.toLowerCase()];
    const known = SUBJECTS[subject.toLowerCase().replaceAll(/\s+/g, " ").trim()];
    if (known === undefined || move === undefined) {
      return { kind: "unknown-subject", written: moved };
    }
    return { kind: "move", subject: known, move };
  }
  const [written, schema = "main", table] = WRITE.exec(statement) ?? [];
  if (written !== undefined) {
    const name = schema.toLowerCase() === "main" ? table.toLowerCase() : `${schema}.${table}`;
    return { kind: "write", table: name, statement };
  }
  const [set, variable, value] = SET.exec(statement) ?? [];
  if (set !== undefined) {
    const plain = value.trim().replace(/^(['"])(.*)\1$/s, "$2");
    return { kind: "set", variable: variable.toLowerCase(), value: plain };
  }
  const [got, alias, name] = GET.exec(statement) ?? [];
  if (got !== undefined) return { kind: "get", variable: name.toLowerCase(), alias };
  const [truncated, statistics] = TRUNCATE.exec(statement) ?? [];
  if (truncated !== undefined) return { kind: "truncate", table: statistics.toLowerCase() };
  const [checksum, from, what] = CHECKSUM.exec(statement) ?? [];
  if (checksum !== undefined) {
    const layer = from?.toLowerCase() === "disk" ? "disk" : "memory";
    const subject = what.toLowerCase().replaceAll(/\s+/g, " ");
    return { kind: "checksum", subject, layer, written: checksum };
  }
  if (/^show\s+prometheus\s+metrics$/i.test(statement)) return { kind: "metrics" };
  if (/^select\s+config\s+file$/i.test(statement)) return { kind: "config-file" };
  const [shown, of, things] = SHOW.exec(statement) ?? [];
  if (shown !== undefined) {
    const select = selectOf(`${of} ${things}`.toLowerCase());
    return select === undefined ? undefined : { kind: "select", statement: select };
  }
  const [, order] = /^proxysql\s+(.+)$/is.exec(statement) ?? [];
  return order === undefined
    ? undefined
    : { kind: "proxysql", order: order.toUpperCase().replaceAll(/\s+/g, " ") };
}

function selectOf(what: string): string | undefined {
  if (what === "mysql status") return "SELECT * FROM stats_mysql_global ORDER BY 1";
  const subject = SUBJECTS[what];
  if (subject === undefined) return undefined;
  const columns = what.endsWith("variables")
    ? 'variable_name AS "Variable_name", variable_value AS "Value"'
    : "*";
  return `SELECT ${columns} FROM ${TABLES[subject]}`;
}
