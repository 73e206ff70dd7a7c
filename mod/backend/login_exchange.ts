// The login at a server: greeting, TLS, the first answer, and the exchange until OK or ERR.

import type { BackendTlsMode, ServerAddress } from "../config/mod.ts";
import {
  ChannelClosedError,
  CompressedStream,
  dial,
  DialError,
  PacketChannel,
} from "../net/mod.ts";
import type { ByteStream, CompressionSettings, Stream } from "../net/mod.ts";
import {
  AuthPacket,
  Capability,
  type ChangeUser,
  decodeErr,
  decodeGreeting,
  encodeChangeUser,
  encodeHandshakeResponse,
  encodeSslRequest,
  type Greeting,
  type HandshakeResponse,
  type SqlError,
} from "../wire/mod.ts";
import type { TLSOptions } from "bun";

/** Packets of a login are short; a public key or a ticket is the longest. */
const LOGIN_PACKET_MAX = 1024 * 1024;

/** A server said no, or cannot be spoken to as was asked. Carries the error for the client. */
export class LoginRefusedError extends Error {
  override name = "LoginRefusedError";
  readonly error: SqlError;
  /** The server's ERR packet as it came, where it was the server that refused. */
  readonly payload: Uint8Array | undefined;

  constructor(error: SqlError, payload?: Uint8Array) {
    super(error.message);
    this.error = error;
    this.payload = payload;
  }
}

/** Answers a server's challenges: for a client that is asked in turn, or with a known password. */
export interface Authenticator {
  /** The plugin and response for the first packet. */
  first(greeting: Greeting, secure: boolean): { plugin: string; response: Uint8Array };
  /** The answer to an AuthSwitchRequest, AuthMoreData or AuthNextFactor; undefined where none is due. */
  answer(payload: Uint8Array, secure: boolean): Promise<Uint8Array | undefined>;
}

/** How servers are connected to: one value for all connections of a server. */
export interface ConnectSettings {
  readonly address: ServerAddress;
  readonly timeoutMs: number;
  readonly tlsMode: BackendTlsMode;
  /** Authorities, client certificate and name for TLS. */
  readonly tls: TLSOptions;
  /** Compression asked of the server; undefined: none. */
  readonly compression: CompressionSettings | undefined;
  readonly tcp: { readonly noDelay: boolean; readonly keepaliveMs: number };
}

/** A connection on which the server has said OK. */
export interface OpenedConnection {
  readonly stream: ByteStream;
  readonly greeting: Greeting;
  /** The flags in force. */
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  readonly secure: boolean;
  /** The OK packet's payload. */
  readonly ok: Uint8Array;
}

/** Flags that decide what answers look like: a server that lacks one would confuse the client. */
const SHAPE_FLAGS = Capability.DEPRECATE_EOF | Capability.SESSION_TRACK |
  Capability.OPTIONAL_RESULTSET_METADATA | Capability.QUERY_ATTRIBUTES |
  Capability.MULTI_STATEMENTS | Capability.MULTI_RESULTS | Capability.PS_MULTI_RESULTS;

/**
 * Connects and logs in.
 *
 * @param login What the client asked for; its flags are narrowed to the server's.
 * @param options.onGreeting Told of the greeting as soon as it is there.
 * @throws {DialError} If the server cannot be reached.
 * @throws {ChannelClosedError} If it closes in the middle.
 * @throws {LoginRefusedError} If it says no.
 */
export async function openConnection(
  settings: ConnectSettings,
  login: HandshakeResponse,
  options: {
    readonly authenticator: Authenticator;
    /** The client's own connection is encrypted: then `preferred` wants TLS. */
    readonly clientSecure: boolean;
    readonly preamble?: Uint8Array | undefined;
    readonly onGreeting: (greeting: Greeting) => void;
    /** Nobody waits for the login any more: it ends at once. */
    readonly signal: AbortSignal;
  },
): Promise<OpenedConnection> {
  const { stream, channel, greeting } = await greet(settings, options.preamble);
  const giveUp = () => stream.destroy();
  options.signal.addEventListener("abort", giveUp);
  try {
    if (options.signal.aborted) throw new ChannelClosedError("nobody waits for the login");
    options.onGreeting(greeting);
    const wantsTls = settings.tlsMode !== "disabled" && !stream.local &&
      (settings.tlsMode !== "preferred" || options.clientSecure);
    const useTls = wantsTls && (greeting.capabilities & Capability.SSL) !== 0;
    if (wantsTls && !useTls && settings.tlsMode !== "preferred") {
      throw new LoginRefusedError(tlsError("the server does not offer TLS"));
    }
    const secure = useTls || stream.local;
    const capabilities = agreeOnFlags(login, greeting, settings, useTls);
    const mariadbCapabilities = login.mariadbCapabilities & greeting.mariadbCapabilities;
    const response = { ...login, capabilities, mariadbCapabilities };
    if (useTls) {
      channel.send(encodeSslRequest(response));
      await encrypt(channel, settings);
    }
    const { plugin, response: authResponse } = options.authenticator.first(greeting, secure);
    channel.send(encodeHandshakeResponse({
      ...response,
      authPlugin: plugin,
      authResponse,
      zstdLevel: settings.compression?.level ?? 0,
    }));
    const ok = await exchange(channel, options.authenticator, secure);
    const compressed = capabilities & (Capability.COMPRESS | Capability.ZSTD_COMPRESSION);
    return {
      stream: compressed ? new CompressedStream(stream, settings.compression!) : stream,
      greeting,
      capabilities,
      mariadbCapabilities,
      secure,
      ok,
    };
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    options.signal.removeEventListener("abort", giveUp);
  }
}

