// What routes the statements of a worker's sessions: the router with what is known of the servers,
// of statements and of stored functions, and who is asked for positions.

import { isDeepStrictEqual } from "node:util";
import type { Server } from "../../backend/mod.ts";
import {
  findServer,
  type FlavorName,
  flavorNamed,
  NO_TOPOLOGY,
  type Topology,
} from "../../cluster/mod.ts";
import {
  type Asker,
  type CountedDecision,
  learnRoutines,
  makeRouteFacts,
  RouteCounts,
  RouteDecision,
  type RouteFacts,
  Router,
  type RouterOptions,
  type RouteServer,
  type RoutineRow,
  RuleHits,
  Rules,
  SharedQuestion,
  type ViewRow,
} from "../../route/mod.ts";
import type { CachedFacts } from "../../sql/mod.ts";
import type { RuleSet } from "../../route/mod.ts";
import { Capability } from "../../wire/mod.ts";
import { type Config, workerCount } from "../../config/mod.ts";
import type { SessionContext } from "../context.ts";
import { OwnProbe } from "../failover/own_probe.ts";
import { StallWatch } from "../failover/stall_watch.ts";

/** What is known of a statement: its facts and the rules whose statement it is. */
export type RoutedFacts = CachedFacts<RuleSet>;

/** What decides how answers look: where servers differ in it one cannot stand in for the other. */
const SHAPE = Capability.DEPRECATE_EOF | Capability.OPTIONAL_RESULTSET_METADATA |
  Capability.QUERY_ATTRIBUTES | Capability.SESSION_TRACK | Capability.PS_MULTI_RESULTS |
  Capability.MULTI_RESULTS | Capability.PROTOCOL_41;

/** Stored functions and views, as the primary has them. */
export interface StoredCode {
  readonly routines: readonly RoutineRow[];
  readonly views: readonly ViewRow[];
}

/** One worker's. */
export class Routing {
  readonly router: Router;
  rules: Rules;
  /** Statements are routed; else all go to the server that takes writes. */
  isOn = true;
  readonly counts: RouteCounts = new RouteCounts();
  readonly ruleHits: RuleHits;
  /** Replicas that hang. */
  readonly stalls: StallWatch;
  /** The decision about the statement at hand: one object for all. */
  readonly decision: RouteDecision = new RouteDecision();
  #config: Config;
  readonly #context: SessionContext;
  readonly #questions = new Map<string, Question>();
  readonly #servers = new Map<string, Server>();
  #topology: Topology = NO_TOPOLOGY;
  #facts: RouteFacts;
  #code: StoredCode | undefined;

