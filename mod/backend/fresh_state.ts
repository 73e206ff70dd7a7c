// Makes a connection that has just logged in (or been reset) ready for a shared pool: the server's
// trackers are turned on, and what a fresh session has set is learned.
// Source: "Server Tracking of Client Session State" of the MySQL manual; MariaDB's page of that name.

import { ChannelClosedError } from "../net/mod.ts";
import {
  decodeSystemVariables,
  Expect,
  type Greeting,
  sessionStateOf,
  StateEntry,
} from "../wire/mod.ts";
import { isToldGtids } from "./connection_kind.ts";
import { NO_ROWS } from "./connection_pool.ts";
import { queryPacket, runStatement } from "./own_statement.ts";
import type { ServerConnection } from "./server_connection.ts";
import { SessionDefaults, type SessionVariables } from "./session_defaults.ts";
import {
  literalOf,
  RESULTS_COLLATION,
  ROLE,
  SCHEMA_VARIABLES,
  type SessionState,
  type StateTable,
} from "./session_state.ts";

/** What sessions of one kind begin with. */
export interface Baseline {
  /** Literals of all session variables of a fresh session, but for those in `empty`. */
  readonly literals: ReadonlyMap<string, string>;
  /** Variables that are shown empty in a fresh session, which may be NULL. */
  readonly empty: ReadonlySet<string>;
  /** What turns the proxy's trackers on. */
  readonly track: string;
  /** OK packets tell the GTIDs of what was committed, and what tells none has committed nothing. */
  readonly tellsGtids: boolean;
  /** What gives the trackers the settings that a fresh session has. */
  readonly untrack: string;
  /**
   * Variables whose changes a client with SESSION_TRACK is told of, in the order in which the server
   * tells of several: that of a hash table, which depends on which ones they are.
   */
  readonly told: readonly string[];
  /** The collations that are their charset's default. */
  readonly defaultCollations: ReadonlySet<string>;
  /** Names of collations by id. */
  readonly collations: ReadonlyMap<number, string>;
  /** What fresh sessions have otherwise by now. */
  readonly defaults: SessionDefaults;
}

/**
 * The character sets of a session: always restored explicitly, since each login brings its own.
 * character_set_connection follows from the collation.
 */
export const CHARSET_VARIABLES = [
  "character_set_client",
  "character_set_results",
  "collation_connection",
] as const;

/**
 * Variables that change by themselves, with each statement or write, or that are no settings: to
 * track them would make every OK packet one to look at.
 */
const NOT_TRACKED = new Set([
  "error_count",
  "external_user",
  "gtid_binlog_pos",
  "gtid_binlog_state",
  "gtid_current_pos",
  "gtid_executed",
  "gtid_owned",
  "gtid_purged",
  "gtid_slave_pos",
  "hostname",
  "identity",
  "in_predicate_conversion_threshold",
  "last_gtid",
  "last_insert_id",
  "proxy_user",
  "pseudo_thread_id",
  "session_track_gtids",
  "session_track_schema",
  "session_track_state_change",
  "session_track_system_variables",
  "session_track_transaction_info",
  "statement_id",
  "warning_count",
]);

/**
 * What each login brings or each session has for itself, and what follows from the schema: not what
 * SET GLOBAL changes for those to come.
 */
const NOT_COMPARED = new RegExp(
  `^(?:${[...NOT_TRACKED].join("|")}|character_set_(?:client|connection|results|database)|` +
    "collation_(?:connection|database)|insert_id|rand_seed[12]|in_transaction|pseudo_.*|" +
    "max_user_connections|wsrep_.*|gtid_next|original_.*)$",
);

const COLLATIONS = "SELECT ID,COLLATION_NAME,IS_DEFAULT FROM information_schema.COLLATIONS " +
  "WHERE ID IS NOT NULL";

/** A server without trackers, or something the proxy cannot work with. */
export class NoTrackersError extends Error {
  override name = "NoTrackersError";
}

