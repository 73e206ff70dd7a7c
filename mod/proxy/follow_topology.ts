// The data plane follows what is known of the servers: new sessions and writes go to the primary.

import type { Server } from "../backend/mod.ts";
import { findServer, NO_TOPOLOGY, type Topology, type TopologyServer } from "../cluster/mod.ts";
import { openAhead, type SessionContext } from "../session/mod.ts";
import type { LeavingServers } from "./leaving_servers.ts";

/** A worker's view of the servers. */
export class TopologyFollower {
  /** The servers as they were told last. */
  topology: Topology = NO_TOPOLOGY;
  readonly #context: SessionContext;
  readonly #leaving: LeavingServers;
  /** There may soon be another primary. */
  #isInDoubt = false;
  #primary: string | undefined;
  /** Since when that one is it, in milliseconds since 1970. */
  #primarySinceMs = 0;

  constructor(context: SessionContext, leaving: LeavingServers) {
    this.#context = context;
    this.#leaving = leaving;
  }

  /**
   * Takes over a topology. Who a server is has to be known before sessions may go to it: that of
   * servers which may become the primary is asked ahead. Without a primary the last one stays.
   */
  follow(topology: Topology): void {
    const wasWatched = this.topology.servers.length > 0;
    this.topology = topology;
    if (wasWatched && topology.servers.length === 0) {
      this.#forget();
      return;
    }
    if (topology.primary !== null && topology.primary !== this.#primary) {
      this.#primary = topology.primary;
      this.#primarySinceMs = topology.madeMs;
    }
    for (const { address, role, reads, writes } of topology.servers) {
      const server = this.#context.servers.at(address);
      if (role === "logger" || !(reads || writes) || server.identity !== undefined) continue;
      // Who cannot be asked now is asked again with the next topology.
      server.identify().then(() => this.#moveToPrimary(), () => {});
    }
    this.#context.routing?.update(topology);
    this.#moveToPrimary();
    this.#closeLost();
    this.#expectLoss();
    if (topology.servers.length > 0) {
      this.#leaving.keep(({ name }) => findServer(topology, name) !== undefined);
    }
  }

  /** Nobody watches the servers any more: the one that was the primary last is taken to be it. */
  #forget(): void {
    const context = this.#context;
    this.#primary = undefined;
    this.#isInDoubt = false;
    context.settled?.resolve();
    context.settled = undefined;
    if (context.gate.isShut) context.gate.open();
    this.#reconsider();
  }

  #moveToPrimary(): void {
    const context = this.#context;
    const address = this.#primaryAddress();
    const server = address && context.servers.at(address);
    if (server?.identity === undefined) {
      this.#shutGate();
      return;
    }
    const hasMoved = server !== context.server;
    if (hasMoved) {
      context.log.info("the primary is another server", {
        from: context.server.name,
        to: server.name,
      });
      context.server = server;
      context.routing?.update(this.topology);
    }
    context.settled?.resolve();
    context.settled = undefined;
    if (!hasMoved && !context.gate.isShut) return;
    server.pools?.tryAgain();
    context.gate.open();
    if (hasMoved) this.#reconsider();
  }

  /** Without a server that takes writes, what is for one waits. */
  #shutGate(): void {
    const { topology } = this;
    const { gate, server } = this.#context;
    if (topology.servers.length === 0) return; // nothing is known yet
    const last = findServer(topology, server.name);
    const readsGoOn = last?.reads === true;
    const isNew = !gate.isShut || (gate.readsGoOn && !readsGoOn);
    gate.shut(topology.primaryReason, { readsGoOn });
    if (isNew) this.#reconsider();
  }

  /** The primary does not answer any more, or is to be another one: connections to others are opened. */
  #expectLoss(): void {
    const { gate, server } = this.#context;
    const last = findServer(this.topology, server.name);
    const isInDoubt = gate.isShut || (last !== undefined && last.failure !== null);
    if (isInDoubt && !this.#isInDoubt) openAhead(this.#candidates(), this.#context);
    this.#isInDoubt = isInDoubt;
  }

  /** Servers of which one may be the next primary. */
  #candidates(): Server[] {
    const { server, servers } = this.#context;
    return this.topology.servers
      .filter(({ role, reads }) => role === "replica" && reads)
      .map(({ address }) => servers.at(address))
      .filter((each) => each !== server && each.identity !== undefined);
  }

  /** Who waits for a connection may have to wait for something else, or have it at once. */
  #reconsider(): void {
    for (const session of [...this.#context.directory.all()]) session.reconsider();
  }

  /**
   * Nothing more is to come from a server that does not answer, nor from one that has been the
   * primary and does not know that it is none any more: what it says it has done is lost. Its
   * sessions are told now, and what it might do when it is back is none of theirs.
   */
  #closeLost(): void {
    for (const server of this.topology.servers) {
      const { address, state, failure, name, aliases } = server;
      const isReplaced = this.#isReplaced(server);
      if (isReplaced || (state === "down" && failure !== null)) {
        const why = isReplaced ? "another server is the primary" : "the server does not answer";
        this.#context.servers.at(address).pools?.abandon(why);
      }
      // Behind that: those whose connections have just ended want to know.
      if (isReplaced || failure !== null || state === "down") {
        this.#context.gate.noteGone([name, ...aliases]);
      }
    }
  }

  /**
   * Another one is the primary, and it takes writes itself, or cannot be asked. One that is replaced
   * in good order has become read-only before: sessions leave it with all they have set.
   */
  #isReplaced({ role, failure, readOnly, answeredMs }: TopologyServer): boolean {
    if (role !== "none" || this.topology.primary === null) return false;
    return failure !== null || (readOnly === false && answeredMs !== null &&
      answeredMs > this.#primarySinceMs);
  }

  /** Where all servers take writes, of the one at hand if it is one of them. */
  #primaryAddress() {
    const { topology } = this;
    const { primary, servers } = topology;
    const leader = primary === null ? undefined : findServer(topology, primary);
    if (leader?.writes === true) return leader.address;
    const writers = servers.filter(({ writes }) => writes);
    const now = writers.find(({ name }) => name === this.#context.server.name);
    return (now ?? writers[0])?.address;
  }
}
