// A connection of the proxy's own to a server, on which the data plane asks what no client has asked.

import {
  closePolitely,
  queryPacket,
  resultRows,
  type Server,
  type ServerConnection,
} from "../backend/mod.ts";
import type { ProbeSession, Row } from "../cluster/mod.ts";
import { Expect, PacketAssembler } from "../wire/mod.ts";

const ANSWER_MAX = 16 * 1024 * 1024;

/** Asks one server. */
export class OwnProbe implements ProbeSession {
  readonly memory = new Map<string, unknown>();
  readonly #connection: ServerConnection;
  readonly #server: Server;

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
    const packets = new PacketAssembler(ANSWER_MAX);
    connection.request(queryPacket(connection, sql), Expect.RESULT, {
      onAnswerBytes: (bytes) => packets.push(bytes),
      onAnswerEnd() {
        const { errorCode } = connection.tracker;
        if (errorCode === 0) resolve(resultRows(connection, packets));
        else reject(Object.assign(new Error(`error ${errorCode}`), { errno: errorCode }));
      },
      onServerLost: (reason) => reject(new Error(reason)),
    });
    return promise;
  }
}
