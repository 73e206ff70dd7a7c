// What a statement leaves of its session on the server connection: noted from the statement before
// it is sent, from the tracker's facts and the OK packets' session state when its answer has come.

import {
  type AnswerSink,
  type Baseline,
  CHARSET_VARIABLES,
  isMariadb,
  literalOf,
  type PooledConnection,
  queryPacket,
  Residue,
  RESULTS_COLLATION,
  ROLE,
  textRows,
  UNKNOWN as UNKNOWN_VALUE,
} from "../backend/mod.ts";
import { Effect, PINS, userVariablesIn } from "../sql/mod.ts";
import {
  Capability,
  Command,
  decodeStateText,
  decodeSystemVariables,
  encodeSystemVariables,
  Expect,
  frame,
  HEADER_LENGTH,
  okForClient,
  PacketAssembler,
  ServerStatus,
  type SessionStateEntry,
  sessionStateOf,
  StateEntry,
} from "../wire/mod.ts";
import { CaptureQuery } from "./captured_values.ts";
import { lexicalModeOf } from "./lexical_mode.ts";
import { OwnPin } from "./own_pin.ts";
import type { PooledSession } from "./pooled_session.ts";

/** Variables that the pins stand for, or that say nothing about the session's settings. */
const NOT_SETTINGS = new Set([
  "insert_id",
  "last_insert_id",
  "rand_seed1",
  "rand_seed2",
  "timestamp",
]);

/** Effects after which an error does not tell what has changed nevertheless. */
const CHANGES_DESPITE_ERROR = Effect.CALLS | Effect.MULTI | Effect.SETS_VARIABLE |
  Effect.CHANGES_SCHEMA | Effect.SETS_USER_VARIABLE | Effect.SETS_ROLE;

/** Effects that explain why the server says that the session's state has changed. */
const EXPLAINS_CHANGE = Effect.SETS_VARIABLE | Effect.SETS_USER_VARIABLE | Effect.SETS_ROLE |
  Effect.CHANGES_SCHEMA | PINS | Effect.ENDS_PIN;

/** A statement is about to be sent: what it may change is noted, so that nothing can be missed. */
export function noteStatement(session: PooledSession, pooled: PooledConnection): void {
  const { effects } = session;
  if (effects & Effect.ASKS_VARIABLES && !(session.ownPins & OwnPin.TRACKERS)) {
    const { connection } = pooled;
    connection.request(
      queryPacket(connection, session.baseline.untrack),
      Expect.RESULT,
      IGNORED,
    );
    pooled.touched = true;
  }
  if (effects & Effect.SETS_USER_VARIABLE) {
    for (const name of namesIn(session)) (pooled.dirty ??= new Set()).add(name);
    pooled.residue |= Residue.VARIABLES;
  }
  if (effects & Effect.SETS_ROLE) {
    const { states } = session.context.server.pools!;
    session.setState(states.with(session.state, [[ROLE, UNKNOWN_VALUE]]));
    pooled.residue |= Residue.ROLE;
  }
}

function namesIn({ statement, command, state, context }: PooledSession): Iterable<string> {
  if (statement) return statement.userVariables;
  return userVariablesIn(
    command,
    HEADER_LENGTH + 1,
    command.length,
    lexicalModeOf(state, context),
  );
}

/**
 * Takes the session state out of an OK packet.
 *
 * @returns The packet for the client.
 */
export function noteState(session: PooledSession, packet: Uint8Array): Uint8Array {
  const pooled = session.pooled!;
  const entries = sessionStateOf(packet);
  const { states } = session.context.server.pools!;
  let changed = false;
  let explained = (session.effects & EXPLAINS_CHANGE) !== 0;
  let { state } = session;
  for (const entry of entries) {
    if (entry.type === StateEntry.SCHEMA) {
      state = states.withSchema(state, Buffer.from(decodeStateText(entry.data)).toString());
      explained = true;
    } else if (entry.type === StateEntry.SYSTEM_VARIABLES) {
      const changes = settingsOf(entry, pooled);
      if (changes.length > 0) state = states.with(state, changes);
      explained = true;
    } else if (entry.type === StateEntry.STATE_CHANGE) changed = true;
  }
  if (state !== session.state) session.setState(state);
  if (changed && !explained) session.hiddenChange = true;
  const { capabilities } = session.session;
  return okForClient(packet, {
    sessionTrack: (capabilities & Capability.SESSION_TRACK) !== 0,
    deprecateEof: (capabilities & Capability.DEPRECATE_EOF) !== 0,
    told: (entries) =>
      session.ownPins & OwnPin.TRACKERS ? entries : toldEntries(entries, session.baseline),
  });
}

