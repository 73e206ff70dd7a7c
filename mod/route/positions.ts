// What each server is known to have, as one number per source: it has all transactions of that source
// up to it. Learned from topologies, from OK packets after writes, and from waits that were reached.
// A server's set may have holes that nobody has: only what the primary has counts as missing.

import {
  type FlavorName,
  GtidSet,
  MariadbPosition,
  type Position,
  type Topology,
} from "../cluster/mod.ts";
import type { RouteServer } from "./route_server.ts";
import type { Needs, SessionPosition } from "./session_position.ts";
import { isSamePosition, PrimaryNews } from "./primary_news.ts";
import { lastBelow, prefixOf } from "./gtid_runs.ts";
import { Sources, SOURCES_MAX } from "./sources.ts";

/**
 * How a kind of cluster numbers what is written. `gtid` and `mariadb`: the OK packet of a write tells
 * its number. `index`: only the server can be asked how far it is. `causal`: a node can be told to
 * wait for all that the others have committed. `same`: all servers have the same. `none`: it can't be
 * told.
 */
export type Numbering = "gtid" | "mariadb" | "index" | "causal" | "same" | "none";

const NUMBERINGS: Readonly<Record<FlavorName, Numbering>> = {
  async: "gtid",
  group: "gtid",
  wesql: "gtid",
  mariadb: "mariadb",
  polardbx: "index",
  galera: "causal",
  aurora: "none",
  tidb: "same",
  static: "none",
};

const NEVER = -Infinity;
/** A wider gap is one between blocks of numbers; what is narrower may be a commit that comes yet. */
const WIDE = 1000;
const UUID_LENGTH = 36;
const COLON = 0x3a;

/** The positions of one cluster, as one worker knows them. */
export class Positions {
  readonly sources: Sources = new Sources();
  numbering: Numbering = "none";
  /** The last number of each source that was written through this worker. */
  readonly written = new Float64Array(SOURCES_MAX);
  /** As long as there are none a server of which `hasTold` was true has all that the primary has. */
  readonly news: PrimaryNews = new PrimaryNews();
  #primary: RouteServer | undefined;
  /** When that was told first, in milliseconds since 1970. */
  #primarySinceMs = 0;
  /** When something was written last. */
  #writtenMs = 0;
  /** When something was written of which no position was told, and none was asked since. */
  #untoldMs = NEVER;
  /** What all servers are known to have of each source. */
  readonly #floor = new Float64Array(SOURCES_MAX);
  /** What the primary has of each source of GTIDs, gaps apart that have a bound. */
  readonly #runs = new Map<string, readonly number[]>();
  /** When it had that. */
  #runsMs: number | null = null;
  /** Narrow gaps of its last look, as `name:end`. */
  #gaps = new Set<string>();
  /** The position that was needed last, and its numbers: many ask for the same. */
  #told: Position | undefined;
  readonly #toldSources: number[] = [];
  readonly #toldNumbers: number[] = [];
  /** The source of the GTID learned last, by its first bytes, and its number. */
  readonly #lastUuid = new Uint8Array(UUID_LENGTH);
  #lastSource = -1;

  /**
   * Takes over the positions of a topology.
   *
   * @param lookMsMax How long a look may take: a position that came at some time is no older than
   *   that.
   */
  update(
    topology: Topology,
    servers: ReadonlyMap<string, RouteServer>,
    lookMsMax: number,
  ): void {
    this.numbering = NUMBERINGS[topology.flavor];
    const primary = topology.servers.find(({ name }) => name === topology.primary);
    const leader = topology.primary === null ? undefined : servers.get(topology.primary);
    if (leader !== undefined && leader !== this.#primary) {
      // The first one has been it for longer than there have been sessions.
      if (this.#primary !== undefined) this.#primarySinceMs = topology.madeMs;
      this.#primary = leader;
    }
    if (primary?.position?.kind === "gtid" && primary.answeredMs !== this.#runsMs) {
      this.#runsMs = primary.answeredMs;
      this.#readRuns(GtidSet.parse(primary.position.text));
    }
    for (const { name, position, answeredMs, state } of topology.servers) {
      const server = servers.get(name);
      if (server === undefined) continue;
      // What was filled anew or has another's data begins from nothing.
      if (state === "down" || state === "wrong-cluster") server.forgetPosition();
      else if (position !== null && answeredMs !== null) {
        if (answeredMs - lookMsMax === server.positionMs) continue;
        server.setPosition(position, answeredMs - lookMsMax);
        if (position.kind === "gtid") this.#takeSet(server, position.text);
        else this.#each(position, (source, number) => raise(server, source, number));
      }
    }
    this.#readFloor(topology, servers);
    this.#told = undefined; // which of its numbers count depends on that
  }

  /** Servers that are down are left out: they begin from nothing. */
  #readFloor(topology: Topology, servers: ReadonlyMap<string, RouteServer>): void {
    const there = topology.servers
      .filter(({ state }) => state !== "down" && state !== "wrong-cluster")
      .map(({ name }) => servers.get(name)?.prefix);
    for (let source = 0; source < this.sources.count; source++) {
      this.#floor[source] = there.length === 0
        ? 0
        : Math.min(...there.map((prefix) => prefix?.[source] ?? 0));
    }
  }

