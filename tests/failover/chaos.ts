// Faults by chance, one after the other, on one cluster under load; then its ledger is checked.
// Usage: bun tests/failover/chaos.ts [--minutes 3] [--seed S] [--cluster async|group|mariadb]
//   [--sessions 32]

import { parseArgs } from "node:util";
import { Random } from "../fuzz/random.ts";
import { type FaultName, FAULTS } from "./faults.ts";
import { isClean } from "./ledger.ts";
import { outcomeLines } from "./report.ts";
import { MIXED, run } from "./run.ts";
import { type ClusterKind, CLUSTERS } from "./site.ts";

/** About what one fault takes, with what it needs to be over. */
const FAULT_MS = 12_000;
const HOLD_MS = 3000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    cluster: { type: "string" },
    sessions: { type: "string", default: "32" },
  },
});
const seed = Number(values.seed);
const random = new Random(seed);
const cluster = CLUSTERS.find((name) => name === values.cluster) ??
  random.pick<ClusterKind>(CLUSTERS);
const names = Object.keys(FAULTS) as FaultName[];
const count = Math.max(1, Math.round(Number(values.minutes) * 60_000 / FAULT_MS));
const faults = Array.from({ length: count }, () => random.pick(names));
console.log(`${cluster}, seed ${seed}: ${faults.join(", ")}`);
const outcome = await run({
  cluster,
  faults,
  sessions: Number(values.sessions),
  holdMs: HOLD_MS,
  seed,
  mix: MIXED,
  pauseMs: 20,
});
for (const line of outcomeLines(outcome)) console.log(line);
process.exit(isClean(outcome.account) && outcome.wrong.length === 0 ? 0 : 1);
