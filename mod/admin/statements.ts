// What the admin port answers: SQL about its tables, SHOW commands, orders about pools and servers,
// and what drivers ask before they do anything.

import { NOT_WATCHED, parseClusterStatement, parseSwitchover } from "../cluster/mod.ts";
import type { SqlError, TextResult } from "../wire/mod.ts";
import type { AdminSession } from "./admin_session.ts";
import { answerConfigStatement, parseConfigStatement, propertyRows } from "./config_statements.ts";
import { READ_ONLY } from "./database.ts";
import { answerNoise, withFacts } from "./driver_noise.ts";
import { likePattern } from "./like.ts";
import { answerKill, parseKillStatement } from "./kill_statement.ts";
import { answerAboutRoutes } from "./route_statements.ts";
import { answerPoolStatement, parsePoolStatement } from "./pool_statements.ts";
import { answerAboutTables, isDatabase } from "./show_tables.ts";
import { answerAboutSessions } from "./show_sessions.ts";
import { counterRows } from "./tables/proxy.ts";
import { answerProxysqlStatement, onlyReads } from "./proxysql/commands.ts";
import { parseProxysqlStatement } from "./proxysql/statement_text.ts";
import { answerSetStatement, parseSetStatement } from "./set_statement.ts";
import { makeSource } from "./table.ts";
import type { AdminView, Answer } from "./view.ts";

/** Answers a statement. */
export async function answerStatement(text: string, session: AdminSession): Promise<Answer> {
  const { view, role } = session;
  const statement = withoutComments(text);
  if (statement === "") return EMPTY;
  if (statement.replaceAll(QUOTED, "").includes(";")) return SEVERAL;
  const like = /^show\s+properties(?:\s+like\s+'((?:[^']|'')*)')?$/i.exec(statement);
  if (like) return showProperties(view, like[1]?.replaceAll("''", "'"));
  const counters = /^show\s+counters(?:\s+like\s+'((?:[^']|'')*)')?$/i.exec(statement);
  if (counters) return showCounters(view, counters[1]?.replaceAll("''", "'"));
  const about = parseClusterStatement(statement);
  if (about !== undefined) {
    if (about.kind !== "show" && role !== "admin") return NOT_ADMIN;
    return view.running.cluster?.answer(about) ?? NOT_WATCHED;
  }
  const switchover = parseSwitchover(statement);
  if (switchover !== undefined) {
    if (role !== "admin") return NOT_ADMIN;
    return await view.running.cluster?.switchOver(switchover) ?? NOT_WATCHED;
  }
  const routes = await answerAboutRoutes(text, view.running);
  if (routes !== undefined) return routes;
  const kill = parseKillStatement(statement);
  if (kill !== undefined) {
    return role === "admin" ? await answerKill(kill, view.running) : NOT_ADMIN;
  }
  const sessions = await answerAboutSessions(statement, session);
  if (sessions !== undefined) return sessions;
  const config = parseConfigStatement(statement);
  if (config !== undefined) {
    if (role !== "admin") return NOT_ADMIN;
    const answer = await answerConfigStatement(config, view.running.live, session.user);
    session.tables.forget();
    return answer;
  }
  const set = parseSetStatement(statement);
  if (set !== undefined) {
    if (role !== "admin") return NOT_ADMIN;
    if ("code" in set) return set;
    const answer = await answerSetStatement(set, view.running, session.user);
    session.tables.forget();
    return answer;
  }
  const pools = parsePoolStatement(statement);
  if (pools !== undefined) {
    if (pools !== "show" && role !== "admin") return NOT_ADMIN;
    return await answerPoolStatement(pools, view.running);
  }
  const proxysql = parseProxysqlStatement(statement);
  if (proxysql !== undefined) {
    if (role !== "admin" && !onlyReads(proxysql)) return NOT_ADMIN;
    const answer = await answerProxysqlStatement(proxysql, session);
    if (answer !== undefined) return answer;
  }
  const [, database] = /^use\s+[`"]?([\w$]+)[`"]?$/i.exec(statement) ?? [];
  if (database !== undefined) return useDatabase(session, database);
  const noise = answerAboutTables(statement, session.database) ?? answerNoise(statement, session);
  if (noise !== undefined) return noise;
  if (/^(select|with|values|explain\s+(query\s+plan\s+)?select)\b/i.test(statement)) {
    return await session.tables.query(withFacts(statement, session));
  }
  if (/^(insert|update|delete|replace|create|drop|alter|truncate)\b/i.test(statement)) {
    return role === "admin" ? READ_ONLY : NOT_ADMIN;
  }
  return UNKNOWN;
}

