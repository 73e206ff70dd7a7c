// A hunter of stale reads: a primary and replicas that apply late and out of order, looks at them that
// come late, writes of this proxy's sessions and of others, failovers; sessions that remember what
// they have seen. Simulated, so that a run is many thousands of reads; at `eventual` it must see stale
// ones, at every other level none.

import { describe, expect, test } from "bun:test";
import type { ConsistencyLevel } from "../../../mod/config/mod.ts";
import { GtidSet, type Position, type TopologyServer } from "../../../mod/cluster/mod.ts";
import {
  RouteAction,
  type Router,
  type RouteServer,
  type RouteState,
  waitStatement,
} from "../../../mod/route/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";
import {
  decide,
  LOOK_MS,
  primary,
  routerOver,
  server,
  session,
  topology,
  uuid,
} from "./topologies.ts";

const random = new Random(testSeed("never stale"));
/** How many numbers a member of a group has at a time. */
const BLOCK = 1_000_000;

/** A server's data: the transactions it has, as `source:number`. */
class SimulatedServer {
  readonly name: string;
  has = new Set<string>();
  constructor(name: string) {
    this.name = name;
  }

  get position(): Position {
    return { kind: "gtid", text: GtidSet.parse([...this.has].join(",")).toString() };
  }
}

/** A session and what it must see. */
interface Hunter {
  readonly state: RouteState;
  must: Set<string>;
}

class Simulation {
  readonly level: ConsistencyLevel;
  readonly router: Router;
  nowMs = 10_000;
  servers = ["a", "b", "c"].map((name) => new SimulatedServer(name));
  leader = this.servers[0]!;
  source = 1;
  number = 0;
  /** All that was written through the proxy and told. */
  through = new Set<string>();
  hunters: Hunter[] = Array.from({ length: 6 }, () => ({ state: session(), must: new Set() }));
  reads = 0;
  onReplicas = 0;
  stale = 0;
  waits = 0;
  asks = 0;
  guesses = 0;
  wrongGuesses = 0;
  /** For so many steps nobody writes. */
  quietSteps = 0;

  /** @param isGroup Each server numbers what it writes in a block of its own. */
  constructor(level: ConsistencyLevel, readonly isGroup = false) {
    this.level = level;
    this.router = routerOver([], { route: { consistency: level } });
    this.look();
  }

  step(): void {
    this.nowMs += random.below(20);
    const hunter = random.pick(this.hunters);
    if (random.oneIn(80)) this.quietSteps = random.below(60);
    switch (this.quietSteps-- > 0 ? 3 + random.below(9) : random.below(12)) {
      case 0:
      case 1:
        this.write(hunter);
        break;
      case 2:
        this.commit(); // somebody else
        break;
      case 3:
      case 4:
      case 5:
        this.apply(random.pick(this.servers), 1 + random.below(3));
        break;
      case 6:
        if (random.oneIn(3)) this.look();
        break;
      case 7:
        if (random.oneIn(400)) this.failOver();
        else if (random.oneIn(3)) this.readOnPrimary(hunter);
        break;
      default:
        this.read(hunter);
    }
  }

  commit(): string {
    // Numbers of a group come in blocks: sometimes one begins elsewhere.
    this.number += random.oneIn(40) ? 1 + random.below(5) : 1;
    const gtid = `${uuid(this.source)}:${this.number}`;
    this.leader.has.add(gtid);
    return gtid;
  }

  write(hunter: Hunter): void {
    const seen = new Set(this.leader.has);
    const gtid = this.commit();
    // Now and then nothing tells the position.
    const isTold = !random.oneIn(10);
    const text = isTold ? Buffer.from(gtid) : undefined;
    this.router.positions.noteWrite(hunter.state.position, text, this.nowMs);
    hunter.must.add(gtid);
    this.through.add(gtid);
    // A transaction may have read before it wrote.
    if (isTold && random.oneIn(4)) { for (const each of seen) hunter.must.add(each); }
  }

