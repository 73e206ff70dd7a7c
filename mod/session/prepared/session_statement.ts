// A prepared statement as its session knows it: by an id of the session's own, on whatever server
// connection it is executed. Packets are changed in place; only missing types make a new one.
// Source: "COM_STMT_EXECUTE" of the protocol pages; COM_STMT_BULK_EXECUTE of MariaDB's.

import type { SessionState } from "../../backend/mod.ts";
import { Command, HEADER_LENGTH, PacketReader, writeHeader } from "../../wire/mod.ts";
import type { Replacement } from "../stages/renamed_columns.ts";
import { historyWith, type TypeHistory } from "./type_history.ts";

/** One statement of a session. */
export interface SessionStatement {
  /** What the client calls it. */
  readonly id: number;
  /** COM_STMT_PREPARE as it goes to servers, with its header. */
  readonly packet: Uint8Array;
  /** The state it was prepared in, which decides what its text means. */
  readonly state: SessionState;
  /** State and text: the statement's name on every connection. */
  readonly key: string;
  /** A set of `Effect`: what an execution may do and ask. */
  readonly effects: number;
  /** User variables that an execution may set, each with its `@`. */
  readonly userVariables: readonly string[];
  /** Those that it names and that were not there when it was prepared: their types are part of it. */
  readonly missingVariables: readonly string[];
  /** Names of columns to be given back. */
  readonly replacements: readonly Replacement[] | undefined;
  /** A number stands in place of ROW_COUNT(), for one execution. */
  readonly givesRowCount?: true;
  readonly parameters: number;
  /** The parameter types the client has sent last, as they stand in its packet. */
  types: Uint8Array | undefined;
  /** What its executions have given, where that shows: see type_history.ts. */
  history: TypeHistory | undefined;
  /** COM_STMT_SEND_LONG_DATA packets since the last execution, or reset where one is for nothing. */
  longData: Buffer[] | undefined;
  /** One of them is for a parameter that there is not: executions are refused until a reset. */
  longDataRefused: boolean;
  /** More of them are at the server. */
  longDataPassed: boolean;
  /** The digest's record that its last execution was counted in; -1: none was yet. */
  record: number;
}

/** Where the statement id is in a packet of any COM_STMT command. */
const ID_AT = HEADER_LENGTH + 1;
/** COM_STMT_EXECUTE: behind id, flags and iteration count. */
const PARAMETERS_AT = ID_AT + 9;
/** COM_STMT_BULK_EXECUTE: behind id and flags. */
const BULK_TYPES_AT = ID_AT + 6;

const CURSOR_FLAGS = 0x07;
const PARAMETER_COUNT_AVAILABLE = 0x08;
const BULK_SEND_TYPES = 0x80;

/** The statement id in a packet; undefined where it is too short for one. */
export function statementIdOf(packet: Buffer): number | undefined {
  return packet.length >= ID_AT + 4 ? packet.readUInt32LE(ID_AT) : undefined;
}

/** COM_STMT_SEND_LONG_DATA is for a parameter that the statement does not have. */
export function isForNoParameter(packet: Buffer, { parameters }: SessionStatement): boolean {
  return packet.length >= ID_AT + 6 && packet.readUInt16LE(ID_AT + 4) >= parameters;
}

/** Puts another id in. */
export function setStatementId(packet: Buffer, id: number): void {
  packet.writeUInt32LE(id, ID_AT);
}

/** COM_STMT_EXECUTE asks for a cursor. */
export function wantsCursor(packet: Buffer): boolean {
  return packet[HEADER_LENGTH] === Command.STMT_EXECUTE && packet.length > ID_AT + 4 &&
    (packet[ID_AT + 4] & CURSOR_FLAGS) !== 0;
}

/** Where an execution's parameter types are. */
export interface TypesPlace {
  /** How many there are, attributes included. */
  readonly count: number;
  /** Each has its name behind it. */
  readonly isNamed: boolean;
  /** The byte that says whether types follow. */
  readonly flagAt: number;
  /** The value of that byte's bit. */
  readonly flag: number;
  readonly start: number;
  /** Equal to `start` where there are none. */
  readonly end: number;
}

/** Undefined where there are no parameters, or the packet is not one the proxy understands. */
export function typesPlace(
  packet: Buffer,
  statement: SessionStatement,
  hasAttributes: boolean,
): TypesPlace | undefined {
  if (packet[HEADER_LENGTH] === Command.STMT_BULK_EXECUTE) {
    if (packet.length < BULK_TYPES_AT) return undefined;
    const given = (packet[ID_AT + 4] & BULK_SEND_TYPES) !== 0;
    return {
      count: statement.parameters,
      isNamed: false,
      flagAt: ID_AT + 4,
      flag: BULK_SEND_TYPES,
      start: BULK_TYPES_AT,
      end: BULK_TYPES_AT + (given ? 2 * statement.parameters : 0),
    };
  }
  let count = statement.parameters;
  let at = PARAMETERS_AT;
  const named = hasAttributes && (packet[ID_AT + 4] & PARAMETER_COUNT_AVAILABLE) !== 0;
  if (named) {
    const reader = new PacketReader(packet, at);
    count = reader.lenenc();
    at = reader.position;
  }
  if (count === 0) return undefined;
  const flagAt = at + ((count + 7) >> 3);
  if (flagAt >= packet.length) return undefined;
  const start = flagAt + 1;
  const place = { count, isNamed: named, flagAt, flag: 1, start };
  if (packet[flagAt] !== 1) return { ...place, end: start };
  if (!named) return { ...place, end: start + 2 * count };
  const reader = new PacketReader(packet, start);
  for (let i = 0; i < count; i++) {
    reader.skip(2);
    reader.lenencView();
  }
  return { ...place, end: reader.position };
}

