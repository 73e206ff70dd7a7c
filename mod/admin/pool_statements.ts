// SHOW POOLS, and PAUSE, RESUME and RECONNECT of one account's pool or of all.

import type { PoolOrder, PoolStatus } from "../backend/mod.ts";
import type { Running } from "../proxy/mod.ts";
import type { SqlError, TextResult } from "../wire/mod.ts";
import { POOL_COLUMNS } from "./tables/sessions.ts";

/** A statement about the pools: an order, or the wish to see them. */
export type PoolStatement = PoolOrder | "show";

/** How often a pool is asked whether all has ended that ran when it was paused, in milliseconds. */
const LOOK_MS = 20;

const ORDER = /^(pause|resume|reconnect)\s+(?:pools|pool\s+('(?:[^'\\]|'')*'|`[^`]*`|[\w$.-]+))$/i;

/** Undefined where a statement is about something else. */
export function parsePoolStatement(text: string): PoolStatement | undefined {
  if (/^show\s+pools$/i.test(text)) return "show";
  const [, verb, name] = ORDER.exec(text) ?? [];
  if (verb === undefined) return undefined;
  const isQuoted = name?.startsWith("'") || name?.startsWith("`");
  return {
    kind: verb.toLowerCase() as PoolOrder["kind"],
    account: isQuoted ? name!.slice(1, -1).replaceAll("''", "'") : name,
  };
}

/** PAUSE is answered when nothing runs any more, or with an error after `pool.wait_timeout`. */
export async function answerPoolStatement(
  statement: PoolStatement,
  running: Running,
): Promise<TextResult | "ok" | SqlError> {
  const { pool, proxyProtocol } = running.config;
  if (pool.mode === "session" || proxyProtocol.backend !== "off") return NOT_SHARED;
  if (statement === "show") return showPools(await running.managePools(undefined));
  let pools = await running.managePools(statement);
  if (statement.kind !== "pause") return "ok";
  const deadline = performance.now() + pool.waitTimeoutMs;
  for (;;) {
    const concerned = pools.filter(({ account }) =>
      statement.account === undefined || account === statement.account
    );
    const busy = concerned.reduce((sum, { running }) => sum + running, 0);
    if (busy === 0) return "ok";
    if (performance.now() > deadline) return stillRunning(busy, pool.waitTimeoutMs);
    await Bun.sleep(LOOK_MS);
    pools = await running.managePools(undefined);
  }
}

const NOT_SHARED: SqlError = {
  code: 1105,
  sqlState: "HY000",
  message: 'There are no shared pools: pool.mode is "session", or servers get PROXY headers',
};

function stillRunning(connections: number, waitedMs: number): SqlError {
  const what = connections === 1 ? "1 connection is" : `${connections} connections are`;
  return {
    code: 1205,
    sqlState: "HY000",
    message: `Paused, but after ${waitedMs / 1000} s ${what} still held by a session: ` +
      "by a statement, a transaction, or what SHOW POOLS counts as running",
  };
}

const COLUMNS = Object.entries(POOL_COLUMNS);

function showPools(pools: readonly PoolStatus[]): TextResult {
  return {
    columns: COLUMNS.map(([name]) => name),
    rows: pools.map((pool) => COLUMNS.map(([, [, , value]]) => String(value(pool)))),
  };
}
