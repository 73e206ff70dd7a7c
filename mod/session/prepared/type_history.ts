// MySQL keeps for a prepared statement which types its parameters were first given, and converts
// what comes later to them where it can: `SELECT ?` that was given a date and then a number gives a
// date. So what an execution gives hangs on those before it, which a statement that is prepared
// anew on another connection must see again.

import { Tokenizer } from "../../sql/mod.ts";
import { Command, frame } from "../../wire/mod.ts";

/**
 * The types that executions have given, two bytes for each parameter, one execution behind the
 * other; those that can make no difference are left out.
 */
export type TypeHistory = string;

/** Executions that count; the oldest are forgotten. */
const EXECUTIONS_MAX = 8;

/** `MYSQL_TYPE_NULL`: says nothing about the type. */
const NULL_TYPE = "\x06";

/** The history behind one more execution. @param types Two characters for each parameter. */
export function historyWith(history: TypeHistory, types: string): TypeHistory {
  const { length } = types;
  const before = history.slice(0, Math.max(0, history.length - length));
  const last = history.slice(before.length);
  if (last === types) return history;
  let merged = "";
  let isMore = true;
  for (let i = 0; i < length; i += 2) {
    const [old, given] = [last.slice(i, i + 2), types.slice(i, i + 2)];
    merged += given[0] === NULL_TYPE && old !== "" ? old : given;
    isMore &&= old === "" || old[0] === NULL_TYPE || old === merged.slice(i);
  }
  if (merged === last) return history;
  return `${isMore ? before : history}${merged}`.slice(-EXECUTIONS_MAX * length);
}

/** The types that an execution without a history would have to be given first. */
export function executionsOf(history: TypeHistory, count: number): readonly Uint8Array[] {
  const length = 2 * count;
  const found: Uint8Array[] = [];
  for (let at = 0; at < history.length; at += length) {
    found.push(Buffer.from(history.slice(at, at + length), "latin1"));
  }
  return found;
}

/**
 * COM_STMT_EXECUTE that gives a value of each of these types: of NULL servers do not look at the
 * type.
 */
export function typedExecution(
  statementId: number,
  types: Uint8Array,
  hasAttributes: boolean,
): Uint8Array {
  const count = types.length / 2;
  const nulls = Buffer.alloc((count + 7) >> 3);
  const head = Buffer.alloc(10);
  head[0] = Command.STMT_EXECUTE;
  head.writeUInt32LE(statementId, 1);
  head.writeUInt32LE(1, 6);
  const named = Buffer.alloc(3 * count); // each type has an empty name behind it
  const values: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    named.set(types.subarray(2 * i, 2 * i + 2), 3 * i);
    const value = VALUES.get(types[2 * i]) ?? EMPTY;
    values.push(value);
    if (value.length === 0) nulls[i >> 3] |= 1 << (i & 7);
  }
  const parts = [nulls, Uint8Array.of(1), hasAttributes ? named : types, ...values];
  if (hasAttributes) {
    head[5] = PARAMETER_COUNT_AVAILABLE;
    parts.unshift(Buffer.from(lenenc(count)));
  }
  return frame(Buffer.concat([head, ...parts]), 0);
}

/** Of types that are not here: an empty text. */
const EMPTY = Uint8Array.of(0);
/** 2000-01-01. */
const DAY = Uint8Array.of(4, 0xd0, 0x07, 1, 1);

/** A value by `enum_field_types`; none at all: NULL. Behind a date a zero would be another type. */
const VALUES = new Map<number, Uint8Array>([
  [1, Uint8Array.of(1)], // TINY
  [2, Uint8Array.of(1, 0)], // SHORT
  [3, Uint8Array.of(1, 0, 0, 0)], // LONG
  [4, Uint8Array.of(0, 0, 0x80, 0x3f)], // FLOAT
  [5, Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf0, 0x3f)], // DOUBLE
  [6, new Uint8Array(0)], // NULL
  [7, DAY], // TIMESTAMP
  [8, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)], // LONGLONG
  [9, Uint8Array.of(1, 0, 0, 0)], // INT24
  [10, DAY], // DATE
  [12, DAY], // DATETIME
  [13, Uint8Array.of(1, 0)], // YEAR
  [245, Uint8Array.of(1, 0x31)], // JSON
  [246, Uint8Array.of(1, 0x31)], // NEWDECIMAL
]);

const PARAMETER_COUNT_AVAILABLE = 0x08;

/** There are at most 65,535 parameters. */
function lenenc(count: number): number[] {
  return count < 0xfb ? [count] : [0xfc, count & 0xff, count >> 8];
}

/** A parameter stands where its type may show: among the columns of a query. */
export function showsParameters(bytes: Uint8Array, start: number): boolean {
  const tokens = new Tokenizer(bytes, start, bytes.length);
  const inColumns: boolean[] = [false];
  for (tokens.next(); !tokens.atEnd; tokens.next()) {
    const depth = inColumns.length - 1;
    if (tokens.isMark("(")) inColumns.push(inColumns[depth]);
    else if (tokens.isMark(")")) {
      if (depth > 0) inColumns.pop();
    } else if (tokens.is("SELECT") || tokens.is("ROW")) inColumns[depth] = true;
    else if (COLUMNS_END.some((word) => tokens.is(word))) inColumns[depth] = false;
    else if (tokens.isMark("?") && inColumns[depth]) return true;
  }
  return false;
}

const COLUMNS_END = ["FROM", "INTO", "WHERE", "LIMIT"];
