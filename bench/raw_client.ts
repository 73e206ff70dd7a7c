// A client that does as little as a client can: logs in, sends a statement, counts and discards what
// comes back, at a pace of the caller's choosing.

import { createHash } from "node:crypto";
import type { Socket, SocketHandler } from "bun";
import {
  AuthPacket,
  Capability,
  Command,
  decodeAuthSwitch,
  decodeErr,
  decodeGreeting,
  encodeHandshakeResponse,
  Expect,
  frame,
  PacketAssembler,
  ResponseTracker,
} from "../mod/wire/mod.ts";

/** Where to log in and as whom. */
export interface LoginOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Called with the bytes received so far; returns for how many ms nothing more shall be read. */
export type Pace = (received: number) => number;

const CAPABILITIES = Capability.LONG_PASSWORD | Capability.PROTOCOL_41 | Capability.TRANSACTIONS |
  Capability.SECURE_CONNECTION | Capability.MULTI_RESULTS | Capability.PLUGIN_AUTH |
  Capability.CONNECT_WITH_DB;
const LOGIN_PACKET_MAX = 64 * 1024;
const FAST_AUTH_OK = 3;
const UTF8MB4_GENERAL_CI = 45;
const NONE = new Uint8Array(0);
const utf8 = new TextEncoder();

/** A logged-in connection. */
export class RawClient {
  #socket: Socket<RawClient> | undefined;
  #options: LoginOptions;
  /** Present until logged in. */
  #login: PacketAssembler | undefined = new PacketAssembler(LOGIN_PACKET_MAX);
  #greeted = false;
  #tracker: ResponseTracker | undefined;
  #received = 0;
  #pace: Pace | undefined;
  #settle: PromiseWithResolvers<number> = Promise.withResolvers();

  private constructor(options: LoginOptions) {
    this.#options = options;
  }

  /**
   * Connects and logs in with mysql_native_password, or with caching_sha2_password where the server
   * has the password in its cache.
   *
   * @throws {Error} If the server refuses or closes the connection.
   */
  static async login(options: LoginOptions): Promise<RawClient> {
    const client = new RawClient(options);
    const loggedIn = client.#settle.promise;
    // A refusal may come before the connection is handed over.
    loggedIn.catch(() => {});
    await Bun.connect<RawClient>({
      hostname: options.host,
      port: options.port,
      data: client,
      socket: HANDLERS,
    });
    await loggedIn;
    return client;
  }

  /**
   * Sends a statement and discards its answer.
   *
   * @returns The length of the answer in bytes.
   * @throws {Error} If the answer is an error or the connection closes before its end.
   */
  query(sql: string, pace?: Pace): Promise<number> {
    this.#pace = pace;
    return this.#send(Command.QUERY, { text: sql, expect: Expect.RESULT });
  }

  /**
   * Prepares a statement and discards what is said of it.
   *
   * @throws {Error} Like `query`.
   */
  async prepare(sql: string): Promise<void> {
    this.#pace = undefined;
    await this.#send(Command.STMT_PREPARE, { text: sql, expect: Expect.PREPARE });
  }

  #send(
    command: number,
    { text, expect }: { readonly text: string; readonly expect: number },
  ): Promise<number> {
    this.#settle = Promise.withResolvers();
    this.#received = 0;
    this.#tracker ??= new ResponseTracker(CAPABILITIES, 0);
    this.#tracker.begin(expect);
    const bytes = utf8.encode(text);
    const payload = new Uint8Array(bytes.length + 1);
    payload[0] = command;
    payload.set(bytes, 1);
    this.#socket!.write(frame(payload, 0));
    return this.#settle.promise;
  }

  /** Leaves as clients do that say so. */
  quit(): void {
    this.#socket?.end(QUIT);
  }

  /** Leaves without a word, as a client that ends. */
  close(): void {
    this.#socket?.terminate();
  }

  /** For the socket's handlers. */
  opened(socket: Socket<RawClient>): void {
    this.#socket = socket;
  }

  /** For the socket's handlers. */
  take(socket: Socket<RawClient>, chunk: Uint8Array): void {
    if (this.#login !== undefined) {
      this.#login.push(chunk);
      try {
        this.#authenticate(socket, this.#login);
      } catch (error) {
        this.#settle.reject(error);
        socket.terminate();
      }
      return;
    }
    const tracker = this.#tracker!;
    this.#received += chunk.length;
    tracker.feed(chunk, 0, chunk.length);
    if (tracker.done) {
      if (tracker.errorCode === 0) this.#settle.resolve(this.#received);
      else this.#settle.reject(new Error(`Statement failed: error ${tracker.errorCode}`));
      return;
    }
    const stall = this.#pace?.(this.#received) ?? 0;
    if (stall > 0) {
      socket.pause();
      setTimeout(() => socket.resume(), stall);
    }
  }

  /** For the socket's handlers. */
  ended(): void {
    this.#settle.reject(new Error("Connection closed by the other side"));
  }

  #authenticate(socket: Socket<RawClient>, packets: PacketAssembler): void {
    for (let payload = packets.next(); payload !== undefined; payload = packets.next()) {
      if (payload[0] === AuthPacket.ERR) {
        const { code, message } = decodeErr(payload);
        throw new Error(`Login refused: error ${code}: ${message}`);
      }
      if (!this.#greeted) {
        this.#greeted = true;
        socket.write(frame(this.#answerGreeting(payload), packets.sequence + 1));
      } else if (payload[0] === AuthPacket.OK) {
        this.#login = undefined;
        this.#settle.resolve(0);
      } else if (payload[0] === AuthPacket.SWITCH) {
        const { plugin, data } = decodeAuthSwitch(payload);
        socket.write(frame(this.#scramble(plugin, data.subarray(0, 20)), packets.sequence + 1));
      } else if (payload[0] !== AuthPacket.MORE_DATA || payload[1] !== FAST_AUTH_OK) {
        throw new Error("Login needs full authentication, which this client does not have");
      }
    }
  }

  #answerGreeting(payload: Uint8Array): Uint8Array {
    const { salt, authPlugin } = decodeGreeting(payload);
    return encodeHandshakeResponse({
      capabilities: CAPABILITIES,
      mariadbCapabilities: 0,
      packetMax: 1 << 30,
      collation: UTF8MB4_GENERAL_CI,
      user: utf8.encode(this.#options.user),
      authResponse: this.#scramble(authPlugin, salt),
      database: utf8.encode(this.#options.database),
      authPlugin,
      attributes: NONE,
      zstdLevel: 0,
    });
  }

  #scramble(plugin: string, salt: Uint8Array): Uint8Array {
    const { password } = this.#options;
    if (plugin === "mysql_native_password") {
      const once = digest("sha1", utf8.encode(password));
      return exclusiveOr(once, digest("sha1", salt, digest("sha1", once)));
    }
    if (plugin === "caching_sha2_password") {
      const once = digest("sha256", utf8.encode(password));
      return exclusiveOr(once, digest("sha256", digest("sha256", once), salt));
    }
    return NONE; // The server answers with a plugin of its choice.
  }
}

const QUIT = frame(Uint8Array.of(Command.QUIT), 0);

const HANDLERS: SocketHandler<RawClient> = {
  open: (socket) => socket.data.opened(socket),
  data: (socket, chunk) => socket.data.take(socket, chunk),
  close: (socket) => socket.data.ended(),
  error: (socket) => socket.data.ended(),
};

function digest(algorithm: "sha1" | "sha256", ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function exclusiveOr(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, at) => byte ^ right[at]);
}
