// A switchover as a list of steps, each of which can be undone up to the point of no return.

import { formatAddress, type ServerAddress } from "../../config/mod.ts";
import type { Clock } from "../clock.ts";
import type { EventFacts } from "../events.ts";
import type { ProbeConnection } from "../probe_connection.ts";
import type { Topology, TopologyServer } from "../topology.ts";

/** What the configuration says. */
export interface SwitchoverSettings {
  /** How long open transactions and the target's replication are waited for, in milliseconds. */
  readonly drainMs: number;
  /** The account that the old primary is to replicate with; empty: the target's own. */
  readonly replicationUser: string;
  readonly replicationPassword: string;
}

/** What a switchover needs from whoever watches the servers and serves clients. */
export interface SwitchoverSurroundings {
  readonly clock: Clock;
  readonly settings: SwitchoverSettings;
  topology(): Topology;
  /** Connects as the proxy's own account. */
  open(address: ServerAddress): Promise<ProbeConnection>;
  /**
   * Writes wait until this server is the primary; undefined: they wait no longer. All servers are
   * looked at anew.
   */
  hold(target: string | undefined): void;
  /** How many of the proxy's sessions have a transaction open on a server, by all of its names. */
  transactionsAt(names: readonly string[]): Promise<number>;
  note(event: EventFacts): void;
}

/** A server that takes part, with a connection to it. */
export interface Party {
  readonly server: TopologyServer;
  readonly session: ProbeConnection;
}

/** The two whose roles change, and who follows the primary beside. */
export interface Parties {
  readonly primary: Party;
  readonly target: Party;
  readonly others: readonly Party[];
}

/** One thing that is done. */
export interface Step {
  readonly server: string;
  /** In words. */
  readonly what: string;
  /** @returns What there is to say of it. @throws {Error} If it fails. */
  run(): Promise<string | void>;
  /** Takes it back, also where it has failed half-way; absent: there is nothing to take back. */
  readonly undo?: () => Promise<void>;
  /** Unless it is taken back, what came before it is not: there would be two that take writes. */
  readonly isFence?: boolean;
  /** Once it is done there is no way back: what fails later is told, and stays for people to mend. */
  readonly isDecisive?: boolean;
}

/** Why a switchover is not begun. */
export class SwitchoverRefusedError extends Error {
  override name = "SwitchoverRefusedError";
}

/** @throws {SwitchoverRefusedError} Unless the condition holds. */
export function insist(condition: boolean, why: string): asserts condition {
  if (!condition) throw new SwitchoverRefusedError(why);
}

/** Waits until something holds. @returns Whether it did within the time. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  { clock, timeoutMs, everyMs }: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly everyMs: number;
  },
): Promise<boolean> {
  const untilMs = clock.now() + timeoutMs;
  while (!await holds()) {
    if (clock.now() > untilMs) return false;
    await new Promise<void>((resolve) => clock.after(everyMs, resolve));
  }
  return true;
}

/** Where replicas find a server: where it says itself, else where the proxy does. */
export function placeOf({ server }: Party, reported: ServerAddress | undefined) {
  const address = reported ?? server.address;
  insist(
    address.kind === "tcp",
    `${server.name} tells no report_host: replicas cannot be told where to find it`,
  );
  return address;
}

/** A text as a literal of SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** A session's global rights, as SHOW GRANTS tells them. */
export async function globalRights({ session }: Party): Promise<ReadonlySet<string>> {
  const rights = new Set<string>();
  for (const row of await session.query("SHOW GRANTS")) {
    const [, list] = /^GRANT ([A-Z_, ]+) ON \*\.\* TO /.exec(String(Object.values(row)[0])) ?? [];
    for (const right of list?.split(/, ?/) ?? []) rights.add(right);
  }
  return rights;
}

/** @throws {SwitchoverRefusedError} If the proxy's account lacks one of the rights. */
export async function insistOnRights(party: Party, rights: readonly string[]): Promise<void> {
  const has = await globalRights(party);
  if (has.has("ALL PRIVILEGES") || (has.has("SUPER") && has.has("RELOAD"))) return;
  const missing = rights.filter((right) => !has.has(right));
  insist(
    missing.length === 0,
    `the proxy's account lacks ${missing.join(", ")} ON *.* at ${
      formatAddress(party.server.address)
    }`,
  );
}