  /**
   * What the primary has. A gap bounds the numbers in it, which may come yet; a narrow one not before
   * it is seen twice: until then what is in it is taken for something that all lack.
   */
  #readRuns(all: GtidSet): void {
    const gaps = new Set<string>();
    this.#runs.clear();
    for (const name of all.sources) {
      const runs = all.intervals(name);
      const top = this.sources.numberOf(name);
      const known: number[] = [];
      for (let at = 0; at < runs.length; at += 2) {
        const [first, last] = [runs[at], runs[at + 1]];
        const before = known.at(-1) ?? 0;
        const gap = `${name}:${first}`;
        const stays = first - before > WIDE || this.#gaps.has(gap);
        if (first > before + 1) gaps.add(gap);
        if (first > before + 1 && stays && top >= 0 && this.sources.addBound(top, first)) {
          known.push(first, last);
        } else if (known.length === 0) known.push(1, last);
        else known[known.length - 1] = last;
      }
      this.#runs.set(name, known);
    }
    this.#gaps = gaps;
  }

  /** What the primary has of a source of GTIDs, as far as it is known. For waits. */
  runsOf(name: string): readonly number[] {
    return this.#runs.get(name) ?? [];
  }

  #takeSet(server: RouteServer, text: string): void {
    const own = GtidSet.parse(text);
    for (const name of own.sources) {
      const top = this.sources.numberOf(name);
      if (top < 0) continue;
      const runs = own.intervals(name);
      // What the primary lacks is no lack; without one nothing may be lacking.
      const all = this.#primary === undefined ? [1, lastBelow(runs)] : this.runsOf(name);
      const below = (bound: number) =>
        server.isPrimary ? lastBelow(runs, bound) : prefixOf(runs, all, bound);
      raise(server, top, below(Infinity));
      const { starts, sources } = this.sources.boundsOf(top);
      for (const [at, start] of starts.entries()) raise(server, sources[at], below(start));
    }
  }

  /**
   * A statement on the primary has ended that may have written.
   *
   * @param text What its OK packet tells of its position; undefined: nothing.
   */
  noteWrite(session: SessionPosition, text: Uint8Array | undefined, nowMs: number): void {
    session.wroteMs = nowMs;
    this.#writtenMs = nowMs;
    if (text === undefined || !this.tellsWrites) {
      session.isUnknown = true;
      this.#untoldMs = nowMs;
      return;
    }
    if (!this.#noteGtid(text, session.needs)) this.#noteText(text, session.needs);
    session.isUnknown = false;
    // What the session has seen before was committed before: it has a lower number, or one of another
    // source, of which nothing has come since this primary is the one.
    if (this.sources.count > 1) this.#addOthers(session.needs);
    const sinceMs = this.#primarySinceMs;
    if (session.readMs > sinceMs && (sinceMs === 0 || this.#primary!.positionMs > sinceMs)) {
      session.readFrom = undefined;
    }
  }

  #addOthers(needs: Needs): void {
    const prefix = this.#primary?.prefix;
    if (prefix === undefined) return;
    for (let source = 0; source < this.sources.count; source++) {
      if (prefix[source] > this.#floor[source]) needs.add(source, prefix[source]);
    }
  }

  /** A session has read rows of tables on a server. */
  noteRead(session: SessionPosition, server: RouteServer, nowMs: number): void {
    session.readFrom = server;
    session.readMs = nowMs;
  }

  /**
   * A session needs all that a position holds which its client has given, besides what it needed.
   *
   * @returns False where it has more sources than there is room for: only the primary will do.
   */
  noteNeed(session: SessionPosition, position: Position, nowMs: number): boolean {
    this.#read(position);
    let isKnown = true;
    for (let at = 0; at < this.#toldSources.length; at++) {
      const source = this.#toldSources[at];
      if (source < 0) isKnown = false;
      else session.needs.add(source, this.#toldNumbers[at]);
    }
    session.wroteMs = nowMs;
    // What it has written itself is not known for that.
    if (!isKnown) session.isUnknown = true;
    return isKnown;
  }

  /** Its numbers are those at hand from here on. */
  #read(position: Position): void {
    const isRead = isSamePosition(position, this.#told);
    this.#told = position;
    if (isRead) return;
    this.#toldSources.length = this.#toldNumbers.length = 0;
    this.#each(position, (source, number) => {
      this.#toldSources.push(source);
      this.#toldNumbers.push(number);
    });
  }

  /**
   * The same for the position of the primary, or of the server that the session has read from, asked
   * for this read: all that the session has seen is in it.
   *
   * @param askedMs When the question was put, or before.
   */
  noteAsked(
    session: SessionPosition,
    { server, position, askedMs }: {
      readonly server: RouteServer;
      readonly position: Position;
      readonly askedMs: number;
    },
  ): boolean {
    session.readFrom = undefined;
    session.isUnknown = false;
    const isKnown = this.noteNeed(session, position, askedMs);
    if (!server.isPrimary) return isKnown;
    if (!isKnown || askedMs <= this.#untoldMs) this.news.forget();
    else {
      this.news.note(position);
      this.#untoldMs = NEVER;
      this.#writtenMs = Math.max(this.#writtenMs, askedMs);
      const { sources, numbers } = session.needs;
      for (let at = 0; at < sources.length; at++) {
        const source = sources[at];
        if (this.written[source] < numbers[at]) this.written[source] = numbers[at];
      }
    }
    return isKnown;
  }

  /** What servers say of a write is what they are asked for and waited for; else it says nothing. */
  get tellsWrites(): boolean {
    return this.numbering === "gtid" || this.numbering === "mariadb";
  }

  /** Servers can be asked how far they are, in numbers. */
  get canAsk(): boolean {
    return this.numbering === "gtid" || this.numbering === "mariadb" || this.numbering === "index";
  }

  /** Something was written through this worker, and nothing has told where that is. */
  get hasUntold(): boolean {
    return this.#untoldMs !== NEVER;
  }

  /** A server has what a session needed: it was waited for. */
  noteReached(session: SessionPosition, server: RouteServer): void {
    const { needs } = session;
    if (this.numbering === "causal") {
      session.isUnknown = false;
      session.readFrom = server;
    }
    for (let at = 0; at < needs.sources.length; at++) {
      const source = needs.sources[at];
      if (server.prefix[source] < needs.numbers[at]) server.prefix[source] = needs.numbers[at];
    }
  }

  /** Whether a server is known to have what is needed. Hot path: a comparison for each source. */
  has(server: RouteServer, needs: Needs): boolean {
    for (let at = 0; at < needs.sources.length; at++) {
      if (server.prefix[needs.sources[at]] < needs.numbers[at]) return false;
    }
    return true;
  }

  /** Whether a server is known to have what the primary has told last. Hot path: as `has`. */
  hasTold({ prefix }: RouteServer): boolean {
    const { told } = this.news;
    if (told === undefined) return false;
    this.#read(told);
    for (let at = 0; at < this.#toldSources.length; at++) {
      const source = this.#toldSources[at];
      if (source < 0 || prefix[source] < this.#toldNumbers[at]) return false;
    }
    return true;
  }

  /** Whether a server is known to have all that was written through this worker. Hot path. */
  hasWritten(server: RouteServer): boolean {
    for (let source = this.sources.count - 1; source >= 0; source--) {
      if (server.prefix[source] < this.written[source]) return false;
    }
    return true;
  }

  /** A session needs all that was written through this worker. */
  addWritten(session: SessionPosition): void {
    for (let source = 0; source < this.sources.count; source++) {
      if (this.written[source] > 0) session.needs.add(source, this.written[source]);
    }
    session.wroteMs = Math.max(session.wroteMs, this.#writtenMs);
  }

  /**
   * Takes back what nobody will ever have: the primary has said since that it does not have it. A failover
   * may lose what the old primary alone had.
   */
  dropLost(primary: RouteServer, session: SessionPosition): number {
    const lookMs = primary.positionMs;
    if (primary.position === undefined || lookMs <= session.wroteMs) return 0;
    // Before it was the primary it may have been behind.
    if (lookMs <= this.#primarySinceMs) return 0;
    let lost = 0;
    const { sources, numbers } = session.needs;
    for (let at = sources.length - 1; at >= 0; at--) {
      if (primary.prefix[sources[at]] >= numbers[at]) continue;
      lost++;
      const source = sources[at];
      // What came before it may be there.
      if (primary.prefix[source] === 0) session.needs.drop(source);
      else numbers[at] = primary.prefix[source];
      if (this.written[source] > primary.prefix[source]) {
        this.written[source] = primary.prefix[source];
      }
    }
    return lost;
  }

  /**
   * Tells the last number of each source that a position has; of what is below a bound only what not
   * all servers are known to have.
   */
  #each(position: Position, tell: (source: number, number: number) => void): void {
    switch (position.kind) {
      case "index":
        tell(this.sources.numberOf(""), position.value);
        break;
      case "mariadb":
        for (const [domain, { server, sequence }] of MariadbPosition.parse(position.text).domains) {
          const source = this.sources.numberOf(String(domain));
          if (source >= 0) this.sources.servers[source] = server;
          tell(source, sequence);
        }
        break;
      case "gtid": {
        const set = GtidSet.parse(position.text);
        for (const name of set.sources) this.#eachLast(name, set.intervals(name), tell);
      }
    }
  }

  #eachLast(
    name: string,
    runs: readonly number[],
    tell: (source: number, number: number) => void,
  ): void {
    const top = this.sources.numberOf(name);
    for (let at = 1; at < runs.length; at += 2) {
      const source = top < 0 ? top : this.sources.below(top, runs[at]);
      const isLast = at === runs.length - 1;
      if (isLast || source < 0 || this.#floor[source] < runs[at]) tell(source, runs[at]);
    }
  }

  /** One GTID of a source that is known, as nearly all writes tell: nothing is allocated. */
  #noteGtid(text: Uint8Array, needs: Needs): boolean {
    if (this.#lastSource < 0 || text.length <= UUID_LENGTH + 1) return false;
    for (let at = 0; at < UUID_LENGTH; at++) if (text[at] !== this.#lastUuid[at]) return false;
    if (text[UUID_LENGTH] !== COLON) return false;
    let number = 0;
    for (let at = UUID_LENGTH + 1; at < text.length; at++) {
      const digit = text[at] - 0x30;
      if (digit < 0 || digit > 9) return false;
      number = number * 10 + digit;
    }
    this.#learn(this.sources.below(this.#lastSource, number), number, needs);
    return true;
  }

  #noteText(text: Uint8Array, needs: Needs): void {
    const written = Buffer.from(text).toString("latin1");
    if (this.numbering === "mariadb") {
      for (const [domain, { server, sequence }] of MariadbPosition.parse(written).domains) {
        const source = this.sources.numberOf(String(domain));
        if (source >= 0) this.sources.servers[source] = server;
        this.#learn(source, sequence, needs);
      }
      return;
    }
    const set = GtidSet.parse(written);
    for (const name of set.sources) {
      this.#eachLast(name, set.intervals(name), (source, number) => {
        this.#learn(source, number, needs);
      });
      if (name.length !== UUID_LENGTH) continue;
      this.#lastSource = this.sources.numberOf(name);
      this.#lastUuid.set(text.subarray(0, UUID_LENGTH));
    }
  }

  #learn(source: number, number: number, needs: Needs): void {
    // One source too many: a number that nobody reaches, so that reads stay on the primary.
    if (source < 0) needs.add(0, Number.MAX_SAFE_INTEGER);
    else {
      needs.add(source, number);
      if (this.written[source] < number) this.written[source] = number;
    }
  }
}

function raise({ prefix }: RouteServer, source: number, number: number): void {
  if (source >= 0 && prefix[source] < number) prefix[source] = number;
}
