// Who is known: servers by their addresses, and which addresses lead to the same server.

import { formatAddress, type ServerAddress } from "../config/mod.ts";
import type { Clock } from "./clock.ts";
import type { Failure } from "./failure.ts";
import type { Lag } from "./lag.ts";
import type { PastPosition } from "./judge.ts";
import type { ReadPosition } from "./position.ts";
import type { Member, Reading, Role } from "./reading.ts";
import { firstStanding, type Standing } from "./server_state.ts";

/** How an address came to be known. */
export type Origin = "seed" | "member" | "saved";

/** An address and all that is known of what is behind it. */
export interface Known {
  readonly name: string;
  readonly address: ServerAddress;
  origin: Origin;
  /** Counts up with every address that becomes known. */
  readonly order: number;
  /** Whom a member said to be there. */
  expectedId: string | undefined;
  /** False: put together from parts, and not shown before it has answered. */
  certain: boolean;
  /** When a server of the cluster named it last. */
  namedMs: number;
  /** When it was asked for members last. */
  membersAskedMs: number;
  /** Looks at it that are over, however they ended. */
  looks: number;
  reading: Reading | undefined;
  position: ReadPosition | undefined;
  /** Where it was at its last looks, this one too, the first first. */
  trail: readonly PastPosition[];
  /** What `monitor.lag_query` gave at the last look, in milliseconds. */
  heartbeatMs: number | undefined;
  lag: Lag | undefined;
  /** When it answered last, and since when it is in its state: milliseconds since 1970. */
  answeredWallMs: number | undefined;
  sinceWallMs: number;
  /** Why the last look failed; undefined: it did not. */
  failure: Failure | undefined;
  /** Since when it is asked in vain, on the monitor's clock; undefined: it answers, as far as is known. */
  silentMs: number | undefined;
  standing: Standing;
  role: Role;
  /** The name of the address under which the same server is shown. */
  aliasOf: string | undefined;
  /** Another server has the same identity; undefined: none has. */
  clash: string | undefined;
  /** Its data and the primary's were once seen to have a common origin. */
  related: boolean;
}

const NO_ALIASES: readonly string[] = [];
/** After so many failures an address that nobody was sure of is dropped. */
const GUESS_FAILURES = 3;
/** How long an address that led to somebody else is not tried again. */
const REFUSED_MS = 60_000;

/** All known addresses. */
export class Roster {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #refusedMs = new Map<string, number>();
  /** Identities of servers that are to be gone, whoever names them. */
  readonly #excluded = new Set<string>();
  /** The aliases by the name of the server. */
  #aliases: ReadonlyMap<string, readonly string[]> = new Map();
  /** The values of the map above, until it changes. */
  #all: readonly Known[] | undefined;
  #order = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Every address, aliases and guesses included. */
  get all(): readonly Known[] {
    return this.#all ??= [...this.#known.values()];
  }

