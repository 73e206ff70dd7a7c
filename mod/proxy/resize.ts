// More or fewer workers while clients come and go. A listening socket cannot be closed without losing
// the connections that wait in it, so the workers that stay listen anew, as in a takeover: the kernel
// gives new connections to the new sockets alone, and the old ones are closed when they are empty.

import { type ListeningSocket, listeningSockets, socketsOf } from "../net/mod.ts";
import type { Fleet } from "./fleet.ts";
import type { Question } from "./messages.ts";
import { copiesFor, untilClosed, untilEmpty } from "./takeover.ts";
import { WorkerHandle } from "./worker_handle.ts";

/**
 * Has so many workers, beside those that leave: their clients stay with them. Resolves when new ones
 * accept clients, and others do not any more.
 */
export async function resize(fleet: Fleet, wanted: number): Promise<void> {
  const staying = fleet.workers.filter(({ isLeaving }) => !isLeaving);
  const kept = staying.slice(0, wanted);
  const leaving = staying.slice(wanted);
  const missing = wanted - kept.length;
  if (fleet.ending || (leaving.length === 0 && missing === 0)) return;
  // Where each listens once, others that come do no harm.
  const isSimple = fleet.isPaused || (leaving.length === 0 && fleet.copies === 1);
  const before = isSimple ? [] : socketsOfAll(fleet);
  if (before.length > 0) fleet.copies = copiesFor(before, wanted);
  const added = add(fleet, missing);
  // One that cannot start tries again by itself.
  await Promise.all(added.map((worker) => worker.start().catch(() => {})));
  for (const each of fleet.workers) each.send({ kind: "share", workers: fleet.workers.length });
  if (before.length > 0) await replace(before, { fleet, kept });
  for (const worker of leaving) worker.leave();
  if (before.length > 0) {
    await ask(kept, { kind: "settleDown" });
    const isClosed = await untilClosed(before);
    await kept[0]!.takeStep("all", before);
    if (!isClosed) fleet.log.warn("a worker that leaves still listens");
  }
  fleet.log.info("workers", { workers: wanted, leaving: leaving.length });
}

/** Connections come to new sockets alone, and the old ones are empty. */
async function replace(
  before: readonly ListeningSocket[],
  { fleet, kept }: { readonly fleet: Fleet; readonly kept: readonly WorkerHandle[] },
): Promise<void> {
  await ask(kept, { kind: "renew", copies: fleet.copies });
  await kept[0]!.takeStep("new", before);
  await untilEmpty(before);
  await kept[0]!.takeStep("one", before);
}

/** With the lowest numbers that nobody has. */
function add(fleet: Fleet, count: number): WorkerHandle[] {
  const { workers } = fleet;
  const added: WorkerHandle[] = [];
  for (let number = 0; added.length < count; number++) {
    if (workers.some((each) => each.number === number)) continue;
    const worker = new WorkerHandle(number, fleet, false);
    workers.push(worker);
    added.push(worker);
  }
  workers.sort((one, other) => one.number - other.number);
  return added;
}

/** The TCP sockets that clients come to. */
function socketsOfAll({ workers, config }: Fleet): ListeningSocket[] {
  const ports = new Set(config.listen.map((each) => each.kind === "tcp" ? each.port : 0));
  const own = new Set(
    workers.flatMap(({ pid }) => pid === undefined ? [] : [...socketsOf(pid).keys()]),
  );
  return listeningSockets().filter(({ inode, port }) => own.has(inode) && ports.has(port));
}

async function ask(workers: readonly WorkerHandle[], question: Question): Promise<void> {
  await Promise.all(workers.map((worker) => worker.ask(question)));
}
