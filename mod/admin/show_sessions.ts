// SHOW [FULL] PROCESSLIST over all workers, and PolarDB-X's SHOW [FULL] FRONTEND, [FULL] BACKEND and
// REACTOR, as far as there is the like here.

import type { WorkerSurvey } from "../proxy/mod.ts";
import type { FrontendFacts } from "../session/mod.ts";
import type { ColumnType, TextResult } from "../wire/mod.ts";
import type { AdminSession } from "./admin_session.ts";

/** A statement is shown up to here, in characters, without FULL. */
const INFO_MAX = 100;

const SHOW = /^show\s+(full\s+)?(processlist|frontends?|backends?|reactors?)$/i;

/** Undefined where a statement is about something else. */
export async function answerAboutSessions(
  statement: string,
  { view: { running } }: AdminSession,
): Promise<TextResult | undefined> {
  const [all, full, what] = SHOW.exec(statement) ?? [];
  if (all === undefined) return undefined;
  const surveys = await running.survey();
  const isFull = full !== undefined;
  switch (what.toLowerCase().replace(/s$/, "")) {
    case "frontend":
      return frontendRows(surveys, isFull);
    case "backend":
      return backendRows(surveys);
    case "reactor":
      return reactorRows(surveys);
    default:
      return processRows(surveys, isFull);
  }
}

type Cell = string | number | null;

/** Columns by name, in their order; those whose values are numbers are said to be. */
function result<Row>(
  rows: readonly Row[],
  columns: Readonly<Record<string, (row: Row) => Cell>>,
): TextResult {
  const cells = rows.map((row) => Object.values(columns).map((value) => value(row)));
  const types = Object.keys(columns).map((_, at): ColumnType =>
    cells.length > 0 && cells.every((row) => typeof row[at] === "number") ? "integer" : "text"
  );
  return {
    columns: Object.keys(columns),
    types,
    rows: cells.map((row) => row.map((cell) => cell === null ? null : String(cell))),
  };
}

/** The columns of MySQL. */
function processRows(surveys: readonly WorkerSurvey[], isFull: boolean): TextResult {
  const sessions = surveys.flatMap(({ frontends }) => frontends).sort((a, b) => a.id - b.id);
  return result<FrontendFacts>(sessions, {
    Id: ({ id }) => id,
    User: ({ user, stage }) => stage === "login" ? "unauthenticated user" : user,
    Host: ({ host }) => host,
    db: ({ db }) => db,
    Command: commandOf,
    Time: ({ stage, idleMs, statementMs }) =>
      Math.floor((stage === "sleep" ? idleMs : statementMs ?? idleMs) / 1000),
    State: ({ stage }) => STATES[stage],
    Info: ({ statement }) => isFull ? statement : statement?.slice(0, INFO_MAX) ?? null,
  });
}

function commandOf({ stage, command }: FrontendFacts): string {
  if (stage === "login") return "Connect";
  return stage === "sleep" ? "Sleep" : command ?? "Query";
}

const STATES = {
  login: "login",
  sleep: "",
  wait: "Waiting for a server connection",
  restore: "Waiting for the session's state",
  execute: "executing",
} as const;

function frontendRows(surveys: readonly WorkerSurvey[], isFull: boolean): TextResult {
  const sessions = surveys.flatMap(({ frontends }) => frontends);
  return result<FrontendFacts>(sessions, {
    id: ({ id }) => id,
    user: ({ user }) => user,
    capabilities: ({ capabilities }) => `0x${capabilities.toString(16)}`,
    host: ({ host }) => host,
    privilege_host: () => null,
    db: ({ db }) => db,
    state: ({ stage }) => stage === "login" ? "Greeting" : "Authenticated",
    client_charset: () => null,
    connection_charset: () => null,
    results_charset: () => null,
    prepared_statement: ({ prepared }) => prepared === null ? null : `count: ${prepared}`,
    transaction_status: ({ inTransaction, server, thread }) =>
      inTransaction ? `multi-stmt rw: ${server}-${thread}` : null,
    changed_variables: ({ variables }) =>
      isFull ? variables : variables?.slice(0, INFO_MAX) ?? null,
    ...(isFull
      ? {
        server: ({ server }: FrontendFacts) => server,
        pins: ({ pins }: FrontendFacts) => pins.length === 0 ? null : pins.join(", "),
        info: ({ statement }: FrontendFacts) => statement,
      }
      : {}),
  });
}

function backendRows(surveys: readonly WorkerSurvey[]): TextResult {
  return result(surveys.flatMap(({ backends }) => backends), {
    id: ({ server, thread }) => `${server}-${thread}`,
    user: ({ user }) => user,
    capabilities: ({ capabilities }) => `0x${capabilities.toString(16)}`,
    privilege_host: () => null,
    connection: ({ server }) => server,
    db: ({ db }) => db,
    state: () => "Authenticated",
    client_charset: () => null,
    connection_charset: () => null,
    results_charset: () => null,
    idle_prepared_statement: () => null,
    changed_variables: () => null,
    frontend: ({ session }) => session,
    outstanding: ({ outstanding }) => outstanding,
  });
}

/** A worker is what PolarDB-X calls a reactor. */
function reactorRows(surveys: readonly WorkerSurvey[]): TextResult {
  return result(surveys, {
    name: ({ worker }) => `worker-${worker}`,
    sockets: ({ frontends, backends }) => frontends.length + backends.length,
    events: ({ counters }) => counters.commands,
    registers: ({ counters }) => counters.clientsAccepted,
    reads: () => null,
    writes: () => null,
    connects: ({ counters }) => counters.serverConnectionsOpened,
    buffer: ({ heapBytes }) => heapBytes,
    block: () => null,
    total: () => null,
    idle: () => null,
    loop_lag_us: ({ loopLagMs }) => Math.round(loopLagMs * 1000),
  });
}
