// A client that does as little as a client can: logs in, sends a statement, counts and discards what
// comes back, at a pace of the caller's choosing.

import { createHash, publicEncrypt } from "node:crypto";
import type { Socket, SocketHandler } from "bun";
import {
  AuthPacket,
  Capability,
  Command,
  decodeAuthSwitch,
  decodeErr,
  decodeGreeting,
  encodeHandshakeResponse,
  encodeSslRequest,
  Expect,
  frame,
  type HandshakeResponse,
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
  /** Encrypts the connection; whose certificate the other side shows does not matter. */
  readonly tls?: boolean;
}

/** Takes over from the raw client what comes on a connection that is logged in. */
export interface Receiver {
  /** Bytes have come. */
  onBytes(bytes: Uint8Array): void;
  /** The connection is gone. */
  onClosed(): void;
}

/** Called with the bytes received so far; returns for how many ms nothing more shall be read. */
export type Pace = (received: number) => number;

/** What the client asks of a server. */
export const CAPABILITIES = Capability.LONG_PASSWORD | Capability.PROTOCOL_41 |
  Capability.TRANSACTIONS |
  Capability.SECURE_CONNECTION | Capability.MULTI_RESULTS | Capability.PLUGIN_AUTH |
  Capability.CONNECT_WITH_DB;
const LOGIN_PACKET_MAX = 64 * 1024;
const FAST_AUTH_OK = 3;
const ASK_FOR_KEY = 2;
const SALT_LENGTH = 20;
const UTF8MB4_GENERAL_CI = 45;
const NONE = new Uint8Array(0);
const utf8 = new TextEncoder();

type ClientSocket = Socket<RawClient | undefined>;

/** A logged-in connection. */
export class RawClient {
  #socket: ClientSocket | undefined;
  #options: LoginOptions;
  /** Present until logged in. */
  #login: PacketAssembler | undefined = new PacketAssembler(LOGIN_PACKET_MAX);
  #greeted = false;
  #salt: Uint8Array = NONE;
  #tracker: ResponseTracker | undefined;
  #received = 0;
  #unsent: Uint8Array = NONE;
  #pace: Pace | undefined;
  #receiver: Receiver | undefined;
  #settle: PromiseWithResolvers<number> = Promise.withResolvers();

  private constructor(options: LoginOptions) {
    this.#options = options;
  }

