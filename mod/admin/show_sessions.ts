// SHOW [FULL] PROCESSLIST over all workers, and PolarDB-X's SHOW [FULL] FRONTEND, [FULL] BACKEND and
// REACTOR, as far as there is the like here.

import type { WorkerSurvey } from "../proxy/mod.ts";
import type {
  BackendFacts,
  Charsets,
  ConnectionDetails,
  Details,
  FrontendFacts,
  SharedDetails,
} from "../session/mod.ts";
import type { ColumnType, TextResult } from "../wire/mod.ts";
import type { AdminSession } from "./admin_session.ts";
import { seconds } from "./table.ts";

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
  const isFull = full !== undefined;
  const surveys = await running.survey();
  switch (what.toLowerCase().replace(/s$/, "")) {
    case "frontend":
      return frontendRows(surveys, await running.details(), isFull);
    case "backend":
      return backendRows(surveys, await running.details(), isFull);
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

type Frontend = FrontendFacts & { readonly shared: SharedDetails | undefined };

function frontendRows(
  surveys: readonly WorkerSurvey[],
  details: readonly Details[],
  isFull: boolean,
): TextResult {
  const known = new Map(
    details.flatMap(({ sessions }) => sessions.map(({ id, shared }) => [id, shared])),
  );
  const sessions = surveys.flatMap(({ frontends }) => frontends)
    .map((facts): Frontend => ({ ...facts, shared: known.get(facts.id) }));
  return result<Frontend>(sessions, {
    id: ({ id }) => id,
    user: ({ user }) => user,
    capabilities: ({ capabilities }) => `0x${capabilities.toString(16)}`,
    host: ({ host }) => host,
    privilege_host: () => null,
    db: ({ db }) => db,
    state: ({ stage }) => stage === "login" ? "Greeting" : "Authenticated",
    ...charsetColumns(({ shared }: Frontend) => shared),
    prepared_statement: ({ prepared }) => prepared === null ? null : `count: ${prepared}`,
    transaction_status: ({ inTransaction, server, thread }) =>
      inTransaction ? `multi-stmt rw: ${server}-${thread}` : null,
    changed_variables: ({ shared }) => settingsText(shared, isFull),
    ...(isFull
      ? {
        server: ({ server }: Frontend) => server,
        pins: ({ pins }: Frontend) => pins.length === 0 ? null : pins.join(", "),
        info: ({ statement }: Frontend) => statement,
      }
      : {}),
  });
}

function charsetColumns<Row>(
  of: (row: Row) => { readonly charsets: Charsets } | undefined,
): Readonly<Record<string, (row: Row) => Cell>> {
  return {
    client_charset: (row) => of(row)?.charsets.client ?? null,
    connection_charset: (row) => of(row)?.charsets.connection ?? null,
    results_charset: (row) => of(row)?.charsets.results ?? null,
  };
}

/** Null: nothing was changed, or it is not known. */
function settingsText(
  found: { readonly settings: string } | undefined,
  isFull: boolean,
): string | null {
  return (isFull ? found?.settings : found?.settings.slice(0, INFO_MAX)) || null;
}

interface Backend extends BackendFacts {
  readonly worker: number;
  /** Undefined: it is a session's own. */
  readonly shared: ConnectionDetails | undefined;
  /** The statement of the session that has it. */
  readonly statement: string | null;
}

/** With FULL also what else is known, and settings as long as they are. */
function backendRows(
  surveys: readonly WorkerSurvey[],
  details: readonly Details[],
  isFull: boolean,
): TextResult {
  const idOf = ({ server, thread }: { readonly server: string; readonly thread: number }) =>
    `${server}-${thread}`;
  const known = new Map(
    details.flatMap(({ connections }) => connections.map((each) => [idOf(each), each])),
  );
  const statements = new Map(
    surveys.flatMap(({ frontends }) => frontends.map(({ id, statement }) => [id, statement])),
  );
  const connections = surveys.flatMap(({ worker, backends }) =>
    backends.map((facts): Backend => ({
      ...facts,
      worker,
      shared: known.get(idOf(facts)),
      statement: facts.session === null ? null : statements.get(facts.session) ?? null,
    }))
  );
  return result<Backend>(connections, {
    id: idOf,
    user: ({ user }) => user,
    capabilities: ({ capabilities }) => `0x${capabilities.toString(16)}`,
    privilege_host: () => null,
    connection: ({ server }) => server,
    db: ({ db }) => db,
    state: () => "Authenticated",
    ...charsetColumns(({ shared }: Backend) => shared),
    idle_prepared_statement: ({ shared }) =>
      shared === undefined ? null : `count: ${shared.prepared}`,
    changed_variables: ({ shared }) => settingsText(shared, isFull),
    frontend: ({ session }) => session,
    outstanding: ({ outstanding }) => outstanding,
    ...(isFull
      ? {
        worker: ({ worker }: Backend) => worker,
        user_variables: ({ shared }: Backend) => shared?.userVariables ?? null,
        age_s: ({ ageMs }: Backend) => ageMs === null ? null : seconds(ageMs),
        idle_s: ({ idleMs }: Backend) => idleMs === null ? null : seconds(idleMs),
        secure: ({ secure }: Backend) => Number(secure),
        info: ({ statement }: Backend) => statement,
      }
      : {}),
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
