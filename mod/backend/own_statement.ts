// Statements of the proxy's own, on a connection that no client uses at the moment.

import {
  Capability,
  Command,
  decodeColumnDefinition,
  decodeColumnShape,
  Expect,
  frame,
  PacketAssembler,
  PacketReader,
} from "../wire/mod.ts";
import type { AnswerSink } from "./outstanding.ts";
import type { ServerConnection } from "./server_connection.ts";

/** What a server says to a statement. */
export interface OwnAnswer {
  /** The error number; 0 for none. 2013 where the connection ended before the answer. */
  readonly errorCode: number;
  /** The first value of the last row; undefined where there is none or it is NULL. */
  readonly value: string | undefined;
  /** The rows of the last result, as text. */
  readonly rows: readonly (readonly (string | undefined)[])[];
  /** The collation id that the first column is said to have. */
  readonly collation: number;
}

const ANSWER_MAX = 1024 * 1024;
const CONNECTION_LOST = 2013;

/** Runs a statement. Never rejects. */
export function runStatement(connection: ServerConnection, text: string): Promise<OwnAnswer> {
  const { promise, resolve } = Promise.withResolvers<OwnAnswer>();
  const sink = new ValueSink(connection, resolve);
  connection.request(queryPacket(connection, text), Expect.RESULT, sink);
  return promise;
}

/** A COM_QUERY of the proxy's own for a connection's flags. */
export function queryPacket({ facts }: ServerConnection, text: string): Uint8Array {
  const attributes = facts.capabilities & Capability.QUERY_ATTRIBUTES ? [0, 1] : [];
  return frame(
    Buffer.concat([Uint8Array.of(Command.QUERY, ...attributes), Buffer.from(text)]),
    0,
  );
}

class ValueSink implements AnswerSink {
  readonly #connection: ServerConnection;
  readonly #resolve: (answer: OwnAnswer) => void;
  readonly #packets = new PacketAssembler(ANSWER_MAX);

  constructor(connection: ServerConnection, resolve: (answer: OwnAnswer) => void) {
    this.#connection = connection;
    this.#resolve = resolve;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
  }

  onAnswerEnd(): void {
    const { errorCode } = this.#connection.tracker;
    const { rows, collation } = errorCode === 0
      ? textRows(this.#connection, this.#packets)
      : NO_ROWS;
    this.#resolve({ errorCode, value: rows.at(-1)?.[0], rows, collation });
  }

  onServerLost(): void {
    this.#resolve({ errorCode: CONNECTION_LOST, value: undefined, ...NO_ROWS });
  }
}

/** The same with the columns' names, in lower case. */
export function resultRows(
  connection: ServerConnection,
  packets: PacketAssembler,
): Readonly<Record<string, string | null>>[] {
  const columns = connection.tracker.columnsSeen;
  const payloads = allOf(packets);
  const names = payloads.slice(1, 1 + columns).map((payload) =>
    text.decode(decodeColumnDefinition(payload).name).toLowerCase()
  );
  return rowsOf(connection, payloads).map((row) =>
    Object.fromEntries(names.map((name, at) => [name, row[at] ?? null]))
  );
}

/** The rows of a whole answer of one result without an error in it. */
export function textRows(
  connection: ServerConnection,
  packets: PacketAssembler,
): { readonly rows: (string | undefined)[][]; readonly collation: number } {
  if (connection.tracker.columnsSeen === 0) return NO_ROWS;
  const payloads = allOf(packets);
  return {
    rows: rowsOf(connection, payloads),
    collation: decodeColumnShape(payloads[1]).collation,
  };
}

function allOf(packets: PacketAssembler): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let next = packets.next(); next; next = packets.next()) payloads.push(next);
  return payloads;
}

function rowsOf(
  { tracker, facts }: ServerConnection,
  payloads: readonly Uint8Array[],
): (string | undefined)[][] {
  const definitions = tracker.columnsSeen +
    (facts.capabilities & Capability.DEPRECATE_EOF ? 1 : 2);
  return payloads.slice(definitions, -1).map((payload) => {
    const reader = new PacketReader(payload);
    const row: (string | undefined)[] = [];
    while (reader.remaining > 0) {
      if (payload[reader.position] === NULL_VALUE) {
        reader.skip(1);
        row.push(undefined);
      } else row.push(text.decode(reader.lenencView()));
    }
    return row;
  });
}

const NO_ROWS = { rows: [], collation: 0 };
const NULL_VALUE = 0xfb;
const text = new TextDecoder();
