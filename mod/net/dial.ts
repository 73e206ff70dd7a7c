// Opens connections to servers: TCP (names resolved by the system, asynchronously) and unix sockets.

import type { Socket, SocketHandler } from "bun";
import type { ServerAddress } from "../config/mod.ts";
import { Stream, streamHandlers } from "./stream.ts";
import type { StreamOwner } from "./stream.ts";

/** Why a server could not be reached. */
export class DialError extends Error {
  override name = "DialError";
  /** The system's name for it, such as `ECONNREFUSED`. */
  readonly code: string;

  constructor(address: ServerAddress, code: string) {
    super(`Cannot connect to ${addressText(address)}: ${code}`);
    this.code = code;
  }
}

/** An address as people write it: `host:port`, `[::1]:port` or `unix:/path`. */
export function addressText(address: ServerAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return address.host.includes(":")
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

/** What a socket carries until its `Stream` is made. */
class Dialing {
  constructor(
    readonly owner: StreamOwner,
    readonly local: boolean,
    readonly preamble: Uint8Array | undefined,
  ) {}
}

type SocketData = Stream | Dialing | undefined;

/**
 * One object for all connections: the runtime keeps it as long as the socket, and a closure in it
 * would keep the whole login in memory.
 */
const dialHandlers = {
  ...(streamHandlers as SocketHandler<SocketData>),
  // The stream must be there before the greeting comes: made here, not when the promise resolves.
  open(socket: Socket<SocketData>) {
    const { owner, local, preamble } = socket.data as Dialing;
    const stream = new Stream(socket as Socket<Stream | undefined>, { owner, local });
    if (preamble) stream.write(preamble);
  },
  connectError() {}, // the promise tells
} satisfies SocketHandler<SocketData>;

/**
 * Connects to a server. A name is resolved anew, through the resolver's short-lived cache.
 *
 * @param options.owner Gets the stream's bytes, from before the promise resolves.
 * @param options.preamble Sent before anything else: a PROXY protocol header.
 * @throws {DialError} If nobody answers in time.
 */
export async function dial(
  address: ServerAddress,
  options: {
    readonly owner: StreamOwner;
    readonly timeoutMs: number;
    readonly preamble?: Uint8Array | undefined;
  },
): Promise<Stream> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DialError(address, "ETIMEDOUT")), options.timeoutMs);
  const data = new Dialing(options.owner, address.kind === "unix", options.preamble);
  const connecting = address.kind === "unix"
    ? Bun.connect<SocketData>({ unix: address.path, data, socket: dialHandlers })
    : Bun.connect<SocketData>({
      hostname: address.host,
      port: address.port,
      data,
      socket: dialHandlers,
    });
  try {
    const socket = await Promise.race([connecting, expired]);
    if (!(socket.data instanceof Stream)) throw new DialError(address, "ECONNRESET");
    return socket.data;
  } catch (error) {
    connecting.then((socket) => socket.terminate(), () => {});
    if (error instanceof DialError) throw error;
    const { code } = error as { code?: unknown };
    throw new DialError(address, typeof code === "string" ? code : String(error));
  } finally {
    clearTimeout(timer);
  }
}
