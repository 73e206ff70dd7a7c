// What sessions and shared server connections of a worker have set and prepared at this moment, beside
// what survey.ts tells of them. Control plane: asked for by whoever looks at one of them closely.

import {
  type AccountPool,
  OFF,
  type PooledConnection,
  type SessionState,
} from "../../backend/mod.ts";
import { formatToken } from "../../route/mod.ts";
import { HEADER_LENGTH } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";
import { pinReasons } from "../pins/pin_reasons.ts";
import type { PooledSession } from "../pooled_session.ts";

/** Statements told of one worker, and what is told of a text, in bytes. */
const STATEMENTS_MAX = 10_000;
const TEXT_MAX = 1024;

/** The charsets that texts have on the way; a part is null where it is not known. */
export interface Charsets {
  readonly client: string | null;
  readonly connection: string | null;
  readonly results: string | null;
}

/** What is the same of sessions and of connections. */
interface SettingsFacts {
  readonly charsets: Charsets;
  /** What differs from a new session's, `name=value` with commas; `?`: changed, and not read yet. */
  readonly settings: string;
  /** How many settings that are. */
  readonly settingsCount: number;
  readonly autocommit: boolean | null;
  readonly isolation: string | null;
  readonly sqlMode: string | null;
  readonly timeZone: string | null;
  /** User variables that have values. */
  readonly userVariables: number;
  /** Prepared statements. */
  readonly prepared: number;
}

/** A session that is logged in. */
export interface SessionDetails {
  readonly id: number;
  readonly user: string;
  /** It takes turns on shared connections; only then more is known. */
  readonly shared: SharedDetails | undefined;
  readonly inTransaction: boolean;
}

/** A session that takes turns on shared connections. */
export interface SharedDetails extends SettingsFacts {
  readonly schema: string;
  /** Where its writes go. */
  readonly home: string;
  /** The connection that it used last, if what it has left may still lie there. */
  readonly last: { readonly server: string; readonly thread: number } | null;
  /** The replica that has its READ ONLY transaction. */
  readonly readOnlyAt: string | null;
  /** The level of its reads, and what they must see; null: reads are not split. */
  readonly consistency: string | null;
  readonly position: string | null;
  readonly pins: readonly string[];
  /** Why its open transaction could not be run again; null: it could, or it is not kept. */
  readonly notReplayable: string | null;
}

/** A shared connection. */
export interface ConnectionDetails extends SettingsFacts {
  readonly server: string;
  readonly thread: number;
}

/** A text that sessions of one account have prepared in one schema. */
export interface PreparedDetails {
  readonly user: string;
  readonly schema: string;
  /** Its first 1024 bytes. */
  readonly text: string;
  readonly parameters: number;
  /** Statements of sessions, and of server connections. */
  readonly clients: number;
  readonly servers: number;
}

/** An address that logins have failed from. */
export interface FailedAddress {
  readonly address: string;
  readonly failures: number;
  /** Since the last of them, in milliseconds. */
  readonly ageMs: number;
}

/** All of it. */
export interface Details {
  readonly sessions: readonly SessionDetails[];
  readonly connections: readonly ConnectionDetails[];
  readonly statements: readonly PreparedDetails[];
  readonly failedAddresses: readonly FailedAddress[];
}

/** Walks all sessions and connections. */
export function detailsOf(context: SessionContext): Details {
  const { servers, directory } = context;
  const connections: ConnectionDetails[] = [];
  const prepared = new Map<string, number>();
  for (const { pools } of servers.all()) {
    for (const [, pool] of pools?.all() ?? []) {
      for (const pooled of pool.census.connections) {
        connections.push(connectionDetails(pooled, pool));
        for (const key of pooled.statementKeys()) prepared.set(key, (prepared.get(key) ?? 0) + 1);
      }
    }
  }
  const sessions = [...directory.all()].filter(({ loggedIn }) => loggedIn);
  return {
    sessions: sessions.map(sessionDetails),
    connections,
    statements: statementsOf(sessions, prepared),
    failedAddresses: context.throttle.addresses(),
  };
}

