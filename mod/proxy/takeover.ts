// A new proxy takes over from an older one on the same ports, without a connection that is refused
// or reset (`serve --takeover`):
//
// 1. the new one listens beside the old one, by SO_REUSEPORT;
// 2. the kernel is told to give new connections to the new one's sockets alone;
// 3. when the old one has accepted all that was waiting, it is told (SIGUSR2) that it is replaced;
// 4. it closes its listening sockets and ends when its clients have left.
//
// Nothing is needed between them but the kernel's own lists, and the same user: only then may two
// processes share a port, and one of them send the other a signal.

import { readFileSync } from "node:fs";
import type { ListenAddress } from "../config/mod.ts";
import {
  halfOpen,
  type ListeningSocket,
  listeningSockets,
  ownersOf,
  socketsOf,
  steer,
} from "../net/mod.ts";
import type { Log } from "../observe/mod.ts";
import { LISTEN_STATUS, StartError } from "./start_error.ts";

/** What a replaced proxy gets. */
export const REPLACED_SIGNAL = "SIGUSR2";

/** Sockets of new and old share a port. `new`: connections go to the new ones, `one`: to one of them. */
export type TakeoverStep = "new" | "one" | "all";

/** How often the kernel's list is read, in milliseconds. */
const LOOK_MS = 20;
/** For this long connections that were on their way to the old sockets may still arrive there. */
const ARRIVAL_MS = 100;
const HALF_OPEN_MS_MAX = 1000;
/** How long the old proxy may take to accept what waits, and to close. */
const PATIENCE_MS = 10_000;

/** An older proxy that listens on the ports to be taken. */
export class Predecessor {
  /** Its listening sockets. */
  readonly sockets: readonly ListeningSocket[];
  readonly #pids: readonly number[];

  private constructor(sockets: readonly ListeningSocket[], pids: readonly number[]) {
    this.sockets = sockets;
    this.#pids = pids;
  }

  /**
   * Who listens on these addresses; undefined: nobody.
   *
   * @throws {StartError} If that is no proxy that can be told to go.
   */
  static find(addresses: readonly ListenAddress[]): Predecessor | undefined {
    const ports = new Set(addresses.map((address) => address.kind === "tcp" ? address.port : 0));
    const sockets = listeningSockets().filter(({ port }) => port !== 0 && ports.has(port));
    if (sockets.length === 0) return undefined;
    const pids = ownersOf(new Set(sockets.map(({ inode }) => inode)));
    if (pids.length === 0) throw cannot("it is another user's");
    for (const pid of pids) if (!isProxy(pid)) throw cannot(`process ${pid} is no such proxy`);
    return new Predecessor(sockets, pids);
  }

  /** How often each of several workers must listen, so that as many new sockets are there as old. */
  copiesFor(workers: number): number {
    return copiesFor(this.sockets, workers);
  }

  /**
   * Has the old one go, once the new one listens.
   *
   * @param take Does a step at the new one's sockets.
   */
  async relieve(take: (step: TakeoverStep) => Promise<void>, log: Log): Promise<void> {
    await take("new");
    await untilEmpty(this.sockets);
    // While sockets close the others change their numbers: one keeps its own, `copiesFor` sees to it.
    await take("one");
    for (const pid of this.#pids) process.kill(pid, REPLACED_SIGNAL);
    const isGone = await untilClosed(this.sockets);
    await take("all");
    if (isGone) log.info("taken over", { from: this.#pids.join() });
    else log.warn("the proxy that was taken over still listens", { pid: this.#pids.join() });
  }
}

/** How often each of several workers must listen to take the place of these sockets. */
export function copiesFor(sockets: readonly ListeningSocket[], workers: number): number {
  const counts = new Map<string, number>();
  for (const { local } of sockets) counts.set(local, (counts.get(local) ?? 0) + 1);
  return Math.ceil(Math.max(...counts.values()) / workers);
}

/** Waits until all that was on its way to listening sockets that get no more is accepted. */
export async function untilEmpty(sockets: readonly ListeningSocket[]): Promise<void> {
  const startMs = performance.now();
  await within(PATIENCE_MS, () => {
    const waitedMs = performance.now() - startMs;
    if (waitedMs < ARRIVAL_MS) return false;
    if (still(sockets).some(({ waiting }) => waiting > 0)) return false;
    return waitedMs > HALF_OPEN_MS_MAX || sockets.every(({ local }) => halfOpen(local) === 0);
  });
}

/** Waits until listening sockets are closed. @returns false if that takes too long. */
export async function untilClosed(sockets: readonly ListeningSocket[]): Promise<boolean> {
  return await within(PATIENCE_MS, () => still(sockets).length === 0);
}

/** Those that are still there, as they are now. */
function still(sockets: readonly ListeningSocket[]): ListeningSocket[] {
  return listeningSockets().filter(({ inode }) => sockets.some((socket) => socket.inode === inode));
}

/**
 * Does a step at this process's listening sockets, for all that share their addresses.
 *
 * @param before The sockets of the old proxy: they were there first.
 */
export function takeStep(step: TakeoverStep, before: readonly ListeningSocket[]): void {
  const own = socketsOf("self");
  const all = listeningSockets();
  const done = new Set<string>();
  for (const { local, inode } of all) {
    const descriptor = own.get(inode);
    const from = before.filter((socket) => socket.local === local).length;
    if (descriptor === undefined || from === 0 || done.has(local)) continue;
    done.add(local);
    const older = new Set(before.map((socket) => socket.inode));
    const count = all.filter((socket) => socket.local === local && !older.has(socket.inode)).length;
    if (step === "new") steer(descriptor, { to: "last", from, count });
    else steer(descriptor, step === "one" ? { to: "one", from } : { to: "all" });
  }
}

function cannot(reason: string): StartError {
  return new StartError(`Cannot take over the port: ${reason}`, LISTEN_STATUS);
}

/** A process that knows the signal, and runs one of our commands. */
function isProxy(pid: number): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const caught = readFileSync(`/proc/${pid}/status`, "utf8").match(/^SigCgt:\s+([\da-f]+)/m)?.[1];
    const isCaught = (BigInt(`0x${caught ?? "0"}`) & SIGUSR2_BIT) !== 0n;
    return isCaught && command.some((word) => word === "serve" || word === "worker");
  } catch {
    return false; // it has just ended
  }
}

/** Signal 12, counted from 1. */
const SIGUSR2_BIT = 1n << 11n;

async function within(limitMs: number, ask: () => boolean): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!ask()) {
    if (performance.now() > deadline) return false;
    await Bun.sleep(LOOK_MS);
  }
  return true;
}
