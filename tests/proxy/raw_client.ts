// A MySQL client of few comforts: it sends exactly the flags and packets a test asks for and shows
// each packet of an answer as it came.

import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { Credential, ServerLogin } from "../../mod/auth/mod.ts";
import {
  AuthPacket,
  Capability,
  decodeAuthSwitch,
  decodeErr,
  decodeGreeting,
  encodeHandshakeResponse,
  encodeSslRequest,
  Expect,
  frame,
  type Greeting,
  PacketWriter,
  PAYLOAD_MAX,
  ResponseTracker,
  type SqlError,
} from "../../mod/wire/mod.ts";
import { type Packet, PacketStream } from "./packet_stream.ts";
import { parseResults, type Result } from "./results.ts";

/** How to reach a server or proxy, and as whom. */
export interface RawOptions {
  readonly host?: string;
  readonly port?: number;
  /** A unix socket instead of host and port. */
  readonly path?: string;
  readonly user: string;
  readonly password: string;
  readonly database?: string;
  /** Flags asked for, of those the server has. @default {USUAL_FLAGS} */
  readonly capabilities?: number;
  readonly mariadbCapabilities?: number;
  /** TLS; the certificate is not looked at unless the options say so. */
  readonly tls?: boolean | ConnectionOptions;
  readonly compression?: "zlib" | "zstd";
  /** Sent before anything else. */
  readonly preamble?: Uint8Array;
  /** Bytes sent right behind the SSLRequest, in one segment with it. */
  readonly injected?: Uint8Array;
  /** The plugin named first, with an empty answer. */
  readonly plugin?: string;
  readonly collation?: number;
  /** Closes the connection without a word, in the middle of the login too. */
  readonly signal?: AbortSignal;
  /** Connection attributes, sent where the flags have CONNECT_ATTRS. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Flags of an ordinary client of MySQL. */
export const USUAL_FLAGS: number = Capability.LONG_PASSWORD | Capability.LONG_FLAG |
  Capability.LOCAL_FILES | Capability.PROTOCOL_41 | Capability.TRANSACTIONS |
  Capability.SECURE_CONNECTION | Capability.MULTI_STATEMENTS | Capability.MULTI_RESULTS |
  Capability.PS_MULTI_RESULTS | Capability.PLUGIN_AUTH | Capability.PLUGIN_AUTH_LENENC |
  Capability.CAN_HANDLE_EXPIRED_PASSWORDS | Capability.SESSION_TRACK | Capability.DEPRECATE_EOF;

/** How a client is proved to be who it is. */
export interface Conversation {
  /** Goes out together with the first answer. */
  readonly behind?: Uint8Array;
  /** What happens between a challenge and its answer. */
  readonly whenAsked?: () => Promise<void>;
}

/** An ERR packet. */
export class ServerError extends Error {
  override name = "ServerError";
  readonly code: number;
  readonly sqlState: string;
  readonly sequence: number;

  constructor(error: SqlError, sequence: number) {
    super(error.message);
    this.code = error.code;
    this.sqlState = error.sqlState;
    this.sequence = sequence;
  }

  /** All that a user sees of it. */
  get text(): string {
    return `${this.code} (${this.sqlState}): ${this.message}`;
  }
}

/** Says who connects, for messages a test compares. */
export async function refusal(login: Promise<RawClient>): Promise<ServerError> {
  let client: RawClient;
  try {
    client = await login;
  } catch (error) {
    if (error instanceof ServerError) return error;
    throw error;
  }
  client.close();
  throw new Error("The login was not refused");
}

/** One connection. */
export class RawClient implements Disposable {
  readonly #options: RawOptions;
  readonly packets: PacketStream = new PacketStream();
  socket!: Socket | TLSSocket;
  greeting!: Greeting;
  /** The flags in force. */
  capabilities = 0;
  mariadbCapabilities = 0;
  /** The OK packet of the login. */
  ok!: Packet;
  /** The plugins the server named, in order. */
  readonly plugins: string[] = [];
  /** caching_sha2_password took its long way. */
  fullAuthentication = false;
  /** Resolves when the peer has closed. */
  readonly closed: Promise<void>;
  #tellClosed!: () => void;

  private constructor(options: RawOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#tellClosed = resolve;
  }