/** Connects, reads the greeting and leaves: to learn what a server is. */
export async function readGreeting(settings: ConnectSettings): Promise<Greeting> {
  const { stream, greeting } = await greet(settings, undefined);
  stream.end();
  return greeting;
}

/**
 * Logs in again on an open connection that has nothing outstanding.
 *
 * @returns The OK packet's payload.
 * @throws {LoginRefusedError} If the server says no.
 */
export function changeUser(
  stream: ByteStream,
  request: ChangeUser,
  options: {
    readonly authenticator: Authenticator;
    readonly capabilities: number;
    readonly secure: boolean;
    /** Told if the server closes in the middle. */
    readonly onClosed: (reason: string) => void;
  },
): Promise<Uint8Array> {
  const channel = new PacketChannel(LOGIN_PACKET_MAX, options.onClosed).attach(stream);
  stream.startCommand();
  channel.send(encodeChangeUser(request, options.capabilities));
  return exchange(channel, options.authenticator, options.secure);
}

async function greet(settings: ConnectSettings, preamble: Uint8Array | undefined): Promise<{
  stream: Stream;
  channel: PacketChannel;
  greeting: Greeting;
}> {
  const channel = new PacketChannel(LOGIN_PACKET_MAX);
  const stream = await dial(settings.address, {
    owner: channel,
    timeoutMs: settings.timeoutMs,
    preamble,
  });
  stream.configure(settings.tcp);
  channel.attach(stream);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stream.destroy();
  }, settings.timeoutMs);
  try {
    const payload = await channel.read();
    if (payload[0] === AuthPacket.ERR) throw new LoginRefusedError(decodeErr(payload), payload);
    return { stream, channel, greeting: decodeGreeting(payload) };
  } catch (error) {
    stream.destroy();
    throw late ? new DialError(settings.address, "ETIMEDOUT") : error;
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(
  channel: PacketChannel,
  authenticator: Authenticator,
  secure: boolean,
): Promise<Uint8Array> {
  for (;;) {
    const payload = await channel.read();
    if (payload[0] === AuthPacket.OK) return payload;
    if (payload[0] === AuthPacket.ERR) throw new LoginRefusedError(decodeErr(payload), payload);
    const answer = await authenticator.answer(payload, secure);
    if (answer !== undefined) channel.send(answer);
  }
}

function agreeOnFlags(
  login: HandshakeResponse,
  greeting: Greeting,
  settings: ConnectSettings,
  useTls: boolean,
): number {
  const missing = login.capabilities & SHAPE_FLAGS & ~greeting.capabilities;
  if (missing !== 0) {
    throw new LoginRefusedError({
      code: 2012,
      sqlState: "HY000",
      message: "Server has other capabilities than were announced: connect again",
    });
  }
  const own = Capability.SSL | Capability.COMPRESS | Capability.ZSTD_COMPRESSION |
    Capability.PLUGIN_AUTH_LENENC;
  let flags = login.capabilities & greeting.capabilities & ~own;
  flags |= Capability.PROTOCOL_41 | Capability.SECURE_CONNECTION |
    (greeting.capabilities & (Capability.PLUGIN_AUTH | Capability.PLUGIN_AUTH_LENENC));
  // MySQL's clients set this bit for a MariaDB server too; it tells who may read extended flags.
  flags |= login.capabilities & Capability.LONG_PASSWORD;
  if (useTls) flags |= Capability.SSL;
  const { compression } = settings;
  if (compression) {
    const flag = compression.method === "zlib" ? Capability.COMPRESS : Capability.ZSTD_COMPRESSION;
    flags |= greeting.capabilities & flag;
  }
  return flags >>> 0;
}

async function encrypt(channel: PacketChannel, settings: ConnectSettings): Promise<void> {
  const { unverified, misnamed } = await channel.upgrade(settings.tls, false);
  const { tlsMode } = settings;
  if (unverified === undefined || tlsMode === "preferred" || tlsMode === "required") return;
  if (tlsMode === "verify-ca" && misnamed) return;
  throw new LoginRefusedError(tlsError(unverified));
}

function tlsError(reason: string): SqlError {
  return { code: 2026, sqlState: "HY000", message: `SSL connection error: ${reason}` };
}
