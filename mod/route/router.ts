// Chooses the server of each statement: a pure decision of facts, session, servers and configuration.
// Hot path: nothing is allocated.

import type { Route } from "../config/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import { Bar, HINTABLE_BARS, type StatementFacts } from "../sql/mod.ts";
import { Balancer } from "./balance.ts";
import { Candidates } from "./candidates.ts";
import { RouteAction, RouteDecision } from "./decision.ts";
import { eject } from "./ejection.ts";
import { Positions } from "./positions.ts";
import { RouteReason } from "./reason.ts";
import type { RouteRequest } from "./route_request.ts";
import { RouteServer } from "./route_server.ts";
import type { RouteState } from "./route_state.ts";
import { Rules, type RuleSet } from "./rules.ts";
import type { SessionPosition } from "./session_position.ts";

/** A statement as routing sees it. */
export interface RoutedStatement extends StatementFacts {
  /** The rules whose statement it is; undefined: none has one. */
  readonly note: RuleSet | undefined;
}

/** What a router is made of. */
export interface RouterOptions {
  readonly route: Route;
  readonly rules: Rules;
  /** How long a look at a server may take, `monitor.timeout`. */
  readonly lookMsMax: number;
  /** `cluster.slow_start`. */
  readonly slowStartMs: number;
  /** Other workers write too: what was written through the proxy only the primary can tell. */
  readonly othersWrite: boolean;
  /** Numbers from 0 up to 1. @default {Math.random} */
  readonly random?: () => number;
}

/** Routes the statements of one worker. */
export class Router {
  readonly positions: Positions = new Positions();
  options: RouterOptions;
  topology: Topology | undefined;
  primary: RouteServer | undefined;
  /** Servers that are no primary and may take reads or could. */
  replicas: readonly RouteServer[] = [];
  /** Writes of sessions that a failover has lost, and that are waited for no more. */
  lostNeeds = 0;
  readonly #servers = new Map<string, RouteServer>();
  #balancer: Balancer;
  readonly #random: () => number;
  readonly #aliases = new Map<string, RouteServer>();
  readonly #candidates = new Candidates();
  /** What is being decided: fields, so that nothing is made for each statement. */
  #state: RouteState | undefined;
  #request: RouteRequest = { nowMs: 0 };
  #into = new RouteDecision();

