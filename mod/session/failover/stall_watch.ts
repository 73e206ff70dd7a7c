// Replicas that hang: stopped in their tracks, or behind a network that swallows everything. Their
// connections stay open and nothing comes, so that reads would wait until a look at the server has
// failed, which takes seconds. A server that owes answers and gives none is asked for a sign of life,
// and the others with it: where it alone gives none, reads that are under way run elsewhere. So do
// those that wait for data of a replica that gets no newer.

import type { Server } from "../../backend/mod.ts";
import type { Asker, Router, RouteServer } from "../../route/mod.ts";
import type { SessionContext } from "../context.ts";
import { flee } from "./flee.ts";
import { SignOfLife } from "./sign_of_life.ts";
import { Standstill } from "./standstill.ts";

/** How often servers that owe answers are looked at, in milliseconds. */
const TICK_MS = 10;
/** When a tick comes later than this the proxy itself was held up, and nothing is concluded. */
const LATE_MS = 25;
/** A server hangs where it lets a ping wait so many times longer than it has done lately. */
const LONGER = 3;
/** What is left of the longest such time after a tick: half of it in three quarters of a second. */
const DECAY = 0.99;
/** A server that was taken for hung in vain is given twice the time; this at most, in milliseconds. */
const PATIENCE_MAX_MS = 1000;
/** In vain: it has answered within so long. Behind a longer while that is forgotten. */
const IN_VAIN_MS = 1000;
const FORGOTTEN_MS = 60_000;
/** Where no read is served for so long that waits for data, the server is looked at, in milliseconds. */
const LATE_DATA_MS = 50;
/** And again after so long. */
const LOOK_MS = 250;

/** Where servers are found. */
export interface StallGround {
  readonly router: Router;
  /** The server that sessions can be on. */
  serverOf(server: RouteServer): Server | undefined;
  /** Asks a server how far it is. */
  ask(server: RouteServer, asker: Asker): void;
  /** Whoever has asked it for its position is told that it is not known. */
  closeQuestion(server: RouteServer): void;
}

/** One worker's. Runs only while replicas owe answers. */
export class StallWatch {
  readonly #context: SessionContext;
  readonly #ground: StallGround;
  readonly #watched = new Map<RouteServer, Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastTick = 0;

  constructor(context: SessionContext, ground: StallGround) {
    this.#context = context;
    this.#ground = ground;
  }

