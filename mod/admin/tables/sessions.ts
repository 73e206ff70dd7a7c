// Clients, server connections, and the pools between them.

import type { PoolStatus } from "../../backend/mod.ts";
import type { WorkerSurvey } from "../../proxy/mod.ts";
import type { BackendFacts, FrontendFacts } from "../../session/mod.ts";
import { type ColumnOf, seconds, type Source, table } from "../table.ts";

type OfWorker<Facts> = Facts & { readonly worker: number };

async function ofWorkers<Facts>(
  source: Source,
  facts: (survey: WorkerSurvey) => readonly Facts[],
): Promise<readonly OfWorker<Facts>[]> {
  const surveys = await source.surveys();
  return surveys.flatMap((survey) =>
    facts(survey).map((each) => ({ ...each, worker: survey.worker }))
  );
}

/** One row a client session. */
export const frontendsTable = table<OfWorker<FrontendFacts>>("frontends", {
  doc: "Clients' sessions.",
  rows: (source) => ofWorkers(source, ({ frontends }) => frontends),
  columns: {
    id: ["INTEGER", "The connection id that CONNECTION_ID() gives and KILL takes.", ({ id }) => id],
    worker: ["INTEGER", "The worker it is on.", ({ worker }) => worker],
    user: ["TEXT", "The account's name; empty before the login.", ({ user }) => user],
    host: [
      "TEXT",
      "The client's address and port; `localhost` for a unix socket.",
      ({ host }) => host,
    ],
    db: ["TEXT", "The default schema. NULL: none, or not known (session pooling).", ({ db }) => db],
    command: ["TEXT", "The command under way, as in `Query`. NULL: none, or not known.", (
      { command },
    ) => command],
    state: [
      "TEXT",
      "`login`, `sleep`, `wait` (for a server connection), `restore` (of its state) or `execute`.",
      ({ stage }) => stage,
    ],
    age_s: ["REAL", "Seconds since it connected.", ({ ageMs }) => seconds(ageMs)],
    idle_s: [
      "REAL",
      "Seconds since its last command came, or ended.",
      ({ idleMs }) => seconds(idleMs),
    ],
    in_transaction: [
      "INTEGER",
      "1 if a transaction is open.",
      ({ inTransaction }) => inTransaction,
    ],
    server: [
      "TEXT",
      "The server it has a connection to. NULL: it has none now.",
      ({ server }) => server,
    ],
    thread: ["INTEGER", "That server's id of the connection.", ({ thread }) => thread],
    pins: ["TEXT", "Why it keeps its connection, with commas. NULL: nothing holds it.", (
      { pins },
    ) => pins.length === 0 ? null : pins.join(", ")],
    waits_for: [
      "TEXT",
      "What its statement waits for: `connection`, `state` (of the session, on its connection), " +
      "`position` (of the primary, for a read that must see what is there), `data` (on a replica) " +
      "or `primary` (none takes writes). NULL: for nothing, or not known.",
      ({ waitsFor }) => waitsFor,
    ],
    charset: [
      "TEXT",
      "character_set_client. NULL: not known (session pooling).",
      ({ charset }) => charset,
    ],
    variables: [
      "TEXT",
      "What it has set, `name=value` with commas, the first 64 characters of each value. NULL: " +
      "nothing, or not known (session pooling).",
      ({ variables }) => variables,
    ],
    prepared: ["INTEGER", "Its prepared statements. NULL: not known (session pooling).", (
      { prepared },
    ) => prepared],
    consistency: ["TEXT", "The level of its reads. NULL: reads are not split.", (
      { consistency },
    ) => consistency],
    statement: ["TEXT", "The start of the statement under way, at most 1024 bytes.", (
      { statement },
    ) => statement],
    statement_us: ["INTEGER", "How long it has run, in microseconds. NULL: nothing runs.", (
      { statementMs },
    ) => statementMs === null ? null : Math.round(statementMs * 1000)],
    commands: ["INTEGER", "Commands since it connected.", ({ commands }) => commands],
    bytes_received: [
      "INTEGER",
      "Bytes from the client, before TLS.",
      ({ bytesReceived }) => bytesReceived,
    ],
    bytes_sent: ["INTEGER", "Bytes to the client, before TLS.", ({ bytesSent }) => bytesSent],
    tls: ["INTEGER", "1 if the client's connection is encrypted.", ({ tls }) => tls],
  },
});

