// The session state in a server's OK packets: the first source of what a session has set. It is taken
// out, and the client is told what it would have been told by a server of its own.

import {
  CHARSET_VARIABLES,
  isMariadb,
  literalOf,
  type PooledConnection,
  Residue,
  RESULTS_COLLATION,
  SCHEMA_VARIABLES,
  UNKNOWN as UNKNOWN_VALUE,
} from "../../backend/mod.ts";
import { Effect, PINS } from "../../sql/mod.ts";
import {
  Capability,
  decodeStateText,
  decodeSystemVariables,
  encodeSystemVariables,
  HEADER_LENGTH,
  NO_TRANSACTION,
  okForClient,
  ServerStatus,
  type SessionStateEntry,
  sessionStateOf,
  StateEntry,
  transactionEntry,
} from "../../wire/mod.ts";
import { OwnPin } from "../pins/own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";
import { isSetStatement } from "./passing_settings.ts";
import { runsText, startsWith, textOf, wordsOf } from "../command/statement_text.ts";
import { ALIASES, setsDefaultTimestamp } from "./untold_assignments.ts";

/** Variables that the pins stand for, or that say nothing about the session's settings. */
const NOT_SETTINGS = new Set(["insert_id", "last_insert_id", "rand_seed1", "rand_seed2"]);

/** Effects that explain why the server says that the session's state has changed. */
const EXPLAINS_CHANGE = Effect.SETS_VARIABLE | Effect.SETS_USER_VARIABLE | Effect.SETS_ROLE |
  Effect.CHANGES_SCHEMA | PINS | Effect.ENDS_PIN;

/**
 * Takes the session state out of an OK packet.
 *
 * @returns The packet for the client.
 */
export function noteState(session: PooledSession, packet: Uint8Array): Uint8Array {
  readState(session, packet);
  const { capabilities } = session.session;
  return okForClient(packet, {
    sessionTrack: (capabilities & Capability.SESSION_TRACK) !== 0,
    deprecateEof: (capabilities & Capability.DEPRECATE_EOF) !== 0,
    told: (entries) => {
      const own = session.ownPins & OwnPin.TRACKERS ? entries : toldEntries(entries, session);
      return withTransaction(session, withOwed(session, own));
    },
    saysChanged: () => beginsAnew(session),
  });
}

/**
 * Where a statement ends a transaction and begins another MySQL says that something has changed, and
 * of what is as it was then nothing. What a statement before it has left when it failed comes along,
 * and hides that there would have been nothing to tell.
 */
function beginsAnew(session: PooledSession): boolean {
  if (isMariadb(session.context.server.identity!) || !runsText(session)) return false;
  const { status } = session.pooled!.connection.tracker;
  return (status & ServerStatus.IN_TRANS) !== 0 && ENDS_TRANSACTION.test(wordsOf(session));
}

const ENDS_TRANSACTION = /^(?:BEGIN|START|COMMIT|ROLLBACK(?! (?:WORK )?TO))\b/;

/** Takes the session state out of an OK packet that its client is not shown. */
export function readState(session: PooledSession, packet: Uint8Array): void {
  const pooled = session.pooled!;
  if (isEof(packet) && saysChanged(packet)) session.untoldState = true;
  const entries = sessionStateOf(packet);
  const { states } = session.context.tables;
  let changed = false;
  let explained = (session.effects & EXPLAINS_CHANGE) !== 0;
  let { state } = session;
  const withSchema = (session.effects & Effect.CHANGES_SCHEMA) !== 0 ||
    entries.some(({ type }) => type === StateEntry.SCHEMA);
  for (const entry of entries) {
    if (entry.type === StateEntry.SCHEMA) {
      state = states.withSchema(state, Buffer.from(decodeStateText(entry.data)).toString());
      explained = true;
    } else if (entry.type === StateEntry.SYSTEM_VARIABLES && setsForItself(session)) {
      session.passingState = true;
    } else if (entry.type === StateEntry.SYSTEM_VARIABLES) {
      const changes = settingsOf(entry, session, pooled, withSchema);
      changes.push(...followingSettings(changes, entries));
      if (changes.length > 0) state = states.with(state, changes);
      // A procedure may have changed more; or it is told late, of what the proxy has set.
      explained ||= (session.effects & Effect.CALLS) === 0;
    } else if (entry.type === StateEntry.STATE_CHANGE) changed = true;
    else if (entry.type === StateEntry.GTIDS) {
      session.route?.noteGtid(decodeStateText(entry.data.subarray(1)));
    }
  }
  if (state !== session.state) session.setState(state);
  if (changed && !explained && !session.passingState) {
    session.hiddenChange = session.isUncounted = true;
  }
}

