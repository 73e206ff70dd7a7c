// What the admin port answers: SHOW PROPERTIES, SHOW COUNTERS, the statements about the pools and the
// cluster, and what drivers ask before they do anything.

import { NOT_WATCHED, parseClusterStatement } from "../cluster/mod.ts";
import { properties } from "../config/mod.ts";
import type { Running } from "../proxy/mod.ts";
import { answerPoolStatement, parsePoolStatement } from "./pool_statements.ts";
import type { SqlError, TextResult } from "../wire/mod.ts";

/** An answer: rows, an OK without rows, or an error. */
export type Answer = TextResult | "ok" | SqlError;

/** What the admin port knows of. */
export interface AdminView {
  readonly running: Running;
  /** `mysqlproxy` and its version. */
  readonly versionComment: string;
}

/** Answers a statement. */
export async function answerStatement(text: string, view: AdminView): Promise<Answer> {
  const statement = text.replace(/\/\*.*?\*\//gs, " ").trim().replace(/;$/, "").trim();
  const like = /^show\s+properties(?:\s+like\s+'([^']*)')?$/i.exec(statement);
  if (like) return showProperties(view, like[1]);
  const counters = /^show\s+counters(?:\s+like\s+'([^']*)')?$/i.exec(statement);
  if (counters) return showCounters(view, counters[1]);
  const about = parseClusterStatement(statement);
  if (about !== undefined) return view.running.cluster?.answer(about) ?? NOT_WATCHED;
  const pools = parsePoolStatement(statement);
  if (pools !== undefined) return await answerPoolStatement(pools, view.running);
  if (/^(set|use|begin|commit|rollback|start\s+transaction)\b/i.test(statement)) return "ok";
  const variable = /^select\s+@@(?:global\.|session\.)?(\w+)(?:\s+limit\s+1)?$/i.exec(statement);
  if (variable) return selectVariable(variable[1], view);
  if (/^select\s+version\(\)$/i.test(statement)) {
    return { columns: ["version()"], rows: [[view.versionComment]] };
  }
  return {
    code: 1064,
    sqlState: "42000",
    message:
      "The admin port does not know this statement; it knows SHOW PROPERTIES, COUNTERS, POOLS, CLUSTER, RW, RO, EVENTS and TOPOLOGY, PAUSE, RESUME and RECONNECT POOL, DRAIN SERVER, ENABLE SERVER and SET SERVER ... WEIGHT",
  };
}

function showProperties({ running }: AdminView, pattern: string | undefined): TextResult {
  const { mode, reason } = running.credentials.store;
  const rows: (readonly [string, string])[] = [
    ["auth.mode_in_force", mode],
    ["auth.mode_reason", reason],
    ...properties(running.config),
  ];
  return { columns: ["Property", "Value"], rows: matching(rows, pattern) };
}

function showCounters({ running }: AdminView, pattern: string | undefined): TextResult {
  const rows = Object.entries(running.counters()).map((
    [name, value],
  ): readonly [string, string] => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    String(value),
  ]);
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

/** LIKE as a regular expression: % any characters, _ one. */
function likePattern(pattern: string): RegExp {
  const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("%", ".*").replaceAll("_", ".")}$`, "i");
}

function selectVariable(name: string, { versionComment }: AdminView): Answer {
  const values: Record<string, string> = {
    version_comment: versionComment,
    version: versionComment,
    max_allowed_packet: "16777216",
    sql_mode: "",
    autocommit: "1",
  };
  const value = values[name.toLowerCase()];
  if (value !== undefined) return { columns: [`@@${name}`], rows: [[value]] };
  return { code: 1193, sqlState: "HY000", message: `Unknown system variable '${name}'` };
}
