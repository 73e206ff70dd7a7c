// Accepts connections on TCP ports and unix sockets.

import { existsSync, renameSync, statSync, unlinkSync } from "node:fs";
import type { SocketHandler } from "bun";
import type { ListenAddress } from "../config/mod.ts";
import { addressText } from "./dial.ts";
import { Stream, streamHandlers } from "./stream.ts";
import type { StreamOwner } from "./stream.ts";

/** An open listening socket. */
export interface Listener {
  /** What it listens on, with the port the system gave where 0 was asked for. */
  readonly address: ListenAddress;
  /** Accepts no more. Connections that are open stay. */
  close(): void;
}

/** Why an address cannot be listened on. */
export class ListenError extends Error {
  override name = "ListenError";
}

/**
 * Listens on an address.
 *
 * @param accept Makes the owner of a new stream; called once a connection.
 * @throws {ListenError} If the address is taken or not allowed.
 */
export async function listen(
  address: ListenAddress,
  options: {
    readonly accept: (stream: Stream) => void;
    readonly reusePort?: boolean;
    /** A unix socket that somebody listens on is taken over. @default {false} */
    readonly replace?: boolean;
    /** A unix socket is for the process's own user and root alone. @default {false} */
    readonly ownerOnly?: boolean;
  },
): Promise<Listener> {
  const local = address.kind === "unix";
  const socket = {
    ...streamHandlers,
    open(socket: Bun.Socket<Stream | undefined>) {
      options.accept(new Stream(socket, { owner: NOBODY, local }));
    },
  };
  try {
    if (address.kind === "unix") {
      const { path } = address;
      if (options.replace) return replaceSocket(path, socket);
      await removeStaleSocket(path);
      const bind = () => Bun.listen<Stream | undefined>({ unix: path, socket });
      const listener = options.ownerOnly ? underUmask(0o177, bind) : bind();
      return { address, close: () => listener.stop() };
    }
    const listener = Bun.listen<Stream | undefined>({
      hostname: address.host,
      port: address.port,
      socket,
      ...(options.reusePort ? { reusePort: true } : {}),
    });
    return { address: { ...address, port: listener.port }, close: () => listener.stop() };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const why = code === "EADDRINUSE" ? "the address is in use" : String(message ?? error);
    throw new ListenError(`Cannot listen on ${addressText(address)}: ${why}`);
  }
}

/** Binds aside and takes the name: nobody ever finds no socket, or one that nobody listens on. */
function replaceSocket(path: string, socket: SocketHandler<Stream | undefined>): Listener {
  const aside = `${path}.${process.pid}`;
  const listener = Bun.listen<Stream | undefined>({ unix: aside, socket });
  renameSync(aside, path);
  const { ino } = statSync(path);
  return {
    address: { kind: "unix", path },
    close() {
      listener.stop();
      // Bun removes the name that it was made with; this one may be somebody else's by now.
      if (statSync(path, { throwIfNoEntry: false })?.ino === ino) unlinkSync(path);
    },
  };
}

/** The file is never there with other rights, not even for a moment. */
function underUmask<T>(mask: number, make: () => T): T {
  const before = process.umask(mask);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

/** A socket file that nobody listens on any more is in the way of a restart. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {}, connectError() {} } });
    socket.terminate();
  } catch {
    unlinkSync(path);
  }
}

const NOBODY: StreamOwner = { onBytes() {}, onDrained() {}, onClosed() {} };
