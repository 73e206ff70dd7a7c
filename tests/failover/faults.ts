// What is done to a cluster under load, and what its operator does about it.

import { until } from "../cluster/watching.ts";
import type { StallingProxy } from "../stalling_proxy.ts";
import type { Load } from "./load.ts";
import type { ProxyInCharge } from "./proxy_in_charge.ts";
import type { Site, SiteNode } from "./site.ts";
import type { ClusterKind } from "./start_site.ts";

/** What a fault is done to. */
export interface Scene {
  readonly site: Site;
  /** The ways from the proxy to each server, where they can be cut. */
  readonly ways: ReadonlyMap<SiteNode, StallingProxy>;
  /** How the proxy calls a server. */
  readonly nameOf: (node: SiteNode) => string;
  readonly proxy: ProxyInCharge;
  readonly load: Load;
  /** How long things stay as they are, in milliseconds. */
  readonly holdMs: number;
  /** Tells when something was done, for the report. */
  mark(what: string): void;
}

/** What a client may be told. */
export type Cost =
  /** Nobody knows whether a write, or a transaction's COMMIT, has been done. */
  | "unknown"
  /** A transaction was rolled back with its server. */
  | "rolled back"
  /** A transaction has met a server that takes no writes any more. */
  | "read-only"
  /** The connection to the proxy is gone. */
  | "gone";

/** A fault of the table in docs/failover.md. */
export interface Fault {
  /** Does it. Resolves when the cluster is whole again. */
  readonly run: (scene: Scene) => Promise<void>;
  /** What it may cost those whose statement is under way, and nobody else. */
  readonly costs: readonly Cost[];
}

/** The mark at which there is a writable primary. */
export const WRITABLE = "writable primary";
/** The mark at which it has answered a write of its operator's, begun at the one before. */
export const WRITTEN = "a direct write is done";

/** How long an operator takes to be sure that a server is gone. */
const NOTICED_MS = 500;
const FLAPS = 5;

/** What the primary itself takes: it may wait for a replica's word, and that for its connection. */
function noteWritable({ site, mark }: Scene): void {
  mark(WRITABLE);
  site.primary.sql("REPLACE INTO ledger.fruit VALUES (2, 'pear')")
    .then(() => mark(WRITTEN), () => {});
}

async function kill(scene: Scene): Promise<void> {
  const { site, mark, holdMs } = scene;
  const old = site.primary;
  mark(`kill -9 of ${old.name}`);
  await old.kill();
  await site.promote();
  noteWritable(scene);
  await Bun.sleep(holdMs);
  await site.rejoin(old);
  mark("the old primary is back");
}

/** Stopped in its tracks for a while; meanwhile there is another one. */
async function stop(scene: Scene): Promise<void> {
  const { site, mark, holdMs } = scene;
  const old = site.primary;
  mark(`SIGSTOP of ${old.name}`);
  old.freeze();
  await Bun.sleep(NOTICED_MS);
  await site.promote();
  noteWritable(scene);
  await Bun.sleep(Math.max(0, holdMs - NOTICED_MS));
  old.thaw();
  mark("SIGCONT: two say that they are the primary");
  await Bun.sleep(holdMs / 4);
  await site.rejoin(old);
  mark("the old primary is back");
}

/** By the proxy. */
async function switchover(scene: Scene): Promise<void> {
  const { site, nameOf, proxy, mark, holdMs } = scene;
  const [next] = site.replicas as [SiteNode];
  mark("switchover");
  for (const row of await proxy.order(`SWITCHOVER TO '${nameOf(next)}'`)) {
    mark(`  ${row["server"]} ${row["what"]}: ${row["outcome"]}, ${row["duration(ms)"]} ms`);
  }
  site.primary = next;
  noteWritable(scene);
  await Bun.sleep(holdMs);
}

/** By somebody else, without a word to the proxy. */
async function outside(scene: Scene): Promise<void> {
  const { site, mark, holdMs } = scene;
  mark("switchover from outside");
  await site.switchOver();
  noteWritable(scene);
  await Bun.sleep(holdMs);
}