  /** A replica owes an answer. Hot path: one comparison while another one does. */
  begin(): void {
    if (this.#timer !== undefined) return;
    this.#lastTick = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Forgets servers that are none any more; reads do not wait for the data of one that is late. */
  update(): void {
    for (const server of this.#ground.router.replicas) {
      if (server.waits > 0 && (server.isLate || !server.reads)) this.#leaveWaits(server);
    }
    for (const [server, watched] of this.#watched) {
      if (server.isMember) continue;
      watched.sign.close();
      this.#watched.delete(server);
    }
  }

  #tick(): void {
    const now = performance.now();
    const isLate = now - this.#lastTick > LATE_MS;
    this.#lastTick = now;
    const { replicas } = this.#ground.router;
    const isOn = this.#context.config.route.ejectSilenceMs > 0;
    let isNeeded = false;
    for (const server of replicas) {
      const watched = this.#of(server);
      if (isLate) watched.standstill.excuse();
      if (server.waits > 0) this.#lookForData(server, watched, now);
      if (server.standsStill) this.#lookAgain(server, watched, now);
      isNeeded ||= server.waits > 0 || server.standsStill;
      if (!isOn) {
        server.isStalled = false;
        continue;
      }
      watched.longestMs *= DECAY;
      if (server.outstanding === 0 && !server.isStalled) continue;
      isNeeded = true;
      watched.sign.prepare(now);
      if (isLate) watched.sign.excuse(now);
      else if (server.isStalled) watched.sign.ask(now, 0);
      else this.#look(server, watched, now);
    }
    if (isNeeded) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(server: RouteServer, watched: Watched, now: number): void {
    const { sign } = watched;
    const heardAt = Math.max(server.quietSince, sign.givenAt);
    const { ejectSilenceMs } = this.#context.config.route;
    const limitMs = Math.max(watched.patienceMs || ejectSilenceMs, LONGER * watched.longestMs);
    if (now - heardAt < limitMs / 2) return;
    const others = this.#others(server);
    for (const other of others) {
      other.prepare(now);
      other.ask(now, 0);
    }
    sign.ask(now, heardAt);
    const waitedMs = now - sign.askedAt;
    const isSilent = sign.askedAt > heardAt && waitedMs >= Math.max(limitMs, sign.allowanceMs);
    if (isSilent && others.some(({ givenAt }) => givenAt > sign.askedAt)) {
      this.#giveUp(server, watched, now);
    }
  }

  /** Data that does not come may mean that none will: that it is not replicated any more. */
  #lookForData(server: RouteServer, watched: Watched, now: number): void {
    const { log, cluster } = this.#context;
    const { canAsk } = this.#ground.router.positions;
    if (canAsk && !server.standsStill && watched.standstill.look(now, server.waitsSince)) {
      server.standsStill = true;
      const waitedMs = Math.round(now - server.waitsSince);
      const about = { server: server.name, waitedMs };
      log.of("route").info("reads: a replica's data gets no newer", about);
      this.#leaveWaits(server);
    }
    if (now - server.waitsSince < LATE_DATA_MS || now - watched.lookedAt < LOOK_MS) return;
    watched.lookedAt = now;
    cluster?.report(server.name, 0);
  }

  #lookAgain(server: RouteServer, { standstill }: Watched, now: number): void {
    standstill.lookAgain(now);
    server.standsStill = standstill.stands;
    if (server.standsStill) return;
    this.#context.log.of("route").info("reads: the replica's data gets newer again", {
      server: server.name,
    });
  }

  /** Those of the servers that could answer reads instead: without any there is nowhere to go. */
  #others(server: RouteServer): SignOfLife[] {
    const { primary, replicas } = this.#ground.router;
    return [primary, ...replicas]
      .filter((each) => each !== undefined && each !== server && !each.isStalled)
      .map((each) => this.#of(each!).sign);
  }

  #of(server: RouteServer): Watched {
    let watched = this.#watched.get(server);
    if (watched === undefined) {
      const sign = new SignOfLife(
        () => this.#ground.serverOf(server),
        (tookMs) => this.#hear(server, tookMs),
      );
      const standstill = new Standstill((asker) => this.#ground.ask(server, asker));
      watched = { sign, standstill, patienceMs: 0, longestMs: 0, stalledAt: 0, lookedAt: -LOOK_MS };
      this.#watched.set(server, watched);
    }
    return watched;
  }

  #giveUp(server: RouteServer, watched: Watched, now: number): void {
    const { directory, gate, log, counters } = this.#context;
    if (now - watched.stalledAt > FORGOTTEN_MS) watched.patienceMs = 0;
    watched.stalledAt = now;
    server.isStalled = true;
    counters.replicasStalled++;
    const quietMs = Math.round(now - server.quietSince);
    log.of("route").info("reads: a replica does not answer", { server: server.name, quietMs });
    this.#ground.closeQuestion(server);
    const backend = this.#ground.serverOf(server);
    if (backend === undefined) return;
    const reason = "the server does not answer";
    backend.pools?.loseLanes(reason);
    for (const { pooled } of [...directory.all()]) {
      if (pooled !== undefined) flee(pooled, backend, reason);
    }
    gate.noteGone([backend.name, server.name]);
    server.failures = 0; // they were all one
  }

  #leaveWaits(server: RouteServer): void {
    const { directory, gate } = this.#context;
    const backend = this.#ground.serverOf(server);
    if (backend === undefined) return;
    for (const { pooled } of [...directory.all()]) {
      if (pooled?.route?.waitsAt(server) !== true) continue;
      flee(pooled, backend, "the server is behind");
      pooled.route.leavesWait();
    }
    gate.noteGone([backend.name, server.name]);
    server.failures = 0;
  }

  #hear(server: RouteServer, tookMs: number): void {
    const watched = this.#of(server);
    server.quietSince = performance.now();
    if (server.isStalled) this.#recover(server, watched);
    else watched.longestMs = Math.max(watched.longestMs, tookMs);
  }

  #recover(server: RouteServer, watched: Watched): void {
    const tookMs = performance.now() - watched.stalledAt;
    const { log, config } = this.#context;
    server.isStalled = false;
    if (tookMs < IN_VAIN_MS) {
      const patienceMs = watched.patienceMs || config.route.ejectSilenceMs;
      watched.patienceMs = Math.min(PATIENCE_MAX_MS, 2 * patienceMs);
    }
    log.of("route").info("reads: the replica answers again", { server: server.name });
  }
}

/** What is known of one server. */
interface Watched {
  readonly sign: SignOfLife;
  readonly standstill: Standstill;
  /** How long it may be silent, in milliseconds; 0: as configured. */
  patienceMs: number;
  /** How long it has let a ping wait lately, in milliseconds. */
  longestMs: number;
  /** When it was taken for hung last; 0: never. */
  stalledAt: number;
  /** When a look at it was asked for last. */
  lookedAt: number;
}
