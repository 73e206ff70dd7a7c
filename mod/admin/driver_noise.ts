// What drivers and tools ask a MySQL server before and between what their users ask: answered so
// that they go on.

import type { TextResult } from "../wire/mod.ts";
import { likePattern } from "./like.ts";
import { proxysqlVersion } from "./proxysql/version.ts";
import type { AdminSession } from "./admin_session.ts";
import type { Answer } from "./view.ts";

/** Statements without a meaning here. */
const IGNORED =
  /^(set\s+(?!server\b)|begin\b|commit\b|rollback\b|start\s+transaction\b|flush\b|lock\s|unlock\s)/i;

/** Undefined where a statement is more than that. */
export function answerNoise(statement: string, session: AdminSession): Answer | undefined {
  if (IGNORED.test(statement)) return "ok";
  const [, shown] = /^show\s+(?:global\s+|session\s+)?variables\b\s*(.*)$/is.exec(statement) ?? [];
  if (shown !== undefined) return showVariables(shown, session);
  if (/^show\s+(?:count\(\*\)\s+)?(?:warnings|errors)\b/i.test(statement)) {
    return { columns: ["Level", "Code", "Message"], rows: [] };
  }
  const other =
    /^show\s+(?:global\s+|session\s+)?(status|engines|plugins|collation|character\s+set)/i;
  if (other.test(statement)) return { columns: ["Variable_name", "Value"], rows: [] };
  // MySQL's command line client asks so whether the server knows dollar quotes.
  if (/^select\s+\$\$/i.test(statement)) {
    return { code: 1054, sqlState: "42S22", message: "Unknown column '$$' in 'field list'" };
  }
  const [, list] = /^select\s+(.+?)(?:\s+limit\s+\d+)?$/is.exec(statement) ?? [];
  return list === undefined ? undefined : selectFacts(list, session);
}

/** System variables that clients ask for. */
export function variables({ view, user }: AdminSession): ReadonlyMap<string, string> {
  return new Map([
    ["auto_increment_increment", "1"],
    ["autocommit", "1"],
    ["character_set_client", "utf8mb4"],
    ["character_set_connection", "utf8mb4"],
    ["character_set_results", "utf8mb4"],
    ["character_set_server", "utf8mb4"],
    ["collation_connection", "utf8mb4_general_ci"],
    ["collation_server", "utf8mb4_general_ci"],
    ["init_connect", ""],
    ["interactive_timeout", "28800"],
    ["license", "Apache-2.0"],
    ["lower_case_table_names", "0"],
    ["max_allowed_packet", "16777216"],
    ["net_buffer_length", "16384"],
    ["net_write_timeout", "60"],
    ["performance_schema", "0"],
    ["query_cache_size", "0"],
    ["query_cache_type", "OFF"],
    ["read_only", "0"],
    ["session_track_system_variables", ""],
    ["sql_mode", ""],
    ["sql_select_limit", "18446744073709551615"],
    ["system_time_zone", "UTC"],
    ["time_zone", "SYSTEM"],
    ["transaction_isolation", "REPEATABLE-READ"],
    ["tx_isolation", "REPEATABLE-READ"],
    ["transaction_read_only", "0"],
    ["version", proxysqlVersion],
    ["version_comment", view.versionComment],
    ["version_compile_os", process.platform],
    ["wait_timeout", "28800"],
    ["proxy_user", user],
  ]);
}

function showVariables(filter: string, session: AdminSession): TextResult {
  const all = [...variables(session)];
  const [, like] = /^like\s+'([^']*)'$/i.exec(filter) ?? [];
  const named = [...filter.matchAll(/'([^']*)'/g)].map(([, name]) => likePattern(name));
  const rows = like !== undefined
    ? all.filter(([name]) => likePattern(like).test(name))
    : filter === ""
    ? all
    : all.filter(([name]) => named.some((pattern) => pattern.test(name)));
  return { columns: ["Variable_name", "Value"], rows };
}

const VARIABLE = /^@@(?:global\.|session\.|local\.)?`?(\w+)`?$/i;
const ALIAS = /\s+(?:as\s+)?[`'"]?(\w+)[`'"]?$/i;

/** A list of variables and functions about the connection; undefined where anything else is in it. */
function selectFacts(list: string, session: AdminSession): Answer | undefined {
  const columns: string[] = [];
  const row: string[] = [];
  for (const item of splitList(list)) {
    const written = item.trim();
    const alias = /[\s)]/.test(written) ? ALIAS.exec(written) : null;
    const expression = (alias ? written.slice(0, alias.index) : written).trim();
    const [, variable] = VARIABLE.exec(expression) ?? [];
    const value = variable === undefined
      ? factOf(expression, session)
      : variables(session).get(variable.toLowerCase());
    if (variable !== undefined && value === undefined) {
      return { code: 1193, sqlState: "HY000", message: `Unknown system variable '${variable}'` };
    }
    if (value === undefined) return undefined;
    columns.push(alias ? alias[1] : expression);
    row.push(value);
  }
  return { columns, rows: [row] };
}

/** Splits at the commas that are in no parentheses. */
function splitList(list: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < list.length; at++) {
    if (list[at] === "(") depth++;
    else if (list[at] === ")") depth--;
    else if (list[at] === "," && depth === 0) {
      items.push(list.slice(start, at));
      start = at + 1;
    }
  }
  items.push(list.slice(start));
  return items;
}

const QUOTED_OR_FACT =
  /('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`)|(@@(?:\w+\.)?\w+|\b(?:version|database|schema|user|current_user|session_user|connection_id|now|current_timestamp|utc_timestamp|unix_timestamp)\s*\(\s*\))/gi;

/** Puts values in place of variables and functions that SQLite does not have. */
export function withFacts(statement: string, session: AdminSession): string {
  return statement.replace(QUOTED_OR_FACT, (all, _quoted, fact: string | undefined) => {
    if (fact === undefined) return all;
    const [, variable] = VARIABLE.exec(fact) ?? [];
    const value = variable === undefined
      ? factOf(fact, session)
      : variables(session).get(variable.toLowerCase());
    return value === undefined ? fact : `'${value.replaceAll("'", "''")}'`;
  });
}

function factOf(expression: string, session: AdminSession): string | undefined {
  const name = expression.toLowerCase().replaceAll(/\s/g, "");
  switch (name) {
    case "version()":
      return proxysqlVersion;
    case "database()":
    case "schema()":
      return session.database;
    case "user()":
    case "current_user()":
    case "current_user":
    case "session_user()":
      return `${session.user}@${session.client}`;
    case "connection_id()":
      return String(session.id);
    case "now()":
    case "current_timestamp()":
    case "utc_timestamp()":
      return new Date().toISOString().slice(0, 19).replace("T", " ");
    case "timediff(now(),utc_timestamp())":
      return "00:00:00";
    case "unix_timestamp()":
      return String(Math.floor(Date.now() / 1000));
    default:
      return undefined;
  }
}
