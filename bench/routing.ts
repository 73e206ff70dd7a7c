// What routing costs a query: reading the statement or finding its facts, deciding, noting the
// answer. In-process, without sockets: the proxy does this once for each statement.
// Usage: bun bench/routing.ts

import { NO_TOPOLOGY, type Topology, type TopologyServer } from "../mod/cluster/mod.ts";
import { defaultConfig } from "../mod/config/mod.ts";
import {
  RouteCounts,
  RouteDecision,
  Router,
  RouteState,
  Rules,
  type RuleSet,
} from "../mod/route/mod.ts";
import { effectsOf, FactsCache, type LexicalMode } from "../mod/sql/mod.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false, server: "mysql" };
const SOURCE = "11111111-1111-1111-1111-111111111111";
const ROUNDS = 15;
const CALLS = 20_000;

const STATEMENTS: Readonly<Record<string, string>> = {
  "point select": "SELECT c FROM sbtest1 WHERE id=12345",
  "range select": "SELECT c FROM sbtest1 WHERE id BETWEEN 12345 AND 12444 ORDER BY c",
  "join": "SELECT a.id, a.name, b.total FROM accounts a JOIN balances b ON b.account_id = a.id " +
    "WHERE a.id IN (1,2,3,4,5) AND b.total > 100 ORDER BY a.name LIMIT 10",
  "update": "UPDATE sbtest1 SET k=k+1 WHERE id=12345",
  "hinted select": "/*+ mysqlproxy(consistency=eventual) */ SELECT c FROM sbtest1 WHERE id=12345",
};

function server(name: string, isPrimary: boolean): TopologyServer {
  return {
    name,
    address: { kind: "tcp", host: name, port: 3306 },
    aliases: [],
    seed: true,
    role: isPrimary ? "primary" : "replica",
    roleWord: "",
    state: "up",
    reason: "",
    sinceMs: 0,
    writes: isPrimary,
    reads: true,
    warmAtMs: null,
    weight: 1,
    tags: [],
    version: "9.7.0",
    readOnly: !isPrimary,
    lagMs: 0,
    lagMeans: "position",
    position: { kind: "gtid", text: `${SOURCE}:1-1000000` },
    rttMs: 1,
    answeredMs: 5000,
    failure: null,
    error: "",
  };
}

const topology: Topology = {
  ...NO_TOPOLOGY,
  flavor: "async",
  primary: "p",
  servers: [server("p", true), server("r1", false), server("r2", false)],
};
const rules = new Rules([]);
const router = new Router({
  route: { ...defaultConfig().route, split: true },
  rules,
  lookMsMax: 1000,
  othersWrite: false,
  slowStartMs: 10_000,
});
router.update(topology);
const state = new RouteState(rules.ofSession({ user: "app", schema: "sbtest", client: "" }));
const decision = new RouteDecision();
const counts = new RouteCounts();
const request = { nowMs: 10_000 };
const gtid = Buffer.from(`${SOURCE}:999999`);
router.positions.noteWrite(state.position, gtid, 9000);

/** A statement's whole way. */
function way(cache: FactsCache<RuleSet>, bytes: Uint8Array): void {
  router.route(cache.of(bytes, 0, bytes.length, MODE), state, request, decision);
  counts.count(decision);
  const chosen = decision.server!;
  chosen.noteSent(0);
  chosen.noteAnswered(0.3, 0);
  if (decision.bars === 0) router.positions.noteRead(state.position, chosen, 10_000);
  else router.positions.noteWrite(state.position, gtid, 9000);
}

/** The least mean of the rounds, in nanoseconds: whatever else the machine does only adds to it. */
function least(call: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = Bun.nanoseconds();
    for (let i = 0; i < CALLS; i++) call();
    best = Math.min(best, (Bun.nanoseconds() - start) / CALLS);
  }
  return best;
}

const held = new FactsCache<RuleSet>({ bytesMax: 4 * 1024 * 1024 });
const print = (...cells: (string | number)[]) =>
  console.log(cells.map((cell, at) => String(cell).padEnd(at === 0 ? 16 : 12)).join(""));
print("ns per query", "bytes", "effects", "routed", "routed,", "adds");
print("", "", "alone", "cached", "new text", "at most");
for (const [name, text] of Object.entries(STATEMENTS)) {
  const bytes = Buffer.from(text);
  const effects = least(() => void effectsOf(bytes, 0, bytes.length, MODE));
  const cached = least(() => way(held, bytes));
  // Every text is new: digits are counted up, so that nothing is ever found.
  const fresh = new FactsCache<RuleSet>({ bytesMax: 4 * 1024 * 1024 });
  const digits = Buffer.from(`${text} /*00000000*/`);
  let number = 0;
  const uncached = least(() => {
    number++;
    for (let at = digits.length - 3, left = number; left > 0; at--, left = Math.floor(left / 10)) {
      digits[at] = 0x30 + left % 10;
    }
    way(fresh, digits);
  });
  // Without routing the effects are read as well.
  const adds = Math.max(cached, uncached) - effects;
  print(name, bytes.length, ...[effects, cached, uncached, adds].map((each) => each.toFixed(0)));
}
