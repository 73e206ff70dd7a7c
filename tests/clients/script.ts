// The language behaviours are written in, and the plain text form in which every client program
// reads it: a step a line, words parted by tabs, with \\ \t \n \r \0 escaped.

import type { Account, Accounts, ServerKind } from "../servers/mod.ts";

/** One thing a client program does; the first word says what (see README.md beside this file). */
export type Step = readonly [operation: string, ...words: string[]];

/** A named list of steps; it begins without a connection. */
export interface Behaviour {
  readonly name: string;
  readonly steps: readonly Step[];
  /** It moves tens of megabytes. */
  readonly isLarge: boolean;
}

/** What behaviours may depend on. */
export interface Setting {
  readonly kind: ServerKind;
  readonly accounts: Accounts;
  /** Database that is empty at the start. */
  readonly database: string;
  /** Folder for files that the client reads. */
  readonly folder: string;
}

/** Something a client asks for when it connects. */
export type ConnectOption = "multi" | "found_rows" | "local" | "gbk" | "compress";

/** Connects, after closing the connection there may be; failure is shown and no end. */
export function connect(
  account: Account,
  database: string,
  ...options: readonly ConnectOption[]
): Step {
  return ["connect", account.user, account.password, database, options.join(",")];
}

/** Runs a statement over the text protocol and shows every result. */
export function query(statement: string): Step {
  return ["query", statement];
}

/** Prepares a statement (binary protocol where the driver has it); `execute` steps follow. */
export function prepare(statement: string): Step {
  return ["prepare", statement];
}

/** A bound value: type letter and text. */
export type Value = string;

/** NULL. */
export const NULL: Value = "n";

/** A signed integer. */
export function int(value: number | bigint): Value {
  return `i${value}`;
}

/** An unsigned 64-bit integer. */
export function unsigned(value: bigint): Value {
  return `u${value}`;
}

/** A double. */
export function double(value: number): Value {
  return `f${value}`;
}

/** A string. */
export function text(value: string): Value {
  return `s${value}`;
}

/** Bytes. */
export function bytes(value: Uint8Array): Value {
  return `x${Buffer.from(value).toString("hex")}`;
}

/** Executes the prepared statement and shows every result. */
export function execute(...values: readonly Value[]): Step {
  return ["execute", ...values];
}

/** Reads a result `size` rows at a time: a cursor, or a stream where the driver has no cursors. */
export function fetch(size: number, statement: string): Step {
  return ["fetch", String(size), statement];
}

/** Writes behaviours in the form that client programs read. */
export function writeScript(behaviours: readonly Behaviour[]): string {
  const lines: string[] = [];
  for (const { name, steps } of behaviours) {
    lines.push(line(["behaviour", name]));
    for (const step of steps) lines.push(line(step));
  }
  return lines.join("");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\0": "\\0",
};

function line(words: readonly string[]): string {
  return words.map((word) => word.replace(/[\\\t\n\r\0]/g, (c) => ESCAPES[c]!)).join("\t") + "\n";
}
