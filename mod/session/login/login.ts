// A client's way in: PROXY header, greeting, TLS, its answer, and the login at the server.

import { certificateProof, newSalt } from "../../auth/mod.ts";
import {
  closePolitely,
  LoginRefusedError,
  type LoginRequest,
  type Server,
  serverError,
  userName,
} from "../../backend/mod.ts";
import {
  ChannelClosedError,
  CompressedStream,
  decodeProxyHeader,
  encodeProxyHeader,
  PacketChannel,
  type Stream,
} from "../../net/mod.ts";
import {
  Capability,
  decodeHandshakeResponse,
  decodeOk,
  encodeAuthMoreData,
  encodeGreeting,
  encodeOk,
  type Greeting,
  type HandshakeResponse,
  isSslRequest,
  MariadbCapability,
  type SqlError,
} from "../../wire/mod.ts";
import { type Admission, admit } from "./admission.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";
import { LoginAttempts, unlessAborted } from "./login_attempts.ts";
import { accessDenied, type Claimed, EarlyRefusal, refuse } from "./login_refusal.ts";
import { noteProved, noteRefused } from "./login_throttle.ts";
import { loginShared, type PooledLogin } from "./pooled_login.ts";
import { takesClientErrors } from "../session_errors.ts";

const TOO_MANY_OF_USER = 1203;

/** A client's handshake packet, attributes included, is not longer. */
const HANDSHAKE_PACKET_MAX = 1024 * 1024;
/** What is kept of a login that waits, in bytes, about. */
const LOGIN_BYTES = 1024;

/** What a login leaves behind for the session. */
export interface ClientLogin {
  readonly response: HandshakeResponse;
  /** The client's end of the connection, compressed if that was agreed on. */
  readonly stream: Stream | CompressedStream;
  /** Bytes the client has sent behind its login. */
  readonly rest: Uint8Array;
}

/**
 * Lets a client in. The session has its server connection afterwards.
 *
 * @returns undefined where the client was refused (it has been told) or has gone.
 */
export async function login(
  session: ClientSession,
  stream: Stream,
  context: SessionContext,
): Promise<ClientLogin | undefined> {
  const abandoned = new AbortController();
  const who: Claimed = { user: "" };
  const channel = new PacketChannel(HANDSHAKE_PACKET_MAX, (reason) => {
    session.onClosed(reason);
    abandoned.abort();
  });
  try {
    if (expectsProxyHeader(session.address, context)) {
      const rest = await readProxyHeader(stream, session);
      channel.attach(stream).onBytes(rest);
    } else channel.attach(stream);
    const { signal } = abandoned;
    return await greetAndAuthenticate(session, channel, { context, signal, who });
  } catch (error) {
    refuse(channel, noteRefused(session, error), { session, who });
    return undefined;
  } finally {
    session.attempts = undefined;
  }
}

async function greetAndAuthenticate(
  session: ClientSession,
  channel: PacketChannel,
  { context, signal, who }: {
    readonly context: SessionContext;
    readonly signal: AbortSignal;
    readonly who: Claimed;
  },
): Promise<ClientLogin> {
  await context.settled?.promise;
  const stream = channel.stream as Stream;
  const throttled = context.throttle.check(session.address || undefined);
  if (throttled.kind === "refuse") throw new EarlyRefusal(throttled.error);
  const attempts = session.attempts = new LoginAttempts(context, signal, LOGIN_BYTES);
  const { identity: known } = context.server;
  let identity: Greeting;
  try {
    identity = known !== undefined && !attempts.mustWait
      ? known
      : await attempts.run((server, given) => unlessAborted(server.identify(), given));
  } catch (error) {
    throw new EarlyRefusal(serverError(error, context.server.name));
  }
  const { shares } = context.server; // for the whole of the login
  const greeting = makeGreeting(identity, { session, context, shares });
  channel.send(encodeGreeting(greeting));
  let payload = await channel.read();
  const { clientTls } = context;
  if (isSslRequest(payload) && clientTls && greeting.capabilities & Capability.SSL) {
    await channel.upgrade(clientTls, true);
    payload = await channel.read();
  }
  const response = narrow(decodeHandshakeResponse(payload), greeting);
  who.user = userName(response.user);
  session.capabilities = response.capabilities;
  session.takesClientErrors = takesClientErrors(response.attributes);
  if (context.config.clientTls.mode === "required" && !stream.secure && !stream.local) {
    throw new LoginRefusedError({
      code: 3159,
      sqlState: "HY000",
      message: "Connections using insecure transport are prohibited while " +
        "--require_secure_transport=ON.",
    });
  }
  await throttleDelay(session, context);
  const admission = await admit({
    channel,
    transport: stream,
    address: session.address,
    user: response.user,
    authPlugin: response.authPlugin,
    authResponse: response.authResponse,
    capabilities: response.capabilities,
    salt: greeting.salt,
  }, context);
  attempts.mayBeginAnew = () => admission.again !== undefined || !admission.proved();
  const { ok } = await attempts.run((server, given) =>
    enter(session, { server, shares }, {
      login: response,
      authenticator: admission.again?.() ?? admission.authenticator,
      credential: admission.credential,
      again: admission.again,
      clientSecure: stream.secure || stream.local,
      holder: session,
      signal: given,
      preamble: !shares && context.config.proxyProtocol.backend === "v2"
        ? encodeProxyHeader(
          { address: session.address, port: session.port },
          { address: stream.localAddress, port: stream.localPort },
        )
        : undefined,
    }, admission)
  ).catch((error: unknown) => {
    if (error instanceof LoginRefusedError) admission.refused(error.error.code);
    throw error;
  });
  const last = withCertificateProof(ok, { admission, response, salt: greeting.salt }, context);
  const { preface } = admission;
  channel.sendTogether(preface ? [encodeAuthMoreData(preface), last] : [last]);
  const rest = channel.takeRest();
  return { response, stream: compress(stream, response, context), rest };
}