  /**
   * Connects and logs in with mysql_native_password or caching_sha2_password.
   *
   * @throws {Error} If the server refuses or closes the connection.
   */
  static async login(options: LoginOptions): Promise<RawClient> {
    const client = new RawClient(options);
    const loggedIn = client.#settle.promise;
    // A refusal may come before the connection is handed over.
    loggedIn.catch(() => {});
    await Bun.connect<RawClient | undefined>({
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
   * Prepares a statement and discards what is said of it but its id.
   *
   * @throws {Error} Like `query`.
   */
  async prepare(sql: string): Promise<number> {
    this.#pace = undefined;
    await this.#send(Command.STMT_PREPARE, { text: sql, expect: Expect.PREPARE });
    return this.#tracker!.statementId;
  }

  /**
   * Sends a whole packet whose answer is a result, and discards that.
   *
   * @throws {Error} Like `query`.
   */
  request(packet: Uint8Array): Promise<number> {
    this.#pace = undefined;
    return this.#sendPacket(packet, Expect.RESULT);
  }

  /** From now on `receiver` gets what comes, and sends by `write`. */
  handOver(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  /** Sends bytes; what the kernel does not take is sent when it does. They may be used again. */
  write(bytes: Uint8Array): void {
    const written = this.#unsent.length > 0 ? 0 : this.#socket!.write(bytes);
    if (written < 0 || written === bytes.length) return;
    this.#unsent = Buffer.concat([this.#unsent, bytes.subarray(written)]);
  }

  /** For the socket's handlers. */
  drained(): void {
    const unsent = this.#unsent;
    this.#unsent = NONE;
    if (unsent.length > 0) this.write(unsent);
  }

  #send(
    command: number,
    { text, expect }: { readonly text: string; readonly expect: number },
  ): Promise<number> {
    const bytes = utf8.encode(text);
    const payload = new Uint8Array(bytes.length + 1);
    payload[0] = command;
    payload.set(bytes, 1);
    return this.#sendPacket(frame(payload, 0), expect);
  }

  #sendPacket(packet: Uint8Array, expect: number): Promise<number> {
    this.#settle = Promise.withResolvers();
    this.#received = 0;
    this.#tracker ??= new ResponseTracker(CAPABILITIES, 0);
    this.#tracker.begin(expect);
    this.#socket!.write(packet);
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
  opened(socket: ClientSocket): void {
    this.#socket = socket;
  }

  /** For the socket's handlers. */
  take(socket: ClientSocket, chunk: Uint8Array): void {
    if (this.#receiver !== undefined) {
      this.#receiver.onBytes(chunk);
      return;
    }
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
    this.#receiver?.onClosed();
    this.#settle.reject(new Error("Connection closed by the other side"));
  }

  #authenticate(socket: ClientSocket, packets: PacketAssembler): void {
    for (let payload = packets.next(); payload !== undefined; payload = packets.next()) {
      if (payload[0] === AuthPacket.ERR) {
        const { code, message } = decodeErr(payload);
        throw new Error(`Login refused: error ${code}: ${message}`);
      }
      if (!this.#greeted) {
        this.#greeted = true;
        const response = this.#answerGreeting(payload);
        const sequence = packets.sequence + 1;
        if (this.#options.tls === true) this.#encrypt(socket, response, sequence);
        else socket.write(frame(encodeHandshakeResponse(response), sequence));
      } else if (payload[0] === AuthPacket.OK) {
        this.#login = undefined;
        this.#settle.resolve(0);
      } else if (payload[0] === AuthPacket.SWITCH) {
        const { plugin, data } = decodeAuthSwitch(payload);
        this.#salt = Buffer.from(data.subarray(0, SALT_LENGTH));
        socket.write(frame(this.#scramble(plugin, this.#salt), packets.sequence + 1));
      } else if (payload[0] !== AuthPacket.MORE_DATA) {
        throw new Error(`Login asks for what this client does not have: ${payload[0]}`);
      } else if (payload[1] !== FAST_AUTH_OK) {
        socket.write(frame(this.#proveInFull(payload.subarray(1)), packets.sequence + 1));
      }
    }
  }

  /** Asks for TLS; the answer to the greeting goes through it. */
  #encrypt(socket: ClientSocket, response: HandshakeResponse, sequence: number): void {
    socket.write(frame(encodeSslRequest(response), sequence));
    // The plain socket goes on telling of the encrypted bytes; nobody listens to them any more.
    socket.data = undefined;
    const [, encrypted] = socket.upgradeTLS<RawClient | undefined>({
      data: this,
      tls: { rejectUnauthorized: false },
      socket: {
        ...HANDLERS,
        handshake: () =>
          void encrypted.write(frame(encodeHandshakeResponse(response), sequence + 1)),
      },
    });
    this.#socket = encrypted;
  }

  #answerGreeting(payload: Uint8Array): HandshakeResponse {
    const { salt, authPlugin } = decodeGreeting(payload);
    this.#salt = Buffer.from(salt.subarray(0, SALT_LENGTH));
    return {
      capabilities: this.#options.tls === true ? CAPABILITIES | Capability.SSL : CAPABILITIES,
      mariadbCapabilities: 0,
      packetMax: 1 << 30,
      collation: UTF8MB4_GENERAL_CI,
      user: utf8.encode(this.#options.user),
      authResponse: this.#scramble(authPlugin, salt),
      database: utf8.encode(this.#options.database),
      authPlugin,
      attributes: NONE,
      zstdLevel: 0,
    };
  }

  /** caching_sha2_password where nobody has the password yet: by TLS, or the server's RSA key. */
  #proveInFull(said: Uint8Array): Uint8Array {
    const password = utf8.encode(`${this.#options.password}\0`);
    if (said.length > 1) {
      const masked = password.map((byte, at) => byte ^ this.#salt[at % SALT_LENGTH]);
      return publicEncrypt(Buffer.from(said).toString(), masked);
    }
    return this.#options.tls === true ? password : Uint8Array.of(ASK_FOR_KEY);
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

const HANDLERS: SocketHandler<RawClient | undefined> = {
  open: (socket) => socket.data?.opened(socket),
  data: (socket, chunk) => socket.data?.take(socket, chunk),
  drain: (socket) => socket.data?.drained(),
  close: (socket) => socket.data?.ended(),
  error: (socket) => socket.data?.ended(),
};

function digest(algorithm: "sha1" | "sha256", ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function exclusiveOr(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, at) => byte ^ right[at]);
}