/** What a client is told whose trackers are those of a fresh session. */
function toldEntries(
  entries: readonly SessionStateEntry[],
  { told }: Baseline,
): SessionStateEntry[] {
  const variables: { readonly rank: number; readonly entry: SessionStateEntry }[] = [];
  const others: SessionStateEntry[] = [];
  for (const entry of entries) {
    if (entry.type === StateEntry.SYSTEM_VARIABLES) {
      for (const variable of decodeSystemVariables(entry.data)) {
        const rank = told.indexOf(variable.name);
        if (rank < 0) continue;
        const data = encodeSystemVariables([variable]);
        variables.push({ rank, entry: { type: entry.type, data } });
      }
    } else if (entry.type !== StateEntry.STATE_CHANGE) others.push(entry);
  }
  variables.sort((a, b) => a.rank - b.rank);
  return [...variables.map(({ entry }) => entry), ...others];
}

/** The changes that an entry tells of. Some of what changes with them is not told: it is asked for. */
function settingsOf(entry: SessionStateEntry, pooled: PooledConnection): [string, string][] {
  const changes: [string, string][] = [];
  for (const { name, value } of decodeSystemVariables(entry.data)) {
    if (NOT_SETTINGS.has(name) || name.startsWith("session_track_")) continue;
    if (
      name === "character_set_connection" || (CHARSET_VARIABLES as readonly string[]).includes(name)
    ) {
      askLater("collation_connection", changes, pooled);
      changes.push([RESULTS_COLLATION, UNKNOWN_VALUE]);
    }
    if (name === "max_join_size") askLater("sql_big_selects", changes, pooled);
    if (name === "character_set_connection" || name === "collation_connection") continue;
    changes.push([name, literalOf(name, Buffer.from(value).toString())]);
  }
  return changes;
}

function askLater(name: string, changes: [string, string][], pooled: PooledConnection): void {
  changes.push([name, UNKNOWN_VALUE]);
  (pooled.dirty ??= new Set()).add(name);
  pooled.residue |= Residue.VARIABLES;
}

/**
 * The client's answer is complete.
 *
 * @returns Something must be asked first: `session.afterwards` is told when all is known.
 */
export function noteAnswer(session: PooledSession, pooled: PooledConnection): boolean {
  const { connection } = pooled;
  const { tracker } = connection;
  const { effects } = session;
  const failed = tracker.errorCode !== 0;
  pooled.touched = false;
  noteConditions(session, pooled, failed);
  if (
    tracker.hasInsertId || (effects & Effect.LEAVES_INSERT_ID && !insertedNothing(session, failed))
  ) {
    pooled.residue |= Residue.INSERT_ID;
    pooled.insertId = undefined;
  }
  if (effects & Effect.LEAVES_FOUND_ROWS) {
    pooled.residue |= Residue.FOUND_ROWS;
  } else if (tracker.sawRows) {
    pooled.residue &= ~Residue.FOUND_ROWS;
    session.foundRows = `${tracker.rows}`;
  }
  session.rowCount = failed || tracker.sawRows ? -1 : tracker.affectedRows;
  notePins(session, failed);
  return askAfterwards(session, pooled, failed);
}

/** A write whose OK has no insert id: LAST_INSERT_ID() is what it was. */
function insertedNothing({ effects, pooled }: PooledSession, failed: boolean): boolean {
  const other = Effect.ASKS_LAST_INSERT_ID | Effect.CALLS | Effect.MULTI;
  return !failed && (effects & Effect.RUNS_TRIGGERS) !== 0 && (effects & other) === 0 &&
    !pooled!.connection.tracker.sawRows;
}

/** MySQL forgets conditions with the next statement, MariaDB with the next one that uses a table. */
function noteConditions(session: PooledSession, pooled: PooledConnection, failed: boolean): void {
  const { effects } = session;
  const has = failed || pooled.connection.tracker.warnings > 0 || (effects & Effect.CALLS) !== 0;
  if (has || pooled.hasConditions && effects & Effect.ASKS_WARNINGS) {
    pooled.hasConditions = true;
    pooled.residue |= Residue.WARNINGS;
    if (has) session.conditions = undefined;
  } else if (isMariadb(session.context.server.identity!)) {
    if (pooled.hasConditions) pooled.residue |= Residue.WARNINGS;
  } else if (!(effects & Effect.ASKS_WARNINGS)) {
    pooled.hasConditions = false;
    pooled.residue &= ~Residue.WARNINGS;
    session.conditions = undefined;
  }
}

function notePins(session: PooledSession, failed: boolean): void {
  const { effects } = session;
  const pins = effects & PINS;
  if (pins !== 0 && !(failed && effects & Effect.READS)) session.pins |= pins;
  if (effects & Effect.ENDS_PIN && !failed) session.pins &= ~endedBy(session);
  const both = Effect.ASKS_VARIABLES | Effect.SETS_VARIABLE;
  if ((effects & both) === both) session.ownPins |= OwnPin.TRACKERS;
}

/** The pins that a statement ends. */
function endedBy(_session: PooledSession): number {
  return 0;
}

