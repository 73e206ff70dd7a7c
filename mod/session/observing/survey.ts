// How each session and each server connection of a worker stands at this moment, for the admin
// port's tables. Control plane: asked for at most a few times a second, walks all.

import {
  OFF,
  RESULTS_COLLATION,
  ROLE,
  type ServerConnection,
  type SessionState,
} from "../../backend/mod.ts";
import { TransactionStart } from "../../sql/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";
import { pinReasons } from "../pins/pin_reasons.ts";
import type { PooledSession } from "../pooled_session.ts";
import { currentCommand } from "./current_statement.ts";
import { transactionBegunBy } from "../failover/transaction_opening.ts";

/**
 * What a session is doing. `login`: it is not in yet; `sleep`: no command is under way; `wait`: its
 * command waits for a server connection; `restore`: the connection is given the session's state;
 * `execute`: the server has the command.
 */
export type SessionStage = "login" | "sleep" | "wait" | "restore" | "execute";

/** A client's session at one moment. Ages are in milliseconds. */
export interface FrontendFacts {
  /** The proxy's connection id. */
  readonly id: number;
  /** The account's name; empty before the login. */
  readonly user: string;
  /** `address:port`; `localhost` for a unix socket. */
  readonly host: string;
  /** The default schema; null: none, or not known (session pooling). */
  readonly db: string | null;
  readonly stage: SessionStage;
  readonly ageMs: number;
  /** Since the last command came. */
  readonly idleMs: number;
  readonly inTransaction: boolean;
  /** The server it holds a connection to; null: it holds none. */
  readonly server: string | null;
  /** The server's id of that connection. */
  readonly thread: number | null;
  /** Why it keeps its server connection: kinds, each once. */
  readonly pins: readonly string[];
  /** The command under way, as in `Query`; null: none, or not known. */
  readonly command: string | null;
  /** The start of the statement under way. */
  readonly statement: string | null;
  /** How long it has run; null: nothing runs, or it is not measured. */
  readonly statementMs: number | null;
  /** Commands since it connected. */
  readonly commands: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly tls: boolean;
  /** The client's capability flags. */
  readonly capabilities: number;
  /** Prepared statements; null: not known (session pooling). */
  readonly prepared: number | null;
  /** Settings that differ from the defaults, `name=value` with commas; null: none, or not known. */
  readonly variables: string | null;
  /** What statements and results are written in; null: not known (session pooling). */
  readonly charset: string | null;
  /** The level of consistency of its reads; null: they are not split. */
  readonly consistency: string | null;
  /** What the command under way waits for; null: for nothing, or it is not known. */
  readonly waitsFor: SessionWait | null;
}

/**
 * What a command waits for. `primary`: none takes writes; `connection`: one of the pool's; `position`:
 * what the primary has, which a read must see; `data`: a replica is to have it; `state`: the connection
 * is given the session's.
 */
export type SessionWait = "primary" | "connection" | "position" | "data" | "state";

/** A server connection at one moment. Ages are in milliseconds. */
export interface BackendFacts {
  readonly server: string;
  /** The server's id of it. */
  readonly thread: number;
  readonly user: string;
  /** Known of shared connections. */
  readonly db: string | null;
  /** The session that has it; null: it is idle. */
  readonly session: number | null;
  /** Requests without a complete answer. */
  readonly outstanding: number;
  /** Known of shared connections. */
  readonly ageMs: number | null;
  /** Since nobody uses it; null: somebody does. */
  readonly idleMs: number | null;
  readonly secure: boolean;
  /** The capability flags in force. */
  readonly capabilities: number;
}

/** Sessions, the oldest first. */
export function frontendsOf(context: SessionContext): FrontendFacts[] {
  return [...context.directory.all()].map(frontendOf);
}