  readOnPrimary(hunter: Hunter): void {
    for (const each of this.leader.has) hunter.must.add(each);
    this.router.positions.noteRead(
      hunter.state.position,
      this.router.serverNamed(this.leader.name)!,
      this.nowMs,
    );
  }

  /** A replica takes some of what it lacks, not always in order; a group's members commit in order. */
  apply(replica: SimulatedServer, count: number): void {
    for (let i = 0; i < count; i++) {
      const lacks = [...this.leader.has].filter((gtid) => !replica.has.has(gtid));
      if (lacks.length === 0) return;
      const overtakes = !this.isGroup && random.oneIn(4);
      replica.has.add(overtakes ? random.pick(lacks.slice(0, 4)) : lacks[0]!);
    }
  }

  /** What the servers say reaches the proxy when more has happened. */
  look(): void {
    const of = this.servers.map((each) => ({
      name: each.name,
      position: each.position,
      answeredMs: this.nowMs + random.below(LOOK_MS + 1),
    }));
    for (const each of this.servers) this.apply(each, random.below(3));
    this.publish(
      of.map((each) =>
        each.name === this.leader.name ? primary(each.name, each) : server(each.name, each)
      ),
    );
    this.nowMs += LOOK_MS;
  }

  publish(servers: readonly TopologyServer[]): void {
    this.router.update({ ...topology(servers), madeMs: this.nowMs });
  }

  /** The primary is lost with what the others do not have; its place is taken by a new one. */
  failOver(): void {
    const [next, other] = this.servers.filter((each) => each !== this.leader);
    const [leader, follower] = next!.has.size >= other!.has.size
      ? [next!, other!]
      : [other!, next!];
    for (const gtid of follower.has) leader.has.add(gtid);
    const lost = this.leader;
    // What a group has committed, most of it has received.
    if (this.isGroup) { for (const gtid of lost.has) leader.has.add(gtid); }
    lost.has = new Set(leader.has);
    this.leader = leader;
    this.#numberAnew();
    const keep = (all: Set<string>) => new Set([...all].filter((gtid) => leader.has.has(gtid)));
    for (const hunter of this.hunters) hunter.must = keep(hunter.must);
    this.through = keep(this.through);
    this.nowMs += LOOK_MS;
    this.publish([
      server(lost.name, { state: "down", reads: false }),
      primary(leader.name, { position: leader.position, answeredMs: this.nowMs }),
      server(follower.name, { position: follower.position, answeredMs: this.nowMs }),
    ]);
  }

