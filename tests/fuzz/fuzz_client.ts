// One client that behaves badly: sends damaged bytes in damaged ways and leaves somehow.

import type { Socket } from "bun";
import type { ClientStream } from "./client_streams.ts";
import { mutate } from "./mutate.ts";
import { type Random, randomChunks } from "./random.ts";

/** How long a client that has been let in or has said all may take, in milliseconds. */
const LOGIN_MS_MAX = 2_000;
const ANSWER_MS_MAX = 30;
const QUIET_MS = 4;

/** What became of a client. */
export interface FuzzOutcome {
  /** It was let in before it sent damaged bytes. */
  readonly loggedIn: boolean;
  /** The proxy closed the connection. */
  readonly closed: boolean;
  /** Bytes it got. */
  readonly received: number;
}

/** Connects, misbehaves, leaves. */
export async function misbehave(
  address: { readonly host: string; readonly port: number },
  stream: ClientStream,
  random: Random,
): Promise<FuzzOutcome> {
  const connection = await Connection.open(address);
  try {
    if (random.oneIn(3)) {
      // Everything at once, the login damaged too.
      const all = Buffer.concat([stream.response, stream.proof, ...stream.commands]);
      await connection.send(stream.spare(mutate(all, random)), random);
      await connection.quiet();
      return connection.outcome(false);
    }
    const loggedIn = await connection.login(stream);
    const damaged = mutate(Buffer.concat(stream.commands), random);
    await connection.send(stream.spare(damaged), random);
    if (!random.oneIn(5)) await connection.quiet();
    return connection.outcome(loggedIn);
  } finally {
    connection.leave(random);
  }
}

class Connection {
  #socket: Socket<undefined> | undefined;
  #received = 0;
  #receivedAt = 0;
  #closed = false;
  /** The first byte of each chunk's first payload: logins have one packet a chunk. */
  #first = -1;
  #woken: (() => void) | undefined;

  static async open(address: { readonly host: string; readonly port: number }) {
    const connection = new Connection();
    connection.#socket = await Bun.connect({
      hostname: address.host,
      port: address.port,
      data: undefined,
      socket: {
        data(_, bytes) {
          connection.#received += bytes.length;
          connection.#receivedAt = performance.now();
          connection.#first = bytes[4] ?? -1;
          connection.#wake();
        },
        close() {
          connection.#closed = true;
          connection.#wake();
        },
        error() {},
      },
    });
    return connection;
  }

  #wake(): void {
    this.#woken?.();
    this.#woken = undefined;
  }

  /** Waits for bytes or the end; false if neither comes in time. */
  async #news(limitMs: number): Promise<boolean> {
    if (this.#closed) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), limitMs);
    this.#woken = () => resolve(true);
    const came = await promise;
    clearTimeout(timer);
    return came;
  }

  /** Logs in as a client should. */
  async login({ response, proof }: ClientStream): Promise<boolean> {
    if (this.#received === 0) await this.#news(LOGIN_MS_MAX);
    this.#socket!.write(response);
    for (let rounds = 0; rounds < 4 && !this.#closed; rounds++) {
      if (!await this.#news(LOGIN_MS_MAX)) return false;
      if (this.#first === 0xfe) this.#socket!.write(proof);
      else if (this.#first === 0x00) return true;
      else if (this.#first === 0xff) return false;
    }
    return false;
  }

  async send(bytes: Buffer, random: Random): Promise<void> {
    const chunks = random.oneIn(2) ? [bytes] : randomChunks(bytes, random);
    for (const [i, chunk] of chunks.entries()) {
      if (this.#closed) return;
      this.#socket!.write(chunk);
      // Not all at once, but not a turn of the loop for each of a thousand bytes either.
      if (i < 6) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Until nothing more seems to come; the proxy's first word may take longer than an answer. */
  async quiet(): Promise<void> {
    if (this.#received === 0) await this.#news(LOGIN_MS_MAX);
    const deadline = performance.now() + ANSWER_MS_MAX;
    const before = this.#received;
    while (!this.#closed && performance.now() < deadline) {
      const some = this.#received > before;
      if (some && performance.now() - this.#receivedAt >= QUIET_MS) return;
      await this.#news(some ? QUIET_MS : ANSWER_MS_MAX);
    }
  }

  leave(random: Random): void {
    if (this.#closed) return;
    if (random.oneIn(2)) this.#socket!.terminate();
    else {
      if (random.oneIn(2)) this.#socket!.write(Uint8Array.of(1, 0, 0, 0, 1)); // COM_QUIT
      this.#socket!.end();
    }
  }

  outcome(loggedIn: boolean): FuzzOutcome {
    return { loggedIn, closed: this.#closed, received: this.#received };
  }
}
