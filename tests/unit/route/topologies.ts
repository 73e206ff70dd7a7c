// Topologies, statements and routers for the tests of routing.

import { type Config, defaultConfig, type Route } from "../../../mod/config/mod.ts";
import {
  type FlavorName,
  NO_TOPOLOGY,
  type Position,
  type Topology,
  type TopologyServer,
} from "../../../mod/cluster/mod.ts";
import {
  RouteDecision,
  type RoutedStatement,
  Router,
  type RouteRequest,
  RouteState,
  Rules,
} from "../../../mod/route/mod.ts";
import { type LexicalMode, readFacts, type StatementFacts } from "../../../mod/sql/mod.ts";

/** How long a look takes at most, in the tests' routers. */
export const LOOK_MS = 100;
/** How text is read. */
export const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };

/** A server: by default a replica that is up. */
export function server(name: string, more: Partial<TopologyServer> = {}): TopologyServer {
  return {
    name,
    address: { kind: "tcp", host: name, port: 3306 },
    aliases: [],
    seed: true,
    role: "replica",
    roleWord: "replica",
    state: "up",
    reason: "",
    sinceMs: 0,
    writes: false,
    reads: true,
    warmAtMs: null,
    weight: 1,
    tags: [],
    version: "9.7.0",
    readOnly: true,
    lagMs: 0,
    lagMeans: "position",
    position: null,
    rttMs: 1,
    answeredMs: 0,
    failure: null,
    error: "",
    ...more,
  };
}

/** The primary. */
export function primary(name: string, more: Partial<TopologyServer> = {}): TopologyServer {
  return server(name, { role: "primary", writes: true, readOnly: false, ...more });
}

/** A topology of such servers. */
export function topology(
  servers: readonly TopologyServer[],
  flavor: FlavorName = "async",
): Topology {
  const leader = servers.find(({ writes }) => writes)?.name ?? null;
  return { ...NO_TOPOLOGY, revision: 1, flavor, primary: leader, servers };
}

/** A router over servers. */
export function routerOver(
  servers: readonly TopologyServer[],
  { route = {}, rules = [], flavor = "async", random, othersWrite = false }: {
    readonly route?: Partial<Route>;
    readonly rules?: Config["rules"];
    readonly flavor?: FlavorName;
    readonly random?: () => number;
    readonly othersWrite?: boolean;
  } = {},
): Router {
  const router = new Router({
    route: { ...defaultConfig().route, split: true, ...route },
    rules: new Rules(rules),
    lookMsMax: LOOK_MS,
    slowStartMs: 10_000,
    othersWrite,
    ...(random && { random }),
  });
  router.update(topology(servers, flavor));
  return router;
}

/** A session that no rule is about. */
export function session(more: Partial<RouteState> = {}): RouteState {
  return Object.assign(new RouteState(new Uint32Array(8)), more);
}

/** A statement with its facts. */
export function statement(text: string, rules?: Rules): RoutedStatement {
  const bytes = Buffer.from(text);
  const facts: StatementFacts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
  readFacts(bytes, { start: 0, end: bytes.length }, { mode: MODE }, facts);
  return { ...facts, note: rules?.ofText(bytes, 0, bytes.length) };
}

/** The decision about a statement. */
export function decide(
  router: Router,
  text: string,
  state: RouteState = session(),
  request: Partial<RouteRequest> = {},
): RouteDecision {
  const decision = new RouteDecision();
  const facts = statement(text, router.options.rules);
  router.route(facts, state, { nowMs: 1000, ...request }, decision);
  return decision;
}

/** A source's UUID: the number's digit 32 times. */
export function uuid(digit: number | string): string {
  const eight = String(digit).repeat(8);
  const four = String(digit).repeat(4);
  return `${eight}-${four}-${four}-${four}-${four}${eight}`;
}

/** A set of GTIDs of source 1, as in `1-5:7`. */
export function gtids(runs: string, digit: number | string = 1): Position {
  return { kind: "gtid", text: `${uuid(digit)}:${runs}` };
}