/** Logs in at a server. Afterwards the session has what it needs there. */
async function enter(
  session: ClientSession,
  { server, shares }: { readonly server: Server; readonly shares: boolean },
  request: LoginRequest,
  admission: Admission,
): Promise<PooledLogin> {
  const { context } = session;
  const { signal, login: response } = request;
  const login = logIn(session, { server, shares }, request);
  const made = await unlessAborted(login, signal, (late) => late.giveUp());
  const blocked = noteProved(session);
  if (blocked) {
    made.giveUp();
    throw new LoginRefusedError(blocked);
  }
  admission.accepted();
  if (session.closed) {
    made.giveUp();
    throw new ChannelClosedError("client left during its login");
  }
  if (server.settings.address.kind === "unix" && !admission.proved()) {
    // A plugin such as auth_socket has looked at who the proxy is, not at who the client is.
    made.giveUp();
    throw new LoginRefusedError(accessDenied(session, response));
  }
  session.countUser(userName(response.user));
  if (isOverUserLimit(session, context)) {
    made.giveUp();
    throw new LoginRefusedError(tooManyOfUser(session.user));
  }
  // A client that leaves takes nothing with it: others of its account may wait for the connection.
  const lose = () => {
    if (!session.closed) made.connection?.lose("the server takes no writes any more");
  };
  signal.addEventListener("abort", lose);
  try {
    await made.share();
  } finally {
    signal.removeEventListener("abort", lose);
  }
  if (session.closed) {
    if (!session.pooled && made.connection) closePolitely(made.connection);
    throw new ChannelClosedError("client left during its login");
  }
  if (session.pooled) return made;
  if (made.connection?.closed) throw new ChannelClosedError("server closed during the login");
  session.server = made.connection;
  return made;
}

/** On a connection of the session's own, or on one that is shared. */
async function logIn(
  session: ClientSession,
  { server, shares }: { readonly server: Server; readonly shares: boolean },
  request: LoginRequest,
): Promise<PooledLogin> {
  const canTrack = ((server.identity?.capabilities ?? 0) & Capability.SESSION_TRACK) !== 0;
  if (shares && canTrack) return await loginShared(session, server, request);
  const login = await server.login(request);
  return {
    connection: login.connection,
    ok: login.ok,
    giveUp: () => server.pool.giveBack(login.connection),
    share: () => Promise.resolve(),
  };
}

function makeGreeting(
  identity: Greeting,
  { session, context, shares }: {
    readonly session: ClientSession;
    readonly context: SessionContext;
    readonly shares: boolean;
  },
): Greeting {
  const { clientTls, compression } = context.config;
  const transportFlags = Capability.SSL | Capability.COMPRESS | Capability.ZSTD_COMPRESSION;
  let capabilities = identity.capabilities & ~transportFlags;
  if (clientTls.mode !== "disabled" && context.clientTls) capabilities |= Capability.SSL;
  if (compression.clients.includes("zlib")) capabilities |= Capability.COMPRESS;
  if (compression.clients.includes("zstd")) capabilities |= Capability.ZSTD_COMPRESSION;
  return {
    ...identity,
    threadId: session.id,
    salt: newSalt(),
    capabilities: capabilities >>> 0,
    mariadbCapabilities: offeredExtended(identity, shares),
  };
}