  /** The servers to show: each once, in the order in which they became known. */
  get servers(): readonly Known[] {
    return this.all.filter((known) => known.aliasOf === undefined && !this.#isGuess(known));
  }

  get(name: string): Known | undefined {
    return this.#known.get(name);
  }

  /** Takes an address in. @returns What is now known, or undefined where it was known before. */
  add(
    { address, id, certain = true }: Member,
    origin: Origin,
  ): Known | undefined {
    const name = formatAddress(address);
    const nowMs = this.#clock.now();
    const before = this.#known.get(name);
    if (before) {
      before.namedMs = nowMs;
      before.expectedId ??= id;
      before.certain ||= certain;
      if (origin === "seed") before.origin = origin;
      return undefined;
    }
    if (origin === "seed") this.#refusedMs.delete(name);
    else if ((this.#refusedMs.get(name) ?? 0) > nowMs) return undefined;
    if (id !== undefined && this.#excluded.has(id)) return undefined;
    const known: Known = {
      name,
      address,
      origin,
      order: ++this.#order,
      expectedId: id,
      certain,
      namedMs: nowMs,
      membersAskedMs: -Infinity,
      looks: 0,
      reading: undefined,
      position: undefined,
      trail: [],
      heartbeatMs: undefined,
      lag: undefined,
      answeredWallMs: undefined,
      sinceWallMs: this.#clock.wallMs(),
      failure: undefined,
      silentMs: undefined,
      standing: firstStanding(nowMs),
      role: "none",
      aliasOf: undefined,
      clash: undefined,
      related: false,
    };
    this.#known.set(name, known);
    this.#all = undefined;
    return known;
  }

  /** Forgets an address; for a while it is not taken in again. */
  refuse(name: string): void {
    this.remove(name);
    this.#refusedMs.set(name, this.#clock.now() + REFUSED_MS);
  }

  /** Forgets an address, and takes it in again only as a seed. */
  exclude({ name, reading }: Known): void {
    this.remove(name);
    this.#refusedMs.set(name, Infinity);
    const id = reading?.identity.id ?? "";
    if (id !== "") this.#excluded.add(id);
  }

  /** Forgets an address. */
  remove(name: string): void {
    this.#known.delete(name);
    this.#all = undefined;
  }

  /** The names under which a server is found beside its own. */
  aliasesOf(name: string): readonly string[] {
    return this.#aliases.get(name) ?? NO_ALIASES;
  }

  /** The server that an address leads to. */
  serverOf(known: Known): Known {
    return (known.aliasOf && this.#known.get(known.aliasOf)) || known;
  }

  /**
   * Whether a member's address leads to somebody else than was said: it is of another network, or
   * the name means another host here. Or to a server that was excluded.
   */
  isImpostor({ origin, expectedId, reading }: Known): boolean {
    const id = reading?.identity.id ?? "";
    if (id === "") return false;
    // Another way to a server that is to be gone; as a seed it is to be there again.
    if (origin === "seed") this.#excluded.delete(id);
    else if (this.#excluded.has(id)) return true;
    return origin === "member" && expectedId !== undefined && id !== expectedId;
  }

  /** Finds out anew which addresses lead to the same server, and which servers are copies. */
  resolve(): void {
    const byId = new Map<string, Known[]>();
    for (const known of this.#known.values()) {
      known.aliasOf = undefined;
      known.clash = undefined;
      const id = known.reading?.identity.id;
      if (id === undefined || id === "") continue;
      const same = byId.get(id);
      if (same) same.push(known);
      else byId.set(id, [known]);
    }
    for (const same of byId.values()) if (same.length > 1) settle(same);
    const aliased = this.all.filter(({ aliasOf }) => aliasOf !== undefined);
    const byServer = Map.groupBy(aliased, ({ aliasOf }) => aliasOf!);
    this.#aliases = new Map(
      [...byServer].map(([server, each]) => [server, each.map(({ name }) => name)]),
    );
  }

  /** Addresses that are given up: guesses that failed, and members that are long gone. */
  forgettable(forgetAfterMs: number): readonly Known[] {
    const nowMs = this.#clock.now();
    return this.all.filter((known) => {
      if (known.origin === "seed") return false;
      if (this.#isGuess(known) && known.standing.failures >= GUESS_FAILURES) return true;
      const { state, sinceMs } = known.standing;
      const gone = state === "down" || state === "wrong-cluster" || known.reading === undefined;
      return gone && nowMs - Math.max(known.namedMs, sinceMs) > forgetAfterMs;
    });
  }

  /** Never answered, and either not certain or another way to a server that answers. */
  #isGuess(known: Known): boolean {
    if (known.reading !== undefined || known.origin === "seed") return false;
    if (!known.certain) return true;
    return known.expectedId !== undefined &&
      this.all.some(({ reading }) => reading?.identity.id === known.expectedId);
  }
}

/** Of several addresses with one identity, one is shown. */
function settle(same: Known[]): void {
  // What servers call each other stays; a name that was configured may be a virtual address.
  same.sort((a, b) => rank(a) - rank(b) || a.order - b.order);
  const [first, ...others] = same;
  for (const other of others) {
    if (other.reading?.identity.place === first.reading?.identity.place) {
      other.aliasOf = first.name;
    } else other.clash = first.name;
  }
}

function rank({ origin, reading, name, expectedId }: Known): number {
  const reported = reading?.identity.reported;
  if (reported && formatAddress(reported) === name) return 0;
  return expectedId === undefined && origin === "seed" ? 2 : 1;
}