  /** Connects and logs in. Throws a ServerError if the server says no. */
  static async connect(options: RawOptions): Promise<RawClient> {
    const client = await RawClient.open(options);
    try {
      await client.#login();
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Connects only; the greeting is the first packet to read. */
  static async open(options: RawOptions): Promise<RawClient> {
    const client = new RawClient(options);
    const socket = options.path === undefined
      ? connectTcp({ host: options.host ?? "127.0.0.1", port: options.port! })
      : connectTcp({ path: options.path });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", () => resolve());
      socket.once("error", reject);
    });
    client.#use(socket);
    if (options.signal?.aborted) client.close();
    else options.signal?.addEventListener("abort", () => client.close());
    if (options.preamble) socket.write(options.preamble);
    return client;
  }

  #use(socket: Socket): void {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.packets.push(bytes));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.socket !== socket) return;
      this.packets.end();
      this.#tellClosed();
    });
  }

  async #login(): Promise<void> {
    const first = await this.packets.read();
    if (first.payload[0] === AuthPacket.ERR) throw this.#error(first);
    const greeting = this.greeting = decodeGreeting(first.payload);
    const options = this.#options;
    let flags = (options.capabilities ?? USUAL_FLAGS) & (greeting.capabilities |
      Capability.LONG_PASSWORD);
    if (options.database !== undefined) flags |= Capability.CONNECT_WITH_DB;
    if (options.tls) flags |= Capability.SSL;
    if (options.compression === "zlib") flags |= Capability.COMPRESS;
    if (options.compression === "zstd") flags |= Capability.ZSTD_COMPRESSION;
    this.capabilities = flags >>> 0;
    this.mariadbCapabilities = (options.mariadbCapabilities ?? 0) & greeting.mariadbCapabilities;
    const response = {
      capabilities: this.capabilities,
      mariadbCapabilities: this.mariadbCapabilities,
      packetMax: 0x40000000,
      collation: options.collation ?? 45,
      user: Buffer.from(options.user),
      authResponse: new Uint8Array(0) as Uint8Array,
      database: Buffer.from(options.database ?? ""),
      authPlugin: "",
      attributes: encodeAttributes(options.attributes ?? {}),
      zstdLevel: options.compression === "zstd" ? 3 : 0,
    };
    let sequence = first.sequence + 1;
    if (options.tls) {
      const request = Buffer.from(frame(encodeSslRequest(response), sequence++));
      this.socket.write(Buffer.concat([request, options.injected ?? new Uint8Array(0)]));
      await this.#encrypt(options.tls === true ? {} : options.tls);
    }
    const login = this.#serverLogin();
    const { plugin, answer } = options.plugin === undefined
      ? login.initial(greeting.authPlugin, greeting.salt)
      : { plugin: options.plugin, answer: new Uint8Array(0) };
    this.send(
      encodeHandshakeResponse({ ...response, authPlugin: plugin, authResponse: answer }),
      sequence,
    );
    this.ok = await this.#authenticate(login);
    if (options.compression) this.packets.compress(options.compression);
  }

  #serverLogin(password = this.#options.password): ServerLogin {
    return new ServerLogin(Credential.password(password), {
      secureTransport: this.#options.tls !== undefined && this.#options.tls !== false ||
        this.#options.path !== undefined,
      unixSocket: this.#options.path !== undefined,
    });
  }

  async #encrypt(options: ConnectionOptions): Promise<void> {
    const plain = this.socket;
    plain.removeAllListeners("data");
    const encrypted = connectTls({ socket: plain, rejectUnauthorized: false, ...options });
    await new Promise<void>((resolve, reject) => {
      encrypted.once("secureConnect", () => resolve());
      encrypted.once("error", reject);
      encrypted.once("close", () => reject(new Error("closed during the TLS handshake")));
    });
    this.#use(encrypted);
  }

  /** Sends COM_CHANGE_USER and answers the challenges. Throws a ServerError if it is refused. */
  async changeUser(
    payload: Uint8Array,
    password: string,
    options: Conversation = {},
  ): Promise<Packet> {
    this.send(payload);
    return await this.#authenticate(this.#serverLogin(password), options);
  }

  /** Answers challenges until the server's OK. */
  async #authenticate(
    login: ServerLogin,
    { behind, whenAsked }: Conversation = {},
  ): Promise<Packet> {
    let rest = behind;
    for (;;) {
      const packet = await this.packets.read();
      const { payload, sequence } = packet;
      if (payload[0] === AuthPacket.OK) return packet;
      if (payload[0] === AuthPacket.ERR) throw this.#error(packet);
      let step;
      if (payload[0] === AuthPacket.SWITCH) {
        const { plugin, data } = decodeAuthSwitch(payload);
        this.plugins.push(plugin);
        await whenAsked?.();
        // The server has a name for the plugin's client side that differs from ours for clear text.
        step = plugin === "mysql_clear_password"
          ? { send: Buffer.from(`${this.#options.password}\0`) }
          : login.onAuthSwitch(plugin, data);
      } else {
        if (payload[1] === 4) this.fullAuthentication = true;
        step = login.onMoreData(payload.subarray(1));
      }
      if ("fail" in step) throw new Error(step.fail);
      if (!("send" in step)) continue;
      if (rest === undefined) this.send(step.send, sequence + 1);
      else this.sendBytes(Buffer.concat([frame(step.send, sequence + 1), rest]), { first: false });
      rest = undefined;
    }
  }

  #error(packet: Packet): ServerError {
    return new ServerError(decodeErr(packet.payload), packet.sequence);
  }

  /** Sends one packet, or the parts of a long one. */
  send(payload: Uint8Array, sequence = 0): void {
    this.sendBytes(frame(payload, sequence), { first: sequence === 0 });
  }

  /** Sends bytes as they are (but for compression). */
  sendBytes(bytes: Uint8Array, options: { readonly first: boolean } = { first: true }): void {
    this.socket.write(this.packets.outgoing(bytes, options));
  }

  /** The packets of the next answer. `file` is sent where the server asks for one. */
  async answer(expect: number, file?: Uint8Array): Promise<Packet[]> {
    const tracker = new ResponseTracker(this.capabilities, this.mariadbCapabilities);
    tracker.begin(expect);
    const packets: Packet[] = [];
    while (!tracker.done) {
      const packet = await this.packets.read();
      packets.push(packet);
      tracker.feed(packet.bytes, 0, packet.bytes.length);
      if (!tracker.wantsLocalFile) continue;
      let { sequence } = packet;
      if (file !== undefined && file.length > 0) {
        this.send(file, ++sequence);
        sequence += Math.floor(file.length / PAYLOAD_MAX);
      }
      this.send(new Uint8Array(0), ++sequence);
      tracker.localFileSent();
    }
    return packets;
  }

  /** Sends a command and gives its answer's packets. */
  command(payload: Uint8Array, expect: number, file?: Uint8Array): Promise<Packet[]> {
    this.send(payload);
    return this.answer(expect, file);
  }

  /** COM_QUERY's payload for this connection's flags. */
  queryPayload(sql: string | Uint8Array): Buffer {
    const attributes = this.capabilities & Capability.QUERY_ATTRIBUTES ? [3, 0, 1] : [3];
    return Buffer.concat([Buffer.from(attributes), Buffer.from(sql as string)]);
  }

  /** All results of a statement. Throws a ServerError where one is an error. */
  async results(sql: string, file?: Uint8Array): Promise<Result[]> {
    const packets = await this.command(this.queryPayload(sql), Expect.RESULT, file);
    return this.parse(packets);
  }

  /** Reads results out of the packets of an answer in the text protocol. */
  parse(packets: readonly Packet[]): Result[] {
    const last = packets.at(-1)!;
    if (last.payload[0] === AuthPacket.ERR) throw this.#error(last);
    return parseResults(packets, this.capabilities);
  }

  /** The rows of a statement's first result. */
  async query(sql: string): Promise<(string | null)[][]> {
    return (await this.results(sql))[0]!.rows;
  }

  /** The one value that a statement gives. */
  async value(sql: string): Promise<string | null> {
    return (await this.query(sql))[0]![0]!;
  }

  /** The error a statement ends with. Throws an Error if it ends with none. */
  async errorOf(sql: string): Promise<ServerError> {
    try {
      await this.results(sql);
    } catch (error) {
      if (error instanceof ServerError) return error;
      throw error;
    }
    throw new Error(`No error: ${sql.slice(0, 200)}`);
  }

  /** The error number that an answer's packets end with; 0 for none. */
  errorCode(packets: readonly Packet[]): number {
    const { payload } = packets.at(-1)!;
    return payload[0] === AuthPacket.ERR ? decodeErr(payload).code : 0;
  }

  /** Closes without a word. */
  close(): void {
    this.socket.destroy();
  }

  /** Says COM_QUIT and waits until the peer has closed. */
  async quit(): Promise<void> {
    this.send(Uint8Array.of(1));
    await this.closed;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function encodeAttributes(attributes: Readonly<Record<string, string>>): Uint8Array {
  const writer = new PacketWriter();
  for (const text of Object.entries(attributes).flat()) writer.lenencBytes(Buffer.from(text));
  return writer.done();
}