function connectionDetails(pooled: PooledConnection, { fresh }: AccountPool): ConnectionDetails {
  const { connection: { facts }, state, userVariables } = pooled;
  return {
    server: facts.server,
    thread: facts.threadId,
    ...settingsOf(state, fresh.known(facts.kind)?.literals),
    userVariables: [...userVariables.values()].filter((literal) => literal !== "NULL").length,
    prepared: pooled.statementCount,
  };
}

function sessionDetails(session: ClientSession): SessionDetails {
  const { id, user, pooled, hasBegun } = session;
  return {
    id,
    user: readable(user),
    shared: pooled && sharedDetails(pooled),
    inTransaction: hasBegun,
  };
}

function sharedDetails(pooled: PooledSession): SharedDetails {
  const { state, baseline, context, last, route, statements } = pooled;
  const { routing, config } = context;
  const connection = last?.connection.facts;
  return {
    schema: state.schema,
    ...settingsOf(state, baseline.literals),
    userVariables: userVariablesOf(pooled),
    prepared: statements.count,
    home: pooled.home.name,
    last: connection ? { server: connection.server, thread: connection.threadId } : null,
    readOnlyAt: route?.state.readOnlyServer?.name ?? null,
    consistency: route ? route.state.consistency ?? config.route.consistency : null,
    position: route && routing
      ? formatToken(route.state.position.needs, routing.router.positions)
      : null,
    pins: pinReasons(pooled),
    notReplayable: pooled.record?.reason ?? null,
  };
}

/** Those that are known, and those that statements on its last connection have named since. */
function userVariablesOf({ userVariables, last }: PooledSession): number {
  const names = new Set(userVariables.keys());
  for (const name of last?.dirty ?? []) if (name.startsWith("@")) names.add(name);
  return names.size;
}

type Settings = Omit<SettingsFacts, "userVariables" | "prepared">;

/** A state is made once and is that of thousands of sessions, which mostly begin alike. */
const known = new WeakMap<SessionState, { literals: unknown; settings: Settings }>();

function settingsOf(
  state: SessionState,
  literals: ReadonlyMap<string, string> | undefined,
): Settings {
  const found = known.get(state);
  if (found !== undefined && found.literals === literals) return found.settings;
  const settings = readSettings(state, literals);
  known.set(state, { literals, settings });
  return settings;
}

function readSettings(
  { variables }: SessionState,
  literals: ReadonlyMap<string, string> | undefined,
): Settings {
  const value = (name: string) => variables.get(name) ?? literals?.get(name);
  const text = (name: string) => value(name)?.replace(/^'(.*)'$/s, "$1") ?? null;
  const autocommit = value("autocommit");
  const settings = [...variables].filter(([name]) => !name.startsWith("="));
  return {
    charsets: {
      client: text("character_set_client"),
      // The collation is what is kept of both; it begins with its charset.
      connection: text("collation_connection")?.split("_")[0] ?? text("character_set_connection"),
      results: text("character_set_results"),
    },
    settings: settings.map(([name, literal]) => `${name}=${literal}`).join(","),
    settingsCount: settings.length,
    autocommit: autocommit === undefined ? null : !OFF.has(autocommit),
    isolation: text("transaction_isolation") ?? text("tx_isolation"),
    sqlMode: text("sql_mode"),
    timeZone: text("time_zone"),
  };
}

/** @param prepared By key: how many server connections have it. */
function statementsOf(
  sessions: readonly ClientSession[],
  prepared: ReadonlyMap<string, number>,
): PreparedDetails[] {
  const found = new Map<string, PreparedDetails & { clients: number }>();
  for (const { user, pooled } of sessions) {
    for (const { key, packet, state, parameters } of pooled?.statements.all() ?? []) {
      const own = `${user}\n${key}`;
      const known = found.get(own);
      if (known) known.clients++;
      else if (found.size < STATEMENTS_MAX) {
        const text = packet.subarray(HEADER_LENGTH + 1, HEADER_LENGTH + 1 + TEXT_MAX);
        found.set(own, {
          user: readable(user),
          schema: state.schema,
          text: Buffer.from(text).toString(),
          parameters,
          clients: 1,
          servers: prepared.get(key) ?? 0,
        });
      }
    }
  }
  return [...found.values()];
}

/** Names are kept one character a byte. */
function readable(name: string): string {
  return Buffer.from(name, "latin1").toString();
}