/** Makes a database the default one. */
export function useDatabase(session: AdminSession, name: string): "ok" | SqlError {
  if (!isDatabase(name.toLowerCase())) {
    return { code: 1049, sqlState: "42000", message: `Unknown database '${name}'` };
  }
  session.database = name.toLowerCase();
  return "ok";
}

/** A statement without comments and the semicolon behind it; quoted text stays. */
function withoutComments(text: string): string {
  return text
    .replace(
      /('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`)|\/\*.*?\*\/|(?:--\s|#)[^\n]*/gs,
      (_, quoted: string | undefined) => quoted ?? " ",
    )
    .trim().replace(/(?:\s*;)+$/, "").trim();
}

const QUOTED = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`/gs;

const EMPTY: SqlError = { code: 1065, sqlState: "42000", message: "Query was empty" };

/** What stands behind the first would be taken for done. */
const SEVERAL: SqlError = {
  code: 1064,
  sqlState: "42000",
  message: "The admin port takes one statement at a time",
};

const NOT_ADMIN: SqlError = {
  code: 1227,
  sqlState: "42000",
  message: "Access denied: the account may only read; this takes `admin`",
};

const UNKNOWN: SqlError = {
  code: 1064,
  sqlState: "42000",
  message:
    "The admin port does not know this statement; it knows SELECT from its tables (SHOW TABLES), SHOW PROPERTIES, COUNTERS, POOLS, PROCESSLIST, FRONTEND, BACKEND, REACTOR, CLUSTER, RW, RO, EVENTS, TOPOLOGY and ROUTES, EXPLAIN ROUTE, CONFIG DIFF, APPLY, RELOAD and ROLLBACK, SET and SET PERSIST of a key, KILL, PAUSE, RESUME and RECONNECT POOL, DRAIN SERVER, ENABLE SERVER, SET SERVER ... WEIGHT and SWITCHOVER TO",
};

function showProperties({ running }: AdminView, pattern: string | undefined): TextResult {
  const { mode, reason } = running.credentials.store;
  const found: readonly (readonly [string, string])[] = [
    ["auth.mode_in_force", mode],
    ["auth.mode_reason", reason],
  ];
  const rows = [
    ...found.map(([name, value]) => [name, value, null, null, null]),
    ...propertyRows(running).map(({ name, value, defaultValue, source, live }) => [
      name,
      value,
      defaultValue,
      source,
      live ? "yes" : "no",
    ]),
  ];
  const wanted = likePattern(pattern ?? "%");
  return {
    columns: ["Property", "Value", "Default", "Source", "Live"],
    rows: rows.filter(([name]) => wanted.test(name!)),
  };
}

function showCounters(view: AdminView, pattern: string | undefined): TextResult {
  const rows = counterRows(makeSource(view)).map(([name, value]) => [name, String(value)] as const);
  return { columns: ["Counter", "Value"], rows: matching(rows, pattern) };
}

function matching(
  rows: readonly (readonly [string, string])[],
  pattern: string | undefined,
): readonly (readonly [string, string])[] {
  if (pattern === undefined) return rows;
  const expression = likePattern(pattern);
  return rows.filter(([name]) => expression.test(name));
}
