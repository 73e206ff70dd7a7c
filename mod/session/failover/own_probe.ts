// A connection of the proxy's own to a server, on which the data plane asks what no client has asked.

import {
  closePolitely,
  queryPacket,
  resultRows,
  type Server,
  type ServerConnection,
} from "../../backend/mod.ts";
import type { ProbeSession, Row } from "../../cluster/mod.ts";
import { Expect, PacketAssembler } from "../../wire/mod.ts";

const ANSWER_MAX = 16 * 1024 * 1024;

/** Asks one server. */
export class OwnProbe implements ProbeSession {
  readonly memory = new Map<string, unknown>();
  readonly #connection: ServerConnection;
  readonly #server: Server;
  /** What was asked last, and the answer: who asks a thousand times a second is told the same mostly. */
  #asked: {
    readonly sql: string;
    readonly packet: Uint8Array;
    readonly known: { readonly answer: Buffer; readonly rows: readonly Row[] } | undefined;
  } = { sql: "", packet: new Uint8Array(0), known: undefined };

  /** @throws {Error} If it cannot be opened, or the proxy has no account. */
  static async open(server: Server): Promise<OwnProbe> {
    return new OwnProbe(server, await server.openOwnConnection());
  }

  private constructor(server: Server, connection: ServerConnection) {
    this.#server = server;
    this.#connection = connection;
  }

  get address(): ProbeSession["address"] {
    return this.#server.settings.address;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  close(): void {
    if (!this.closed) closePolitely(this.#connection);
  }

  /** Closes it without a word to the server, and what it was asked fails. */
  abandon(): void {
    this.#connection.lose("given up");
  }

  query(sql: string): Promise<readonly Row[]> {
    const connection = this.#connection;
    const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
    const { packet, known } = this.#asked.sql === sql
      ? this.#asked
      : this.#asked = { sql, packet: queryPacket(connection, sql), known: undefined };
    const pieces: Uint8Array[] = [];
    connection.request(packet, Expect.RESULT, {
      onAnswerBytes: (bytes) => pieces.push(bytes),
      onAnswerEnd: () => {
        const { errorCode } = connection.tracker;
        const answer = Buffer.concat(pieces);
        if (errorCode !== 0) {
          reject(Object.assign(new Error(`error ${errorCode}`), { errno: errorCode }));
        } else if (known?.answer.equals(answer) === true) resolve(known.rows);
        else {
          const packets = new PacketAssembler(ANSWER_MAX);
          packets.push(answer);
          const rows = resultRows(connection, packets);
          this.#asked = { sql, packet, known: { answer, rows } };
          resolve(rows);
        }
      },
      onServerLost: (reason) => reject(new Error(reason)),
    });
    return promise;
  }
}