  /** Another source; in a group the leader goes on in its block, if that is the lowest or not. */
  #numberAnew(): void {
    if (!this.isGroup) {
      this.source++;
      this.number = 0;
      return;
    }
    const first = this.servers.indexOf(this.leader) * BLOCK;
    const own = [...this.leader.has].map((gtid) => Number(gtid.split(":")[1]))
      .filter((number) => number > first && number <= first + BLOCK);
    this.number = Math.max(first, ...own);
  }

  read(hunter: Hunter): void {
    const must = this.mustSee(hunter);
    const { state } = hunter;
    const mayGuess = !random.oneIn(4);
    const request = { nowMs: this.nowMs, hasAsked: false, hasWaited: false, mayGuess };
    let chosen: SimulatedServer | undefined;
    let seen = new Set<string>();
    for (let tries = 0; chosen === undefined; tries++) {
      expect(tries).toBeLessThan(4);
      const { server, action } = decide(this.router, "SELECT a FROM t", state, request);
      const at = this.servers.find(({ name }) => name === server!.name)!;
      if (action === RouteAction.NONE) chosen = at;
      else if (action === RouteAction.GUESS) {
        this.guesses++;
        const { news } = this.router.positions;
        const newsBefore = news.count;
        seen = new Set(at.has);
        // Until the primary answers somebody may write, and others may be told of it before.
        while (random.oneIn(4)) this.commit();
        if (random.oneIn(4)) this.askFor(random.pick(this.hunters), this.router.primary!);
        this.askFor(hunter, this.router.primary!);
        request.hasAsked = true;
        if (news.count === newsBefore) chosen = at;
        else {
          this.wrongGuesses++;
          request.mayGuess = false;
          seen.clear();
        }
      } else if (action === RouteAction.ASK) {
        this.askFor(hunter, server!);
        request.hasAsked = true;
      } else {
        this.waits++;
        if (random.oneIn(5)) request.hasWaited = true;
        else {
          // It waits for no more than it was told to.
          const told = waitedFor(this.router, server!, state);
          const all = [...this.leader.has];
          const isTold = (gtid: string) => told.contains(GtidSet.parse(gtid));
          const reached = this.isGroup
            ? all.slice(0, all.findLastIndex(isTold) + 1)
            : all.filter(isTold);
          for (const gtid of reached) at.has.add(gtid);
          this.router.positions.noteReached(state.position, server!);
          chosen = at;
        }
      }
    }
    this.reads++;
    if (chosen !== this.leader) this.onReplicas++;
    if (seen.size === 0) seen = new Set(chosen.has);
    for (const gtid of must) {
      if (seen.has(gtid)) continue;
      this.stale++;
      break;
    }
    for (const gtid of seen) hunter.must.add(gtid);
    const server = this.router.serverNamed(chosen.name)!;
    if (this.level !== "eventual") {
      this.router.positions.noteRead(state.position, server, this.nowMs);
    }
    // While the answer came more has happened.
    if (random.oneIn(3)) this.apply(chosen, 1);
  }

  askFor({ state }: Hunter, server: RouteServer): void {
    this.asks++;
    const { position } = this.servers.find(({ name }) => name === server.name)!;
    this.router.positions.noteAsked(state.position, { server, position, askedMs: this.nowMs });
  }

  mustSee(hunter: Hunter): Set<string> {
    if (this.level === "global") return new Set(this.leader.has);
    if (this.level === "instance") return hunter.must.union(this.through);
    return hunter.must;
  }
}

/** What a server is told to wait for. */
function waitedFor(router: Router, server: RouteServer, { position }: RouteState): GtidSet {
  const { positions } = router;
  const options = { positions, flavor: "async", timeoutMs: 1000 } as const;
  const statement = waitStatement(server, position.needs, options)!;
  return GtidSet.parse(/'([^']*)'/.exec(statement.sql)![1]!);
}

describe("stale reads", () => {
  const STEPS = 4000;
  const ROUNDS = 6;
  function hunt(level: ConsistencyLevel, isGroup = false) {
    const sum = {
      ...{ reads: 0, onReplicas: 0, stale: 0, waits: 0, asks: 0 },
      ...{ guesses: 0, wrongGuesses: 0 },
    };
    for (let round = 0; round < ROUNDS; round++) {
      const simulation = new Simulation(level, isGroup);
      for (let step = 0; step < STEPS && simulation.leader.has.size < 400; step++) {
        simulation.step();
      }
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += simulation[key];
    }
    console.log(`${level}${isGroup ? ", group" : ""}: ${JSON.stringify(sum)}`);
    return sum;
  }

  test("eventual: there are some", () => {
    const { reads, stale } = hunt("eventual");
    expect(stale).toBeGreaterThan(reads / 20);
  });

  for (const level of ["session", "instance", "global"] as const) {
    test(`${level}: none, with most reads on replicas`, () => {
      const { reads, stale, onReplicas, guesses, wrongGuesses } = hunt(level);
      expect(stale).toBe(0);
      if (level === "global") {
        expect(guesses).toBeGreaterThan(reads / 20);
        expect(wrongGuesses).toBeGreaterThan(0);
      }
      expect(onReplicas).toBeGreaterThan(reads / 2);
    }, 30_000);

    test(`${level}: none in a group, whose members number in blocks of their own`, () => {
      const { reads, stale, onReplicas } = hunt(level, true);
      expect(stale).toBe(0);
      expect(onReplicas).toBeGreaterThan(reads / 2);
    }, 30_000);
  }
});
