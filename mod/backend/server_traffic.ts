// What goes to one server and comes from it, and how many of its connections sessions have. Streams count
// bytes anyway; here they are added up when somebody asks, and when a connection ends.

import type { ServerConnection } from "./server_connection.ts";

/** What has come since the last time somebody took it. */
export interface TrafficDelta {
  /** Bytes as the sockets carry them, before TLS. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Connections that sessions had at the same time, at most. */
  readonly usedMax: number;
}

/** One server's, in one worker. */
export class ServerTraffic {
  readonly #open = new Set<ServerConnection>();
  /** Of connections that have ended. */
  #sent = 0;
  #received = 0;
  #takenSent = 0;
  #takenReceived = 0;
  /** Connections that sessions have, and the most of them since the last `take`. */
  #used = 0;
  #usedMax = 0;
  /** What was taken of it last. */
  #toldMax = 0;

  /** A connection has been opened. */
  opened(connection: ServerConnection): void {
    this.#open.add(connection);
  }

  /** It has ended; once is enough. */
  closed(connection: ServerConnection): void {
    if (!this.#open.delete(connection)) return;
    this.#sent += connection.stream.sent;
    this.#received += connection.stream.received;
  }

  /** A session has a connection that none had. Hot path. */
  lent(): void {
    if (++this.#used > this.#usedMax) this.#usedMax = this.#used;
  }

  /** And no session has it any more. Hot path. */
  givenBack(): void {
    this.#used--;
  }

  /** What has come since the last time; undefined: nothing. Walks the connections that are open. */
  take(): TrafficDelta | undefined {
    let [sent, received] = [this.#sent, this.#received];
    for (const { stream } of this.#open) {
      sent += stream.sent;
      received += stream.received;
    }
    const delta = {
      bytesSent: sent - this.#takenSent,
      bytesReceived: received - this.#takenReceived,
      usedMax: this.#usedMax,
    };
    const isTold = delta.bytesSent + delta.bytesReceived === 0 && delta.usedMax === this.#toldMax;
    this.#takenSent = sent;
    this.#takenReceived = received;
    this.#toldMax = this.#usedMax;
    this.#usedMax = this.#used;
    if (isTold) return undefined;
    return delta;
  }
}