  constructor(config: Config, context: SessionContext) {
    this.#config = config;
    this.#context = context;
    this.rules = new Rules(config.rules);
    this.ruleHits = new RuleHits(config.rules);
    this.router = new Router(this.#options());
    this.#facts = makeRouteFacts(config.route, this.rules, undefined);
    this.stalls = new StallWatch(context, this);
  }

  #options(): RouterOptions {
    const { route, monitor, cluster } = this.#config;
    return {
      route,
      rules: this.rules,
      lookMsMax: monitor.timeoutMs,
      slowStartMs: cluster.slowStartMs,
      othersWrite: workerCount(this.#config) > 1,
    };
  }

  /** Routes by another configuration from now on. */
  reconfigure(config: Config): void {
    const before = this.#config;
    this.#config = config;
    const isOther = !isDeepStrictEqual([before.route, before.rules], [config.route, config.rules]);
    if (isOther) this.rules = new Rules(config.rules);
    this.router.reconfigure(this.#options());
    if (!isOther) return;
    this.ruleHits.follow(config.rules);
    if (this.#code !== undefined) this.learn(this.#code);
    else this.#facts = makeRouteFacts(config.route, this.rules, undefined);
  }

  /** Counts a decision that is followed. Hot path. */
  count(decision: CountedDecision): void {
    this.counts.count(decision);
    if (decision.rule >= 0) this.ruleHits.count(decision.rule);
  }

  /** The facts of statements. Another object once something new is known of stored code. */
  get facts(): RouteFacts {
    return this.#facts;
  }

  /** Enough is known for statements to leave the primary. */
  get isReady(): boolean {
    return this.#code !== undefined;
  }

  get flavor(): FlavorName {
    return this.#topology.flavor;
  }

  /** Routes statements, or not; what is known of stored code is to be told anew behind that. */
  turn(isOn: boolean): void {
    if (isOn === this.isOn) return;
    this.isOn = isOn;
    this.#code = undefined;
    this.#facts = makeRouteFacts(this.#config.route, this.rules, undefined);
  }

  /** Asks on connections that are made anew: the account that asks is another one. */
  reconnect(): void {
    for (const question of this.#questions.values()) question.close();
  }

  /** Takes over what servers there are now. */
  update(topology: Topology): void {
    this.#topology = topology;
    this.router.update(topology);
    this.#servers.clear();
    this.stalls.update();
    for (const [name, question] of this.#questions) {
      if (findServer(topology, name) !== undefined) continue;
      question.close();
      this.#questions.delete(name);
    }
  }

  /** Takes over what functions and views there are. */
  learn(code: StoredCode): void {
    const known = learnRoutines(code.routines, code.views);
    this.#facts = makeRouteFacts(this.#config.route, this.rules, known);
    this.#code = code;
  }

  /** A server that sessions can be on; undefined where they can't. */
  serverOf({ name }: RouteServer): Server | undefined {
    const known = this.#servers.get(name);
    if (known !== undefined) return known;
    const member = findServer(this.#topology, name);
    if (member === undefined) return undefined;
    const server = this.#context.servers.at(member.address);
    if (!this.#isAlike(server)) return undefined;
    this.#servers.set(name, server);
    return server;
  }

  /** Its answers have the form that clients of the primary expect. */
  #isAlike({ identity }: Server): boolean {
    const primary = this.#context.server.identity;
    return identity !== undefined && primary !== undefined &&
      ((identity.capabilities ^ primary.capabilities) & SHAPE) === 0 &&
      identity.mariadbCapabilities === primary.mariadbCapabilities;
  }

  /** Asks a server how far it is, together with all who want to know it now. */
  ask(server: RouteServer, asker: Asker): void {
    let question = this.#questions.get(server.name);
    if (question === undefined) {
      question = new Question(
        () => this.serverOf(server),
        () => this.flavor,
        () => this.#context.config.route.waitTimeoutMs || ANSWER_MS_MAX,
      );
      this.#questions.set(server.name, question);
    }
    question.shared.ask(asker);
  }

  /** A server does not answer: whoever has asked it is told that its position is not known. */
  closeQuestion({ name }: RouteServer): void {
    this.#questions.get(name)?.close();
  }

  /** Applies what hangs on time. Called by the janitor. */
  sweep(): void {
    for (const server of this.router.sweep(Date.now())) {
      this.#context.log.of("route").info("reads: server ejected", { server: server.name });
    }
  }
}

/** How long an answer may take where replicas are not waited for at all, in milliseconds. */
const ANSWER_MS_MAX = 1000;

const NOTHING_DUE = Infinity;

/** How far one server is: asked on a connection of the proxy's own, which is kept. */
class Question {
  readonly shared: SharedQuestion;
  readonly #server: () => Server | undefined;
  readonly #flavor: () => FlavorName;
  readonly #timeoutMs: () => number;
  #probe: OwnProbe | undefined;
  /** When the question that is out is given up, by `performance.now()`. */
  #dueAt = NOTHING_DUE;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Questions that were sent, and those that were given up: an answer may be one that nobody waits for. */
  #sent = 0;

  /** @param timeoutMs How long an answer may take: a connection can die without a word. */
  constructor(
    server: () => Server | undefined,
    flavor: () => FlavorName,
    timeoutMs: () => number,
  ) {
    this.#server = server;
    this.#flavor = flavor;
    this.#timeoutMs = timeoutMs;
    this.shared = new SharedQuestion(() => void this.#send());
  }

  /** The server is none any more, or hangs; who has asked is told that it is not known. */
  close(): void {
    this.#probe?.abandon();
    this.#giveUp();
  }

  async #send(): Promise<void> {
    const sent = ++this.#sent;
    let probe = this.#probe;
    this.#dueAt = performance.now() + this.#timeoutMs();
    if (this.#timer === undefined) this.#watch();
    try {
      const server = this.#server();
      if (server === undefined) throw new Error("server unknown");
      if (probe?.closed !== false) probe = await OwnProbe.open(server);
      if (sent !== this.#sent) {
        probe.close();
        return;
      }
      this.#probe = probe;
      const position = await flavorNamed(this.#flavor()).position(probe);
      if (sent !== this.#sent) return;
      this.#dueAt = NOTHING_DUE;
      this.shared.answer(position);
    } catch {
      if (sent !== this.#sent) return;
      probe?.close();
      this.#probe = undefined;
      this.#dueAt = NOTHING_DUE;
      this.shared.answer(undefined);
    }
  }

  /** One timer for many questions: a thousand are answered before it is over. */
  #watch(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#dueAt === NOTHING_DUE) return;
      if (performance.now() < this.#dueAt) this.#watch();
      else this.close();
    }, this.#dueAt - performance.now());
  }

  #giveUp(): void {
    this.#sent++;
    this.#probe = undefined;
    this.#dueAt = NOTHING_DUE;
    this.shared.fail();
  }
}
