// Which sockets of this machine listen on TCP ports, as the kernel lists them. Linux only.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A listening socket, of any process. */
export interface ListeningSocket {
  /** Address and port in the kernel's notation; the same for all that share a port. */
  readonly local: string;
  readonly port: number;
  /** Names the socket on this machine, as long as it is open. */
  readonly inode: string;
  /** Connections that are open, and that its process has not accepted yet. */
  readonly waiting: number;
}

const LISTEN = "0A";
const SYN_RECEIVED = "03";

/** All of them; empty where the kernel has no such list. */
export function listeningSockets(): ListeningSocket[] {
  return rows().filter(({ state }) => state === LISTEN).map(({ local, queue, inode }) => ({
    local,
    port: portOf(local),
    inode,
    waiting: queue,
  }));
}

/** Connections to a listening address that clients have begun and not made yet. */
export function halfOpen(local: string): number {
  return rows().filter((row) => row.state === SYN_RECEIVED && row.local === local).length;
}

/** The sockets that a process has open, as descriptors by inode; empty if it may not be looked at. */
export function socketsOf(pid: number | "self"): Map<string, number> {
  const folder = `/proc/${pid}/fd`;
  const found = new Map<string, number>();
  for (const name of list(folder)) {
    const inode = linkOf(`${folder}/${name}`)?.match(/^socket:\[(\d+)\]$/)?.[1];
    if (inode !== undefined) found.set(inode, Number(name));
  }
  return found;
}

/** The processes that have one of these sockets open. */
export function ownersOf(inodes: ReadonlySet<string>): number[] {
  return list("/proc").filter((name) => /^\d+$/.test(name)).map(Number)
    .filter((pid) => [...socketsOf(pid).keys()].some((inode) => inodes.has(inode)));
}

interface Row {
  readonly local: string;
  readonly state: string;
  /** Of a listening socket: its accept queue. */
  readonly queue: number;
  readonly inode: string;
}

function rows(): Row[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => read(file).split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/)).filter((fields) => fields.length > INODE_FIELD)
    .map((fields) => ({
      local: fields[1]!,
      state: fields[3]!,
      queue: Number.parseInt(fields[4]!.split(":")[1]!, 16),
      inode: fields[INODE_FIELD]!,
    }));
}

const INODE_FIELD = 9;

function portOf(local: string): number {
  return Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // no such list here
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it has ended, or is somebody else's
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
