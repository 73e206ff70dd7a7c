// What is done to a cluster under load, and what its operator does about it.

import type { ClusterNode } from "../cluster/node.ts";
import type { Row } from "../servers/mod.ts";
import type { StallingProxy } from "../stalling_proxy.ts";
import type { Site } from "./site.ts";

/** What a fault is done to. */
export interface Scene {
  readonly site: Site;
  /** The ways from the proxy to each server, where they can be cut. */
  readonly ways: ReadonlyMap<ClusterNode, StallingProxy>;
  /** Asks the proxy's admin port. @throws {Error} The error that it answers with. */
  readonly order: (statement: string) => Promise<readonly Row[]>;
  /** How long things stay as they are, in milliseconds. */
  readonly holdMs: number;
  /** Tells when something was done, for the report. */
  mark(what: string): void;
}

/** A fault of the table in docs/failover.md. Resolves when the cluster is whole again. */
export type Fault = (scene: Scene) => Promise<void>;

/** The mark at which there is a writable primary. */
export const WRITABLE = "writable primary";

/** How long an operator takes to be sure that a server is gone. */
const NOTICED_MS = 500;
const FLAPS = 5;

async function kill({ site, mark, holdMs }: Scene): Promise<void> {
  const old = site.primary;
  mark(`kill -9 of ${old.name}`);
  await old.kill();
  await site.promote();
  mark(WRITABLE);
  await Bun.sleep(holdMs);
  await site.rejoin(old);
  mark("the old primary is back");
}

/** Stopped in its tracks for a while; meanwhile there is another one. */
async function stop({ site, mark, holdMs }: Scene): Promise<void> {
  const old = site.primary;
  mark(`SIGSTOP of ${old.name}`);
  old.freeze();
  await Bun.sleep(NOTICED_MS);
  await site.promote();
  mark(WRITABLE);
  await Bun.sleep(Math.max(0, holdMs - NOTICED_MS));
  old.thaw();
  mark("SIGCONT: two say that they are the primary");
  await Bun.sleep(holdMs / 4);
  await site.rejoin(old);
  mark("the old primary is back");
}

/** By the proxy. */
async function switchover({ site, order, mark, holdMs }: Scene): Promise<void> {
  const [next] = site.replicas as [ClusterNode];
  mark("switchover");
  for (const row of await order(`SWITCHOVER TO '${next.name}'`)) {
    mark(`  ${row["server"]} ${row["what"]}: ${row["outcome"]}, ${row["duration(ms)"]} ms`);
  }
  site.primary = next;
  mark(WRITABLE);
  await Bun.sleep(holdMs);
}

/** By somebody else, without a word to the proxy. */
async function outside({ site, mark, holdMs }: Scene): Promise<void> {
  mark("switchover from outside");
  await site.switchOver();
  mark(WRITABLE);
  await Bun.sleep(holdMs);
}

async function replica({ site, mark, holdMs }: Scene): Promise<void> {
  const [one, other] = site.replicas as [ClusterNode, ClusterNode];
  mark(`kill -9 of ${one.name}, a replica`);
  await one.kill();
  await Bun.sleep(holdMs / 2);
  await site.rejoin(one);
  mark(`SIGSTOP of ${other.name}, a replica`);
  other.freeze();
  await Bun.sleep(holdMs / 2);
  other.thaw();
  mark("SIGCONT");
  await Bun.sleep(holdMs / 4);
  await site.rejoin(other);
}

async function flap(scene: Scene): Promise<void> {
  for (let time = 0; time < FLAPS; time++) {
    await kill({ ...scene, holdMs: scene.holdMs / FLAPS });
  }
}

/** Between the proxy and the primary alone: to all others it is as it was. */
async function cut({ site, ways, mark, holdMs }: Scene): Promise<void> {
  const way = ways.get(site.primary);
  if (way === undefined) throw new Error("No way to cut");
  mark("the network to the primary is cut");
  way.stall();
  await Bun.sleep(holdMs);
  way.cut();
  mark(WRITABLE);
  await Bun.sleep(holdMs / 2);
}

/** All faults by name. */
export const FAULTS = { kill, stop, switchover, outside, replica, flap, cut } as const;
export type FaultName = keyof typeof FAULTS;