/**
 * A server that leaves definitions out believes that the client has got them: on a connection that
 * sessions share it was another one that has.
 */
function offeredExtended({ mariadbCapabilities }: Greeting, shares: boolean): number {
  return shares ? mariadbCapabilities & ~MariadbCapability.CACHE_METADATA : mariadbCapabilities;
}

/** Judged after the proof, as servers do it: nobody can use up another one's sessions. */
function isOverUserLimit({ user }: ClientSession, context: SessionContext): boolean {
  const { clientsPerUserMax } = context.config.limits;
  if (clientsPerUserMax === 0) return false;
  return context.usersConnected.of(user) + context.peers.clientsOf(user) > clientsPerUserMax;
}

function tooManyOfUser(user: string): SqlError {
  return {
    code: TOO_MANY_OF_USER,
    sqlState: "42000",
    message: `User ${user} already has more than 'max_user_connections' active connections`,
  };
}

/** Makes guessing passwords slow: the delay grows with each failure of the address. */
async function throttleDelay(session: ClientSession, context: SessionContext): Promise<void> {
  const decision = context.throttle.check(session.address || undefined);
  if (decision.kind === "delay") await Bun.sleep(decision.delayMs);
}

/** The info of a login's OK packet with a certificate proof: 0x01 and 64 hexadecimal digits. */
const PROOF_LENGTH = 65;

/**
 * MariaDB's clients trust a self-made certificate if the OK packet proves that who shows it knows
 * the account's password. A proof that the server made is for the server's certificate: it goes.
 */
function withCertificateProof(
  ok: Uint8Array,
  login: {
    readonly admission: Admission;
    readonly response: HandshakeResponse;
    readonly salt: Uint8Array;
  },
  context: SessionContext,
): Uint8Array {
  const { capabilities } = login.response;
  const decoded = decodeOk(ok, capabilities);
  const hasProof = decoded.info.length === PROOF_LENGTH && decoded.info[0] === 1;
  const { proofKey } = login.admission;
  const fingerprint = context.certificateFingerprint;
  const isMariadbClient = (capabilities & Capability.LONG_PASSWORD) === 0;
  const canProve = proofKey && fingerprint && isMariadbClient &&
    (capabilities & Capability.SSL) !== 0;
  if (!hasProof && !canProve) return ok;
  const info = canProve
    ? certificateProof({ proofKey, salt: login.salt, fingerprint })
    : new Uint8Array(0);
  return encodeOk({ ...decoded, info }, capabilities);
}

/** A client may not use what was not offered to it. */
function narrow(response: HandshakeResponse, greeting: Greeting): HandshakeResponse {
  const asked = response.capabilities;
  // The greeting of MariaDB leaves this bit out, its clients and MySQL's each say what they are.
  const kept = greeting.capabilities | Capability.LONG_PASSWORD;
  return {
    ...response,
    capabilities: (asked & kept) >>> 0,
    mariadbCapabilities: response.mariadbCapabilities & greeting.mariadbCapabilities,
  };
}

function compress(
  stream: Stream,
  response: HandshakeResponse,
  context: SessionContext,
): Stream | CompressedStream {
  const { zstdLevel } = context.config.compression;
  if (response.capabilities & Capability.COMPRESS) {
    return new CompressedStream(stream, { method: "zlib", level: 0 });
  }
  if (response.capabilities & Capability.ZSTD_COMPRESSION) {
    return new CompressedStream(stream, { method: "zstd", level: response.zstdLevel || zstdLevel });
  }
  return stream;
}

function expectsProxyHeader(address: string, context: SessionContext): boolean {
  const { trustedProxies } = context;
  return trustedProxies !== undefined &&
    trustedProxies.check(address, address.includes(":") ? "ipv6" : "ipv4");
}

/** Reads the header and gives the bytes that came behind it. */
function readProxyHeader(stream: Stream, session: ClientSession): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let kept = Buffer.alloc(0);
    stream.owner = {
      onBytes(bytes) {
        kept = Buffer.concat([kept, bytes]);
        try {
          const header = decodeProxyHeader(kept);
          if (!header) return;
          if (header.source) {
            session.address = header.source.address;
            session.port = header.source.port;
          }
          resolve(kept.subarray(header.length));
        } catch (error) {
          reject(error as Error);
        }
      },
      onDrained() {},
      onClosed(reason) {
        session.onClosed(reason);
        reject(new ChannelClosedError(reason));
      },
    };
  });
}