/** One is killed, another one stopped in its tracks, and then applies nothing for a while. */
async function replica({ site, mark, holdMs }: Scene): Promise<void> {
  const [one, other] = site.replicas as [SiteNode, SiteNode];
  mark(`kill -9 of ${one.name}, a replica`);
  await one.kill();
  await Bun.sleep(holdMs / 3);
  await site.rejoin(one);
  mark(`SIGSTOP of ${other.name}, a replica`);
  other.freeze();
  await Bun.sleep(holdMs / 3);
  other.thaw();
  mark("SIGCONT");
  await site.rejoin(other);
  const [late] = site.replicas as [SiteNode];
  mark(`${late.name} applies nothing`);
  await site.holdBack(late);
  await Bun.sleep(holdMs / 3);
  await site.letGoOn(late);
  mark("it applies again");
}

async function flap(scene: Scene): Promise<void> {
  for (let time = 0; time < FLAPS; time++) {
    await kill({ ...scene, holdMs: scene.holdMs / FLAPS });
  }
}

/** Between the proxy and the primary alone: to all others it is as it was. */
async function cut(scene: Scene): Promise<void> {
  const { site, ways, mark, holdMs } = scene;
  const way = ways.get(site.primary);
  if (way === undefined) throw new Error("No way to cut");
  mark("the network to the primary is cut");
  way.stall();
  await Bun.sleep(holdMs);
  way.cut();
  noteWritable(scene);
  await Bun.sleep(holdMs / 2);
}

/** The connections of one worker are lost; all others go on. */
async function worker({ proxy, mark, holdMs }: Scene): Promise<void> {
  const before = proxy.workers;
  const [victim] = before;
  if (victim === undefined) throw new Error("No worker to kill");
  mark(`kill -9 of a worker, one of ${before.length}`);
  process.kill(victim, "SIGKILL");
  await until(
    "there is another worker",
    () => proxy.workers.length === before.length && !proxy.workers.includes(victim),
    { pollMs: 1 },
  );
  mark("there is another one");
  await Bun.sleep(holdMs / 2);
}

/** The whole proxy, and whoever looks after services starts it again. */
async function proxy({ proxy: whole, mark, holdMs }: Scene): Promise<void> {
  mark("kill -9 of the proxy");
  await whole.crash();
  mark("it is there again");
  await Bun.sleep(holdMs / 2);
}

/** A new proxy in the place of the old one, whose clients go over one by one. */
async function takeover({ proxy: whole, load, mark, holdMs }: Scene): Promise<void> {
  mark("takeover");
  const { oldEnded } = await whole.takeOver();
  mark("another one takes new clients");
  await Bun.sleep(holdMs / 2);
  load.renewConnections();
  const status = await oldEnded;
  if (status !== 0) throw new Error(`The old proxy ended with ${status}`);
  mark("the old one has ended");
}

const LOST: readonly Cost[] = ["unknown", "rolled back"];

/** All faults by name. */
export const FAULTS = {
  kill: { run: kill, costs: LOST },
  // Where a consensus has made it a follower it says so itself when it goes on.
  stop: { run: stop, costs: [...LOST, "read-only"] },
  switchover: { run: switchover, costs: [] },
  outside: { run: outside, costs: ["read-only"] },
  replica: { run: replica, costs: [] },
  flap: { run: flap, costs: LOST },
  cut: { run: cut, costs: LOST },
  worker: { run: worker, costs: ["gone"] },
  proxy: { run: proxy, costs: ["gone"] },
  takeover: { run: takeover, costs: [] },
} as const satisfies Record<string, Fault>;
export type FaultName = keyof typeof FAULTS;

/** Whether a kind of cluster can have it: SWITCHOVER TO is not known for all. */
export function canHave(cluster: ClusterKind, fault: FaultName): boolean {
  return cluster !== "polardbx" || fault !== "switchover";
}