function frontendOf(session: ClientSession): FrontendFacts {
  const { pooled, server, address, port, activeAt, connectedAt } = session;
  const { times, transport } = session;
  const now = performance.now();
  const stage = stageOf(session);
  const current = stage === "sleep" || stage === "login" ? undefined : currentCommand(session);
  return {
    id: session.id,
    user: readable(session.user),
    host: address === "" ? "localhost" : `${address}:${port}`,
    db: pooled?.state.schema || null,
    stage,
    ageMs: Math.max(0, now - connectedAt),
    idleMs: Math.max(0, now - activeAt),
    inTransaction: session.hasBegun || isBeginning(session),
    server: server?.facts.server ?? null,
    thread: server?.facts.threadId ?? null,
    pins: pooled ? pinReasons(pooled) : [],
    command: current?.command ?? null,
    statement: current?.text ?? null,
    statementMs: session.idle || times.startedAt === 0 ? null : now - times.startedAt,
    commands: times.commands,
    bytesReceived: transport.received,
    bytesSent: transport.sent,
    tls: transport.secure,
    capabilities: session.capabilities,
    prepared: pooled?.statements.count ?? null,
    variables: pooled ? variablesOf(pooled.state) : null,
    charset: pooled ? charsetOf(pooled) : null,
    consistency: pooled?.route?.state.consistency ??
      (pooled?.route ? session.context.config.route.consistency : null),
    waitsFor: pooled ? waitOf(pooled, stage) : null,
  };
}

function charsetOf({ state, baseline }: PooledSession): string | null {
  const name = "character_set_client";
  const literal = state.variables.get(name) ?? baseline.literals.get(name);
  return literal?.replaceAll("'", "") ?? null;
}

function waitOf(pooled: PooledSession, stage: SessionStage): SessionWait | null {
  const { session, route, context } = pooled;
  if (stage === "restore") return route?.wait === undefined ? "state" : "data";
  if (stage !== "wait") return null;
  if (session.times.askedAt !== 0) return "position";
  return context.gate.holds ? "primary" : "connection";
}

/** What it has sent begins a transaction: whoever counts those that are open must not miss it. */
function isBeginning({ pooled, server }: ClientSession): boolean {
  if (pooled?.busy !== true || server === undefined) return false;
  const { state, baseline } = pooled;
  const autocommit = state.variables.get("autocommit") ?? baseline.literals.get("autocommit") ?? "";
  return OFF.has(autocommit) || transactionBegunBy(pooled) !== TransactionStart.NONE;
}

function stageOf(session: ClientSession): SessionStage {
  const { pooled, server } = session;
  if (!session.loggedIn) return "login";
  if (session.idle) return "sleep";
  if (pooled?.busy && server === undefined) return "wait";
  return pooled?.preparing ? "restore" : "execute";
}

/** Server connections: those of sessions, and idle ones. */
export function backendsOf(context: SessionContext): BackendFacts[] {
  const { servers, directory } = context;
  const now = performance.now();
  const holders = new Map<ServerConnection, number>();
  for (const session of directory.all()) {
    if (session.server) holders.set(session.server, session.id);
  }
  const facts: BackendFacts[] = [];
  const add = (
    connection: ServerConnection,
    { db = null, openedAt, idleSince }: {
      readonly db?: string | null;
      readonly openedAt?: number;
      readonly idleSince: number;
    },
  ) => {
    const session = holders.get(connection) ?? null;
    holders.delete(connection);
    facts.push({
      server: connection.facts.server,
      thread: connection.facts.threadId,
      user: readable(connection.user),
      db,
      session,
      outstanding: connection.outstanding,
      ageMs: openedAt === undefined ? null : Math.max(0, now - openedAt),
      idleMs: session === null ? Math.max(0, now - idleSince) : null,
      secure: connection.facts.secure,
      capabilities: connection.facts.capabilities,
    });
  };
  for (const { pool, pools } of servers.all()) {
    for (const [, shared] of pools?.all() ?? []) {
      for (const { connection, state, openedAt, idleSince } of shared.census.connections) {
        add(connection, { db: state.schema || null, openedAt, idleSince });
      }
    }
    for (const connection of pool.connections()) {
      add(connection, { idleSince: connection.idleSince });
    }
  }
  for (const connection of [...holders.keys()]) add(connection, { idleSince: now });
  return facts;
}

/** A state is made once and is that of thousands of sessions. */
const variableTexts = new WeakMap<SessionState, string>();

function variablesOf(state: SessionState): string | null {
  if (state.variables.size === 0) return null;
  const known = variableTexts.get(state);
  if (known !== undefined) return known;
  const text = [...state.variables].filter(([name]) => name !== RESULTS_COLLATION)
    .map(([name, value]) => `${name === ROLE ? "role" : name}=${value.slice(0, 64)}`).join(",");
  variableTexts.set(state, text);
  return text;
}

/** Names are kept one character a byte. */
function readable(name: string): string {
  return Buffer.from(name, "latin1").toString();
}