/**
 * Learns what a fresh session has set. The connection must be one.
 *
 * @param variables Those of the connection's server.
 * @throws {NoTrackersError} If the server cannot tell of changes.
 * @throws {ChannelClosedError} If the connection ends meanwhile: what was not told is not unset.
 */
export async function learnBaseline(
  connection: ServerConnection,
  variables: SessionVariables,
): Promise<Baseline> {
  const { rows } = await runStatement(connection, "SHOW SESSION VARIABLES");
  const values = new Map<string, string>();
  for (const [name, value] of rows) {
    if (name !== undefined) values.set(name.toLowerCase(), value ?? "");
  }
  const collations = await runStatement(connection, COLLATIONS);
  const told = values.get("session_track_system_variables");
  const hasTrackers = told !== undefined && values.has("session_track_state_change");
  throwIfClosed(connection);
  if (!hasTrackers) throw new NoTrackersError("the server has no session_track_state_change");
  const literals = new Map<string, string>();
  for (const [name, value] of values) literals.set(name, literalOf(name, value));
  literals.delete("timestamp"); // the clock: it is set back to DEFAULT
  // What is NULL is shown as empty, and can be set as DEFAULT only.
  const empty = new Set<string>();
  for (const [name, value] of values) if (value === "") empty.add(name);
  for (const name of empty) literals.delete(name);
  for (const name of SCHEMA_VARIABLES) literals.delete(name); // those of this connection's schema
  const candidates = [...literals.keys()].filter((name) => !NOT_COMPARED.test(name));
  const names = (await variables.of(connection, candidates)).filter((name) => literals.has(name));
  const defaults = await SessionDefaults.learn(connection, { names, literals });
  const tracked = [...values.keys()].filter((name) => !NOT_TRACKED.has(name)).join(",");
  const settings = ["session_track_schema", "session_track_state_change"];
  const tracksGtids = isToldGtids(connection.facts.kind) && values.has("session_track_gtids");
  if (tracksGtids) settings.push("session_track_gtids");
  const order = await orderTold(
    connection,
    told.split(",").map((name) => name.trim().toLowerCase()),
  );
  throwIfClosed(connection);
  return {
    literals,
    empty,
    defaults,
    track: `SET @@SESSION.session_track_schema=1,@@SESSION.session_track_state_change=1,` +
      `@@SESSION.session_track_system_variables='${tracked}'` +
      (tracksGtids ? ",@@SESSION.session_track_gtids='OWN_GTID'" : "") +
      // MariaDB's resets forget the status flags of a sql_mode.
      (/mariadb/i.test(values.get("version") ?? "")
        ? ",@@SESSION.sql_mode=@@SESSION.sql_mode"
        : ""),
    tellsGtids: tracksGtids && /^ON/.test(values.get("gtid_mode") ?? ""),
    untrack: `SET ${
      [...settings, "session_track_system_variables"].map((name) =>
        `@@SESSION.${name}=${literals.get(name)}`
      ).join(",")
    }`,
    collations: new Map(collations.rows.map(([id, name]) => [Number(id), name!])),
    defaultCollations: new Set(
      collations.rows.filter(([, , isDefault]) => isDefault === "Yes").map(([, name]) => name!),
    ),
    told: order,
  };
}

function throwIfClosed({ closed }: ServerConnection): void {
  if (closed) throw new ChannelClosedError("server closed during the login");
}

/**
 * Sets what is told to what it is, and sees in which order the server says so. The character sets
 * become their charsets' defaults by that: they are set as the login had set them.
 */