  constructor(options: RouterOptions) {
    this.options = options;
    this.#random = options.random ?? Math.random;
    this.#balancer = new Balancer(
      { ...options.route, slowStartMs: options.slowStartMs },
      this.#random,
    );
  }

  /** Decides by other settings from now on; what is known of servers and positions stays. */
  reconfigure(options: RouterOptions): void {
    this.options = options;
    const { route, slowStartMs } = options;
    this.#balancer = new Balancer({ ...route, slowStartMs }, this.#random);
    if (this.topology !== undefined) this.update(this.topology);
  }

  /** Takes over what servers there are now. */
  update(topology: Topology): void {
    const { zone } = this.options.route;
    const tag = zone === "" ? "" : `zone=${zone}`;
    for (const server of this.#servers.values()) server.isMember = false;
    for (const each of topology.servers) {
      let server = this.#servers.get(each.name);
      if (server === undefined) {
        server = new RouteServer(each.name);
        this.#servers.set(each.name, server);
      }
      server.isMember = true;
      server.update(each, each.name === topology.primary, tag);
      for (const alias of each.aliases) {
        if (!this.#servers.has(alias)) this.#aliases.set(alias, server);
      }
    }
    for (const [name, server] of this.#servers) if (!server.isMember) this.#servers.delete(name);
    for (const [name, server] of this.#aliases) if (!server.isMember) this.#aliases.delete(name);
    this.topology = topology;
    const all = [...this.#servers.values()];
    // Where all take writes the first that does is as good as another.
    this.primary = all.find(({ isPrimary, writes }) => isPrimary && writes) ??
      all.find(({ writes }) => writes);
    this.replicas = all.filter((each) => each !== this.primary && each.role !== "logger");
    this.#candidates.resize(all.length);
    this.positions.update(topology, this.#servers, this.options.lookMsMax);
  }

  /** The server with a name or an alias. */
  serverNamed(name: string): RouteServer | undefined {
    return this.#servers.get(name) ?? this.#aliases.get(name);
  }

  /** Looks whether a server is to be ejected. For the janitor, and after failures. */
  sweep(nowMs: number): readonly RouteServer[] {
    const { ejectFailures, ejectLatency, ejectTimeMs, ejectMax } = this.options.route;
    const rules = {
      failures: ejectFailures,
      latency: ejectLatency,
      timeMs: ejectTimeMs,
      max: ejectMax,
    };
    return eject(this.replicas.filter(({ reads }) => reads), rules, nowMs);
  }

  /**
   * Decides about a statement. Hot path.
   *
   * @param into Gets the decision.
   */
  route(
    statement: RoutedStatement,
    state: RouteState,
    request: RouteRequest,
    into: RouteDecision,
  ): void {
    const { route } = this.options;
    this.#state = state;
    this.#request = request;
    this.#into = into;
    into.action = RouteAction.NONE;
    into.bars = state.autoIsNull ? statement.bars | Bar.INSERT_ID : statement.bars;
    into.rule = -1;
    into.isHinted = false;
    into.consistency = state.consistency ?? route.consistency;
    into.timeoutMs = route.waitTimeoutMs;
    if (this.#isHeld(state, request)) return;
    this.#candidates.tags = undefined;
    this.#candidates.nowMs = request.nowMs;
    let target = this.#byRule(statement, state);
    let server: RouteServer | undefined;
    const { hint } = statement;
    if (hint !== undefined) {
      if (hint.consistency !== undefined) into.consistency = hint.consistency;
      if (hint.timeoutMs !== undefined) into.timeoutMs = hint.timeoutMs;
      if (hint.server !== undefined) server = this.serverNamed(hint.server);
      if (server !== undefined) target = server === this.primary ? PRIMARY : REPLICA;
      else if (hint.target !== undefined) target = hint.target === "primary" ? PRIMARY : REPLICA;
      into.isHinted = server !== undefined || hint.target !== undefined;
    }
    if (into.consistency === "instance" && this.options.othersWrite) into.consistency = "global";
    if (target === PRIMARY) {
      this.#toPrimary(into.isHinted ? RouteReason.HINT : RouteReason.RULE);
    } else if (this.#mayLeave(target)) {
      if (server === undefined) this.#toReplica(target === REPLICA);
      else if (!server.takesReads) this.#toPrimary(RouteReason.NO_REPLICA);
      else {
        this.#candidates.only(server);
        this.#toCandidate(true);
      }
    }
    if (into.consistency === "global") this.#confirmPrimary();
  }

  /**
   * A read that stays on the primary, for whatever reason: another server may have become the primary
   * meanwhile, and have taken writes that this one lacks. The question to it tells whether it is closed.
   */
  #confirmPrimary(): void {
    const { primary, positions: { numbering }, replicas } = this;
    const { action, server, bars, reason } = this.#into;
    const { hasAsked, hasWaited } = this.#request;
    if (action !== RouteAction.NONE || server !== primary || primary === undefined) return;
    if (bars !== 0 || hasAsked === true || hasWaited === true || replicas.length === 0) return;
    if (numbering === "gtid" || numbering === "mariadb" || numbering === "index") {
      this.#ask(primary, reason);
    }
  }

  /** Decides for the primary, for a reason that lies outside. @param into Gets the decision. */
  routeToPrimary({ bars }: RoutedStatement, reason: number, into: RouteDecision): void {
    into.action = RouteAction.NONE;
    into.bars = bars;
    into.rule = -1;
    into.isHinted = false;
    into.server = this.primary;
    into.reason = reason;
  }

  /** Transactions and pins leave nothing to decide. */
  #isHeld(state: RouteState, request: RouteRequest): boolean {
    if (state.pinnedTo !== undefined) this.#take(state.pinnedTo, RouteReason.PINNED);
    else if (state.inTransaction && !state.isTransactionUnsent) {
      if (state.readOnlyServer === undefined) this.#toPrimary(RouteReason.IN_TRANSACTION);
      else this.#take(state.readOnlyServer, RouteReason.READ_ONLY_TRANSACTION);
    } else if (!this.options.route.split) this.#toPrimary(RouteReason.SPLIT_OFF);
    else if (!state.autocommit && !state.isTransactionUnsent) {
      this.#toPrimary(RouteReason.AUTOCOMMIT_OFF);
    } else if (request.isRefused === true) this.#toPrimary(RouteReason.REFUSED);
    else if (request.hasWaited === true) this.#toPrimary(RouteReason.WAIT_FAILED);
    else return false;
    return true;
  }

  /** Takes the statement's rule, if it has one. @returns PRIMARY, REPLICA or ANY. */
  #byRule({ note }: RoutedStatement, state: RouteState): number {
    if (note === undefined) return ANY;
    const { rules } = this.options;
    const at = rules.first(note, state.rules);
    if (at < 0) return ANY;
    const { target, tags, consistency } = rules.rules[at];
    this.#into.rule = at;
    if (tags.length > 0) this.#candidates.tags = tags;
    if (consistency !== "default" && state.consistency === undefined) {
      this.#into.consistency = consistency;
    }
    return target === "primary" ? PRIMARY : target === "replica" ? REPLICA : ANY;
  }

  /** Whether a statement may run on a replica at all; if not, it goes to the primary. */
  #mayLeave(target: number): boolean {
    const { route } = this.options;
    const { beginsReadOnly, usesTemporary } = this.#request;
    let { bars } = this.#into;
    if (route.informationSchema === "replica") bars &= ~Bar.INFORMATION_SCHEMA;
    if (beginsReadOnly === true) {
      if (route.transactions !== "primary") return true;
      this.#toPrimary(RouteReason.BARRED);
    } else if (usesTemporary === true) this.#toPrimary(RouteReason.TEMPORARY_TABLE);
    else if (target === REPLICA) {
      if ((bars & ~HINTABLE_BARS) === 0) return true;
      this.#toPrimary(RouteReason.UNSAFE_WISH);
    } else if (bars !== 0) this.#toPrimary(RouteReason.BARRED);
    else if (this.#state!.inServerSchema) this.#toPrimary(RouteReason.SERVER_SCHEMA);
    else if (route.primaryReads === "prefer") this.#toPrimary(RouteReason.PREFERS_PRIMARY);
    else if (route.replicaShare < 100 && this.#random() * 100 >= route.replicaShare) {
      this.#toPrimary(RouteReason.PRIMARY_SHARE);
    } else return true;
    return false;
  }

  /** @param isWished By a hint or a rule. */
  #toReplica(isWished: boolean): void {
    const { route } = this.options;
    const candidates = this.#candidates;
    candidates.gather(this.replicas, route.zoneMin);
    if (candidates.count === 0) {
      this.#toPrimary(RouteReason.NO_REPLICA);
      return;
    }
    const shares = route.primaryReads === "share" && !isWished;
    if (shares && this.primary !== undefined) candidates.add(this.primary);
    this.#toCandidate(isWished);
  }

  /** One of the candidates that has what the read must see, or that can be waited for. */
  #toCandidate(isWished: boolean): void {
    const into = this.#into;
    const { numbering } = this.positions;
    const { position } = this.#state!;
    const reason = this.#reasonOf(isWished);
    const mustAsk = this.#mustAsk();
    if (into.consistency === "eventual" || numbering === "same") {
      this.#take(this.#balanced(), reason);
    } else if (numbering === "none" && (mustAsk || position.isUnknown)) {
      this.#toPrimary(RouteReason.BEHIND);
    } else if (numbering === "causal" && (mustAsk || position.isUnknown)) {
      this.#waitFor(this.#balanced());
    } else if (mustAsk || position.isUnknown) {
      if (this.#request.mayGuess !== true || !this.#guess(reason)) this.#ask(this.primary, reason);
    } else this.#toOneThatHas(reason);
  }

  /** What must be seen is known to nobody but the primary. */
  #mustAsk(): boolean {
    if (this.#request.hasAsked === true) return false;
    const { consistency } = this.#into;
    return consistency === "global" || (consistency === "instance" && this.positions.hasUntold);
  }

  /**
   * Takes one of those that had all the primary was known to have, as it has itself.
   *
   * @returns False where there is none, or the primary has news often.
   */
  #guess(reason: number): boolean {
    const { primary, positions } = this;
    if (primary === undefined || !positions.news.isQuiet) return false;
    const candidates = this.#candidates;
    const { needs } = this.#state!.position;
    let has = 0;
    for (let at = 0; at < candidates.count; at++) {
      const server = candidates.servers[at];
      const hasIt = server === primary ||
        (positions.has(server, needs) && positions.hasTold(server));
      if (hasIt) candidates.swap(at, has++);
    }
    if (has === 0) return false;
    candidates.count = has;
    this.#take(this.#balanced(), reason);
    this.#into.action = RouteAction.GUESS;
    return true;
  }

  #toOneThatHas(reason: number): void {
    const candidates = this.#candidates;
    const { position } = this.#state!;
    // Those that have it come to the front; behind them those that may be waited for: the session
    // may go on there after what it has seen.
    let has = 0;
    let may = 0;
    let late = 0;
    for (let at = 0; at < candidates.count; at++) {
      const server = candidates.servers[at];
      if (!this.#mayFollow(server, position)) continue;
      const hasIt = this.#has(server, position);
      if (!hasIt && server.isLate) {
        late++;
        continue;
      }
      candidates.swap(at, may);
      if (hasIt) candidates.swap(may, has++);
      may++;
    }
    const stays = this.#stays(position, has > 0 ? has : may);
    if (has > 0 && stays !== undefined && this.#isMuchBusier(stays)) this.#ask(stays, reason);
    else if (has > 0) {
      candidates.count = has;
      this.#take(stays ?? this.#balanced(), reason);
    } else if (this.#dropLost(position)) this.#toOneThatHas(reason);
    else if (!this.#mayWait) this.#toPrimary(RouteReason.BEHIND);
    else if (may > 0) {
      if (this.#into.consistency === "instance") this.positions.addWritten(position);
      candidates.count = may;
      this.#waitFor(stays ?? this.#balanced());
    } else if (this.#request.hasAsked === true || late === candidates.count) {
      this.#toPrimary(RouteReason.BEHIND);
    } else this.#ask(this.#reachable(position), reason);
  }

  get #mayWait(): boolean {
    if (this.#request.hasLeft === true) return false;
    return this.#into.timeoutMs !== 0 && this.positions.numbering !== "none";
  }

  /** The server that the session has read from; the primary, which has all of it, where it is gone. */
  #reachable({ readFrom }: SessionPosition): RouteServer | undefined {
    const isThere = readFrom !== undefined && readFrom.isMember &&
      (readFrom.takesReads || readFrom.writes);
    return isThere ? readFrom : this.primary;
  }

  /** Whether the session should go on elsewhere than on the server it has read from last. */
  #isMuchBusier(server: RouteServer): boolean {
    if (this.#request.hasAsked === true) return false;
    const { count, servers } = this.#candidates;
    return this.#balancer.isMuchBusier(server, servers, count, this.#request.nowMs);
  }

  #ask(server: RouteServer | undefined, reason: number): void {
    this.#into.action = RouteAction.ASK;
    this.#into.server = server;
    this.#into.reason = reason;
  }

  #has(server: RouteServer, { needs, readFrom }: SessionPosition): boolean {
    if (server === this.primary) return true;
    if (this.positions.numbering === "causal") {
      return readFrom === undefined || readFrom === server;
    }
    if (!this.positions.has(server, needs)) return false;
    return this.#into.consistency !== "instance" || this.positions.hasWritten(server);
  }

  /**
   * Whether a read may follow on a server after what the session has seen: on the same one, on the
   * primary, or where all is that the other one had, by what both have said since.
   */
  #mayFollow(server: RouteServer, { readFrom, readMs }: SessionPosition): boolean {
    if (readFrom === undefined || readFrom === server || server === this.primary) return true;
    if (this.positions.numbering === "causal") return true;
    if (readFrom.positionMs <= readMs) return false;
    const seen = readFrom.position;
    return seen !== undefined && server.position?.contains(seen) === true;
  }

  /** The server that the session read from last, if it is one of the first candidates. */
  #stays({ readFrom }: SessionPosition, first: number): RouteServer | undefined {
    if (readFrom === undefined) return undefined;
    const { servers } = this.#candidates;
    for (let at = 0; at < first; at++) if (servers[at] === readFrom) return readFrom;
    return undefined;
  }

  #dropLost(position: SessionPosition): boolean {
    if (this.primary === undefined) return false;
    const lost = this.positions.dropLost(this.primary, position);
    this.lostNeeds += lost;
    return lost > 0;
  }

  #reasonOf(isWished: boolean): number {
    if (isWished) return this.#into.isHinted ? RouteReason.HINT : RouteReason.RULE;
    if (this.#state!.isTransactionUnsent) return RouteReason.SPLIT_TRANSACTION;
    return this.#request.beginsReadOnly === true
      ? RouteReason.READ_ONLY_TRANSACTION
      : RouteReason.READ;
  }

  #balanced(): RouteServer {
    const { count, servers } = this.#candidates;
    return this.#balancer.choose(servers, count, this.#request.nowMs);
  }

  #waitFor(server: RouteServer): void {
    if (server === this.primary) this.#toPrimary(RouteReason.PRIMARY_SHARE);
    else {
      this.#take(server, RouteReason.READ_AFTER_WAIT);
      this.#into.action = RouteAction.WAIT;
    }
  }

  #take(server: RouteServer, reason: number): void {
    this.#into.server = server;
    const isShare = server === this.primary && reason === RouteReason.READ;
    this.#into.reason = isShare ? RouteReason.PRIMARY_SHARE : reason;
  }

  #toPrimary(reason: number): void {
    this.#into.server = this.primary;
    this.#into.reason = reason;
  }
}

const ANY = 0;
const PRIMARY = 1;
const REPLICA = 2;