/**
 * MySQL tells of a transaction's state where it is not what it has told last. On a connection that
 * sessions share it is another one that was told, or the proxy: so each is told what it does not know.
 */
function withTransaction(
  session: PooledSession,
  told: readonly SessionStateEntry[],
): readonly SessionStateEntry[] {
  const { transactionState } = session.pooled!.connection;
  if (session.transactionTold === transactionState) return told;
  session.transactionTold = transactionState;
  // The server itself has told a client with trackers of its own, if not the proxy.
  if (told.some(({ type }) => type === StateEntry.TRANSACTION_STATE)) return told;
  return [...told, transactionEntry(transactionState)];
}

/**
 * Whether the client must be told of something with the next OK packet, whatever that says: of its
 * transaction's end, or what a server of its own would tell then. Hot path: two comparisons for those
 * outside of transactions, one for those that are told nothing.
 */
export function owesAtOnce(session: PooledSession, pooled: PooledConnection | undefined): boolean {
  if ((session.session.capabilities & Capability.SESSION_TRACK) === 0) return false;
  const { transactionTold, owed } = session;
  // MariaDB waits for another change.
  if (owed !== undefined && !isMariadb(session.context.server.identity!)) return true;
  if (transactionTold === NO_TRANSACTION && !session.inTransaction) return false;
  if (transactionTold !== pooled?.connection.transactionState || !session.inTransaction) {
    return true;
  }
  // A statement of the proxy's own is on its way in front, and may be told in the client's place.
  return pooled.connection.outstanding > 0;
}

/** What an OK packet for the proxy tells is what the client is to be told later. */
export function oweState(session: PooledSession, packet: Uint8Array): void {
  if ((session.session.capabilities & Capability.SESSION_TRACK) === 0) return;
  const told = toldEntries(sessionStateOf(packet), session);
  if (told.length > 0) session.owed = [...told, ...session.owed ?? []];
}

const TRACKS_GTIDS = "session_track_gtids";
const OFF = "'OFF'";

/** With what a server would have kept to itself until it had something else to tell. */
function withOwed(
  session: PooledSession,
  told: readonly SessionStateEntry[],
): readonly SessionStateEntry[] {
  const { owed } = session;
  if (owed === undefined) return told;
  if (session.setsTrackers && setsTrackedVariables(session)) {
    session.owed = undefined;
    return told;
  }
  if (told.length === 0 && isMariadb(session.context.server.identity!)) return told;
  session.owed = undefined;
  const names = new Set(told.map(nameIn));
  const more: SessionStateEntry[] = [];
  for (const entry of owed) {
    const name = nameIn(entry);
    if (!names.has(name)) more.push(entry);
    names.add(name);
  }
  return [...more, ...told];
}

/** The statement says which variables are tracked: servers forget then what they have still to tell. */
export function setsTrackedVariables(session: PooledSession): boolean {
  const { bytes, start } = textOf(session);
  const text = Buffer.from(bytes.subarray(start)).toString("latin1");
  return /session_track_system_variables/i.test(text);
}

/** The variable that an entry of one variable is about. */
function nameIn({ type, data }: SessionStateEntry): string | undefined {
  return type === StateEntry.SYSTEM_VARIABLES ? decodeSystemVariables(data)[0]?.name : undefined;
}

/** Where it tells that something has changed, the next OK packet tells what. */
function isEof(packet: Uint8Array): boolean {
  return packet[HEADER_LENGTH] === 0xfe && packet.length === HEADER_LENGTH + EOF_LENGTH;
}

const EOF_LENGTH = 5;
/** Where the status is in an EOF packet, behind its warnings. */
const EOF_STATUS_AT = HEADER_LENGTH + 3;

function saysChanged(packet: Uint8Array): boolean {
  const status = packet[EOF_STATUS_AT] | (packet[EOF_STATUS_AT + 1] << 8);
  return (status & ServerStatus.SESSION_STATE_CHANGED) !== 0;
}

/** SET STATEMENT x = 1 FOR ...: what it sets is told as if it stayed. */
export function setsForItself(session: PooledSession): boolean {
  if ((session.effects & Effect.SETS_VARIABLE) !== 0 || !runsText(session)) return false;
  const { bytes, start } = textOf(session);
  return startsWith(session, "SET") && isSetStatement(bytes, start);
}

/** Entries that are not passed on as they come. */
const PROXYS_OWN = new Set<number>([StateEntry.STATE_CHANGE, StateEntry.TRANSACTION_STATE]);