/** One row a server connection. */
export const backendsTable = table<OfWorker<BackendFacts>>("backends", {
  doc: "Connections to servers that sessions have or can have.",
  rows: (source) => ofWorkers(source, ({ backends }) => backends),
  columns: {
    server: ["TEXT", "The server.", ({ server }) => server],
    worker: ["INTEGER", "The worker it belongs to.", ({ worker }) => worker],
    thread: ["INTEGER", "The server's id of it.", ({ thread }) => thread],
    user: ["TEXT", "The account's name.", ({ user }) => user],
    db: ["TEXT", "Its default schema. NULL: none, or not known (session pooling).", ({ db }) => db],
    state: ["TEXT", "`used` or `idle`.", ({ session }) => session === null ? "idle" : "used"],
    session: [
      "INTEGER",
      "The `id` of the session that has it. NULL: nobody.",
      ({ session }) => session,
    ],
    outstanding: [
      "INTEGER",
      "Requests without a complete answer.",
      ({ outstanding }) => outstanding,
    ],
    age_s: ["REAL", "Seconds since it was opened. NULL: not known (session pooling).", (
      { ageMs },
    ) => ageMs === null ? null : seconds(ageMs)],
    idle_s: [
      "REAL",
      "Seconds since it is idle. NULL: it is not.",
      ({ idleMs }) => idleMs === null ? null : seconds(idleMs),
    ],
    secure: ["INTEGER", "1 if it is encrypted or a unix socket.", ({ secure }) => secure],
  },
});

/** The columns of `pools`, which SHOW POOLS has too. Times are in microseconds. */
export const POOL_COLUMNS: Readonly<Record<string, ColumnOf<PoolStatus>>> = {
  server: ["TEXT", "The server.", ({ server }) => server],
  account: ["TEXT", "The account's name.", ({ account }) => account],
  state: ["TEXT", "`active` or `paused`.", ({ paused }) => paused ? "paused" : "active"],
  sessions: ["INTEGER", "Clients logged in or logging in.", ({ sessions }) => sessions],
  running: ["INTEGER", "Connections that a session has.", ({ running }) => running],
  idle: ["INTEGER", "Connections that wait for one.", ({ idle }) => idle],
  opening: ["INTEGER", "Connections being opened.", ({ opening }) => opening],
  min: ["INTEGER", "Connections kept open.", ({ connectionsMin }) => connectionsMin],
  max: ["INTEGER", "Connections at most.", ({ connectionsMax }) => connectionsMax],
  waiting: ["INTEGER", "Sessions that wait now.", ({ waiting }) => waiting],
  maxwait_us: [
    "INTEGER",
    "How long the first of them has waited.",
    ({ oldestWaitUs }) => oldestWaitUs,
  ],
  waits: ["INTEGER", "Statements and logins that had to wait.", ({ waits }) => waits],
  waits_timed_out: [
    "INTEGER",
    "Of these, ended for `pool.wait_timeout`.",
    ({ waitsTimedOut }) => waitsTimedOut,
  ],
  wait_us: ["INTEGER", "All waits that have ended, together.", ({ waitUs }) => waitUs],
  longest_wait_us: ["INTEGER", "The longest of them.", ({ waitUsMax }) => waitUsMax],
  opened: ["INTEGER", "Connections opened.", ({ opened }) => opened],
  closed: ["INTEGER", "Connections ended, for whatever reason.", ({ closed }) => closed],
  evicted: ["INTEGER", "Of these, closed to make room for others.", ({ evicted }) => evicted],
  retired: [
    "INTEGER",
    "Of these, closed for their age, or by RECONNECT.",
    ({ retired }) => retired,
  ],
  reset: ["INTEGER", "Connections made as new again.", ({ reset }) => reset],
  open_failures: ["INTEGER", "Logins that the server has refused or not answered.", (
    { openFailures },
  ) => openFailures],
  last_error: [
    "TEXT",
    "Why the last of these failed; empty: none did.",
    ({ lastError }) => lastError,
  ],
};

/** One row a shared pool. */
export const poolsTable = table<PoolStatus>("pools", {
  doc: "Shared connections by server and account, all workers together. Times are in microseconds.",
  rows: (source) => source.pools(),
  columns: POOL_COLUMNS,
});

/** One row a reason. */
export const pinsTable = table<readonly [string, number]>("pins", {
  doc: "Why sessions keep their server connections at the moment, by reason.",
  rows: async (source) => {
    const counts = new Map<string, number>();
    for (const { frontends } of await source.surveys()) {
      for (const { pins, inTransaction } of frontends) {
        for (const reason of inTransaction ? ["transaction", ...pins] : pins) {
          counts.set(reason, (counts.get(reason) ?? 0) + 1);
        }
      }
    }
    return [...counts];
  },
  columns: {
    reason: ["TEXT", "`transaction`, or what a statement has left.", ([reason]) => reason],
    sessions: ["INTEGER", "Sessions held by it; one may be held by several.", ([, count]) => count],
  },
});