async function orderTold(connection: ServerConnection, names: string[]): Promise<string[]> {
  const before = await runStatement(
    connection,
    "SELECT @@SESSION.character_set_client,@@SESSION.collation_connection",
  );
  const sets = names.map((name) => `@@SESSION.${name}=@@SESSION.${name}`);
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const order: string[] = [];
  connection.tracker.stopAtState = true;
  connection.request(queryPacket(connection, `SET ${sets.join(",")}`), Expect.RESULT, {
    onAnswerBytes() {},
    onOkPacket(packet) {
      for (const { type, data } of sessionStateOf(packet)) {
        if (type !== StateEntry.SYSTEM_VARIABLES) continue;
        order.push(...decodeSystemVariables(data).map(({ name }) => name));
      }
    },
    onAnswerEnd: () => resolve([...new Set([...order, ...names])]),
    onServerLost: () => resolve(names),
  });
  const told = await promise;
  const [charset, collation] = before.rows[0] ?? [];
  if (charset && collation) {
    await runStatement(connection, `SET NAMES '${charset}' COLLATE '${collation}'`);
  }
  return told;
}

/**
 * Turns the trackers on and reads what the login or the reset has set.
 *
 * @param options.isReset A reset keeps the schema, but not the character set that goes with it.
 * @throws {NoTrackersError} If the server does not take it.
 * @throws {ChannelClosedError} If the connection ends meanwhile.
 */
export async function makeFresh(connection: ServerConnection, options: {
  readonly baseline: Baseline;
  readonly states: StateTable;
  readonly isReset?: boolean;
}): Promise<SessionState> {
  connection.tracker.stopAtState = false;
  const columns = CHARSET_VARIABLES.map((name) => `@@SESSION.${name}`);
  const [changed, track, values] = await Promise.all([
    options.baseline.defaults.read(connection),
    runStatement(connection, options.baseline.track),
    runStatement(
      connection,
      `SELECT ${columns.join(",")},CURRENT_ROLE(),HEX(CONVERT(DATABASE() USING utf8mb4)),` +
        "@@SESSION.collation_database",
    ),
    runStatement(connection, NO_ROWS), // FOUND_ROWS() of a fresh session is 0
  ]);
  throwIfClosed(connection);
  if (track.errorCode !== 0 || values.errorCode !== 0) {
    throw new NoTrackersError(`error ${track.errorCode || values.errorCode} at a fresh session`);
  }
  connection.tracker.stopAtState = true;
  const [row] = values.rows;
  const variables = new Map(changed);
  CHARSET_VARIABLES.forEach((name, at) => variables.set(name, literalOf(name, row[at] ?? "")));
  const collation = options.baseline.collations.get(values.collation);
  variables.set(RESULTS_COLLATION, collation === undefined ? "" : `'${collation}'`);
  variables.set(ROLE, roleLiteral(row[CHARSET_VARIABLES.length]));
  const schema = Buffer.from(row[CHARSET_VARIABLES.length + 1] ?? "", "hex").toString();
  if (options.isReset && schema !== "") {
    variables.set("collation_database", literalOf("collation_database", row.at(-1) ?? ""));
  }
  return options.states.of(schema, variables);
}

/**
 * What CURRENT_ROLE() has given, as it stands behind SET ROLE. MySQL quotes it, as the session's
 * sql_mode has it, MariaDB does not.
 */
export function roleLiteral(role: string | undefined): string {
  if (role === undefined || role === "" || role === "NONE") return "NONE";
  if (role.startsWith('"') && role.includes('"@"')) {
    return role.replaceAll(
      /"((?:[^"]|"")*)"/g,
      (_, name: string) => `\`${name.replaceAll('""', '"').replaceAll("`", "``")}\``,
    );
  }
  return role.startsWith("`") ? role : `\`${role.replaceAll("`", "``")}\``;
}

/** MariaDB, told from MySQL by its greeting. Hot path: the same greeting as before is not read again. */
export function isMariadb(greeting: Greeting): boolean {
  if (greeting !== readLast) {
    readLast = greeting;
    wasMariadb = /mariadb/i.test(greeting.serverVersion);
  }
  return wasMariadb;
}

let readLast: Greeting | undefined;
let wasMariadb = false;