function askAfterwards(session: PooledSession, pooled: PooledConnection, failed: boolean): boolean {
  const { connection } = pooled;
  const { tracker } = connection;
  const { effects } = session;
  const requests = new Afterwards(session, pooled);
  const mayHaveBegun = (tracker.status & ServerStatus.AUTOCOMMIT) === 0 &&
    (tracker.status & ServerStatus.IN_TRANS) === 0;
  if (failed && (mayHaveBegun || effects & CHANGES_DESPITE_ERROR)) requests.ping();
  if (effects & Effect.ASKS_VARIABLES && !(session.ownPins & OwnPin.TRACKERS)) {
    requests.run(session.baseline.track);
  }
  if (session.hiddenChange || effects & Effect.CALLS) {
    session.hiddenChange = false;
    requests.captureDiagnostics();
    requests.listVariables();
  }
  return requests.any;
}

/** The proxy's own requests behind a client's. */
class Afterwards implements AnswerSink {
  readonly #session: PooledSession;
  readonly #pooled: PooledConnection;
  #outstanding = 0;

  constructor(session: PooledSession, pooled: PooledConnection) {
    this.#session = session;
    this.#pooled = pooled;
  }

  get any(): boolean {
    return this.#outstanding > 0;
  }

  /** An OK packet with the status and the state that an error does not tell. */
  ping(): void {
    this.#outstanding++;
    this.#pooled.connection.request(PING, Expect.OK, this);
  }

  run(text: string): void {
    this.#outstanding++;
    this.#pooled.touched = true;
    const { connection } = this.#pooled;
    connection.request(queryPacket(connection, text), Expect.RESULT, this);
  }

  /** What is asked next would take these away. */
  captureDiagnostics(): void {
    const session = this.#session;
    const pooled = this.#pooled;
    const { connection } = pooled;
    if (pooled.residue & Residue.WARNINGS) {
      this.#outstanding++;
      connection.request(
        queryPacket(connection, "SHOW WARNINGS"),
        Expect.RESULT,
        new Packets(
          this,
          (packets) => session.keepWarnings(packets, connection.facts.capabilities),
        ),
      );
    }
    if (pooled.residue & Residue.FOUND_ROWS) {
      this.#outstanding++;
      const query = new CaptureQuery();
      query.foundRows();
      connection.request(
        queryPacket(connection, query.text),
        Expect.RESULT,
        new Packets(
          this,
          (packets) =>
            session.keep(query.read(packets, {
              capabilities: connection.facts.capabilities,
              collations: session.baseline.collations,
            })),
        ),
      );
    }
    pooled.residue &= ~(Residue.WARNINGS | Residue.FOUND_ROWS);
    pooled.hasConditions = false;
  }

  /** The names of all user variables: somebody else's code may have set any. */
  listVariables(): void {
    this.#outstanding++;
    const { connection } = this.#pooled;
    const text = isMariadb(this.#session.context.server.identity!) ? LIST_MARIADB : LIST_MYSQL;
    this.#pooled.touched = true;
    const sink = new Packets(this, (packets) => {
      const rows = connection.tracker.errorCode === 0
        ? textRows(connection, packets).rows
        : undefined;
      this.#listed(rows?.map(([name]) => name ?? ""));
    });
    connection.request(queryPacket(connection, text), Expect.RESULT, sink);
  }

  /** They are in the connection's own character set; those that are not ASCII pin. */
  #listed(names: readonly string[] | undefined): void {
    const pooled = this.#pooled;
    if (names === undefined) this.#session.ownPins |= OwnPin.USER_VARIABLES;
    else if (names.length > 0) {
      for (const name of names) (pooled.dirty ??= new Set()).add(`@${name}`);
      pooled.residue |= Residue.VARIABLES;
    }
  }

  onAnswerBytes(): void {}

  onOkPacket(packet: Uint8Array): void {
    noteState(this.#session, packet);
  }

  onAnswerEnd(): void {
    if (--this.#outstanding === 0) this.#session.afterwardsDone();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }
}

const LIST_MARIADB = "SELECT VARIABLE_NAME FROM information_schema.USER_VARIABLES";
const LIST_MYSQL = "SELECT VARIABLE_NAME FROM performance_schema.user_variables_by_thread " +
  "WHERE THREAD_ID=PS_CURRENT_THREAD_ID()";

const PING = frame(Uint8Array.of(Command.PING), 0);

const ANSWER_MAX = 1024 * 1024;

/** Collects an answer for whoever reads it. */
class Packets implements AnswerSink {
  readonly #afterwards: Afterwards;
  readonly #read: (packets: PacketAssembler) => void;
  readonly #packets = new PacketAssembler(ANSWER_MAX);

  constructor(afterwards: Afterwards, read: (packets: PacketAssembler) => void) {
    this.#afterwards = afterwards;
    this.#read = read;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
  }

  onAnswerEnd(): void {
    this.#read(this.#packets);
    this.#afterwards.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#afterwards.onServerLost(reason);
  }
}

/** For answers that nobody needs. */
const IGNORED: AnswerSink = {
  onAnswerBytes() {},
  onOkPacket() {},
  onAnswerEnd() {},
  onServerLost() {},
};