/** What a client is told whose trackers are those of a fresh session. */
function toldEntries(
  entries: readonly SessionStateEntry[],
  { baseline: { told, literals } }: PooledSession,
): SessionStateEntry[] {
  const tellsGtids = (literals.get(TRACKS_GTIDS) ?? OFF) !== OFF;
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
    } else if (PROXYS_OWN.has(entry.type)) continue;
    else if (entry.type !== StateEntry.GTIDS || tellsGtids) others.push(entry);
  }
  variables.sort((a, b) => a.rank - b.rank);
  return [...variables.map(({ entry }) => entry), ...others];
}

/** Settings that hold their session, each with the value that does. */
const PINNING: ReadonlyMap<string, { readonly value: string; readonly bit: number }> = new Map([
  ["resultset_metadata", { value: "NONE", bit: OwnPin.METADATA }],
  ["sql_auto_is_null", { value: "ON", bit: OwnPin.AUTO_IS_NULL }],
]);

/** The changes that an entry tells of. Some of what changes with them is not told: it is asked for. */
function settingsOf(
  entry: SessionStateEntry,
  session: PooledSession,
  pooled: PooledConnection,
  withSchema: boolean,
): [string, string | undefined][] {
  const changes: [string, string | undefined][] = [];
  for (const { name: told, value } of decodeSystemVariables(entry.data)) {
    const name = ALIASES.get(told) ?? told;
    if (SCHEMA_VARIABLES.includes(name)) {
      if (withSchema) changes.push([name, undefined]);
      else askLater("collation_database", changes, pooled);
      continue;
    }
    if (NOT_SETTINGS.has(name) || name.startsWith("session_track_")) continue;
    const isCharset = (CHARSET_VARIABLES as readonly string[]).includes(name);
    if (name === "character_set_connection" || isCharset) {
      askLater("collation_connection", changes, pooled);
      changes.push([RESULTS_COLLATION, UNKNOWN_VALUE]);
    }
    const pin = PINNING.get(name);
    if (pin !== undefined) {
      if (Buffer.from(value).toString() === pin.value) session.ownPins |= pin.bit;
      else session.ownPins &= ~pin.bit;
    }
    // The proxy's own statement sets it to what it is.
    if (name === "sql_warnings" && !session.state.variables.has(name)) {
      if (literalOf(name, Buffer.from(value).toString()) === session.baseline.literals.get(name)) {
        continue;
      }
    }
    if (name === "character_set_server") { // says less than its collation, which it has set along
      askLater("collation_server", changes, pooled);
      continue;
    }
    if (name === "timestamp") {
      changes.push([name, timestampOf(session, value)]);
      continue;
    }
    if (name === "character_set_connection" || name === "collation_connection") continue;
    const text = Buffer.from(value).toString();
    // What is NULL is told as empty, and only DEFAULT sets it.
    const isDefault = text === "" && !session.baseline.literals.has(name) &&
      name !== "character_set_results";
    const literal = isDefault ? undefined : literalOf(name, text);
    const isFirst = literal === session.baseline.literals.get(name) &&
      !isCharset && !FOLLOWING.has(name) && saysDefault(session);
    changes.push([name, isFirst ? undefined : literal]);
  }
  return changes;
}

/** What another setting sets along has to be said as it is. */
const FOLLOWING = new Set(["sql_big_selects"]);

/** To set a variable to DEFAULT is allowed also where the account may not say its value. */
function saysDefault(session: PooledSession): boolean {
  const { bytes, start } = textOf(session);
  return /\bdefault\b/i.test(Buffer.from(bytes.subarray(start)).toString("latin1"));
}

/** `max_join_size` sets another variable along, of which nothing is told. */
function followingSettings(
  changes: readonly (readonly [string, string | undefined])[],
  entries: readonly SessionStateEntry[],
): [string, string][] {
  const size = changes.find(([name]) => name === "max_join_size")?.[1];
  if (size === undefined) return [];
  // Where both are set it is told as it is in the end.
  const isTold = entries.some(({ type, data }) =>
    type === StateEntry.SYSTEM_VARIABLES &&
    decodeSystemVariables(data).some(({ name }) => name === "sql_big_selects")
  );
  return isTold ? [] : [["sql_big_selects", size === NO_JOIN_LIMIT ? "'ON'" : "'OFF'"]];
}

const NO_JOIN_LIMIT = "18446744073709551615";

/** The default makes the clock run again; what the server tells then is the time it stood at. */
function timestampOf(session: PooledSession, value: Uint8Array): string | undefined {
  const { bytes, start } = textOf(session);
  const text = Buffer.from(bytes.subarray(start)).toString("latin1");
  return setsDefaultTimestamp(text) ? undefined : Buffer.from(value).toString();
}

function askLater(
  name: string,
  changes: [string, string | undefined][],
  pooled: PooledConnection,
): void {
  changes.push([name, UNKNOWN_VALUE]);
  pooled.addDirty(name);
  pooled.residue |= Residue.VARIABLES;
}
