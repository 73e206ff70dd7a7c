// Statements of the proxy's own, on a connection that no client uses at the moment.

import { Capability, Command, Expect, frame, PacketAssembler, PacketReader } from "../wire/mod.ts";
import type { AnswerSink } from "./outstanding.ts";
import type { ServerConnection } from "./server_connection.ts";

/** What a server says to a statement that gives one value or none. */
export interface OwnAnswer {
  /** The error number; 0 for none. 2013 where the connection ended before the answer. */
  readonly errorCode: number;
  /** The first value of the last row; undefined where there is none or it is NULL. */
  readonly value: string | undefined;
}

const ANSWER_MAX = 1024 * 1024;
const CONNECTION_LOST = 2013;

/** Runs a statement. Nothing may be outstanding on the connection. Never rejects. */
export function runStatement(connection: ServerConnection, text: string): Promise<OwnAnswer> {
  const { promise, resolve } = Promise.withResolvers<OwnAnswer>();
  const attributes = connection.facts.capabilities & Capability.QUERY_ATTRIBUTES ? [0, 1] : [];
  const payload = Buffer.concat([
    Uint8Array.of(Command.QUERY, ...attributes),
    Buffer.from(text),
  ]);
  connection.request(frame(payload, 0), Expect.RESULT, new ValueSink(connection, resolve));
  return promise;
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
    this.#resolve({ errorCode, value: errorCode === 0 ? this.#lastValue() : undefined });
  }

  onServerLost(): void {
    this.#resolve({ errorCode: CONNECTION_LOST, value: undefined });
  }

  /** The last row stands right before the packet that ends the rows. */
  #lastValue(): string | undefined {
    const payloads: Uint8Array[] = [];
    for (let next = this.#packets.next(); next; next = this.#packets.next()) payloads.push(next);
    const row = payloads.at(-2);
    if (row === undefined || row[0] >= 0xfb) return undefined;
    return new TextDecoder().decode(new PacketReader(row).lenencView());
  }
}