/** COM_STMT_EXECUTE gives a parameter, or an attribute, the value NULL. */
export function bindsNull(
  packet: Buffer,
  statement: SessionStatement,
  hasAttributes: boolean,
): boolean {
  const place = typesPlace(packet, statement, hasAttributes);
  if (place === undefined) return false;
  for (let at = place.flagAt - ((place.count + 7) >> 3); at < place.flagAt; at++) {
    if (packet[at] !== 0) return true;
  }
  return false;
}

/** A command that names a prepared statement, and has an answer. */
export function isStatementCommand(command: number): boolean {
  return command === Command.STMT_EXECUTE || command === Command.STMT_BULK_EXECUTE ||
    command === Command.STMT_FETCH || command === Command.STMT_RESET;
}

/** An execution comes with its parameters' types. @param packet Its start, or all of it. */
export function bringsTypes(
  packet: Buffer,
  statement: SessionStatement,
  hasAttributes: boolean,
): boolean {
  const place = typesPlace(packet, statement, hasAttributes);
  return place !== undefined && place.end > place.start && place.end <= packet.length;
}

/**
 * Makes an execution right for a server connection: remembers the types that come with it, and puts
 * those in that the connection has not been told.
 *
 * @param known The types the connection has been told last.
 * @returns The packet to send, and the types the connection then knows.
 */
export function withTypes(
  packet: Buffer,
  statement: SessionStatement,
  options: { readonly hasAttributes: boolean; readonly known: Uint8Array | undefined },
): { readonly packet: Buffer; readonly types: Uint8Array | undefined } {
  if (statement.parameters === 0) return { packet, types: options.known };
  const place = typesPlace(packet, statement, options.hasAttributes);
  if (place === undefined || place.end > packet.length) return { packet, types: options.known };
  if (place.end > place.start) {
    const given = packet.subarray(place.start, place.end);
    if (!statement.types || Buffer.compare(given, statement.types) !== 0) {
      statement.types = sharedTypes(given);
    }
    return { packet, types: statement.types };
  }
  const { types } = statement;
  if (types === undefined || types === options.known) return { packet, types: options.known };
  const whole = Buffer.concat([
    packet.subarray(0, place.start),
    types,
    packet.subarray(place.start),
  ]);
  whole[place.flagAt] |= place.flag;
  writeHeader(whole, 0, { length: whole.length - HEADER_LENGTH, sequence: 0 });
  return { packet: whole, types };
}

/** Types that were ever given, by their bytes; when there are more they begin anew. */
const typesGiven = new Map<string, Uint8Array>();
const TYPES_GIVEN_MAX = 4096;

/**
 * One object for all sessions that give the same types: who executes where another session has done
 * so last sees at a glance that the server knows them.
 */
function sharedTypes(given: Buffer): Uint8Array {
  const key = given.toString("latin1");
  let types = typesGiven.get(key);
  if (types === undefined) {
    if (typesGiven.size >= TYPES_GIVEN_MAX) typesGiven.clear();
    types = Uint8Array.from(given);
    typesGiven.set(key, types);
  }
  return types;
}

/** The statement's history behind the execution in a packet. */
export function nextHistory(
  packet: Buffer,
  statement: SessionStatement,
  hasAttributes: boolean,
): TypeHistory {
  const { history = "", parameters } = statement;
  const given = givenTypes(packet, statement, hasAttributes);
  return given === undefined ? history : historyWith(history, withoutNames(given, parameters));
}

/** Undefined where the execution gives none. */
function givenTypes(
  packet: Buffer,
  statement: SessionStatement,
  hasAttributes: boolean,
): Buffer | undefined {
  const place = typesPlace(packet, statement, hasAttributes);
  if (place === undefined || place.end === place.start || place.end > packet.length) {
    return undefined;
  }
  return packet.subarray(place.start, place.end);
}

/** With attributes each type has a name behind it, and those of the attributes come last. */
function withoutNames(given: Uint8Array, parameters: number): string {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
  if (given.length === 2 * parameters) return bytes.toString("latin1");
  const reader = new PacketReader(bytes);
  let types = "";
  // A client may give fewer than there are.
  for (let i = 0; i < parameters && reader.remaining > 0; i++) {
    types += bytes.toString("latin1", reader.position, reader.position + 2);
    reader.skip(2);
    reader.lenencView();
  }
  return types;
}

/**
 * A server's statement that has been given these types behaves as one that was given the session's,
 * if the execution in a packet is next.
 */
export function hasHistory(
  given: TypeHistory,
  statement: SessionStatement,
  packet: Buffer,
  hasAttributes: boolean,
): boolean {
  const { history = "", parameters } = statement;
  if (given === history) return true;
  const next = nextHistory(packet, statement, hasAttributes);
  if (given !== "") return given === next;
  // The execution gives all there is by itself: NULL is no type.
  const types = givenTypes(packet, statement, hasAttributes) ?? statement.types;
  return types !== undefined && historyWith("", withoutNames(types, parameters)) === next;
}
