// Every fault, one after the other and in another order each time, on clusters under load; then
// their ledgers are checked, and that no read was stale.
// Usage: bun tests/failover/chaos.ts [--minutes 3] [--seed S] [--cluster async|group|mariadb|polardbx]
//   [--fault ...] [--sessions 32] [--hold SECONDS] [--replay] [--pipeline auto|off|N]

import { parseArgs } from "node:util";
import { canHave, type FaultName, FAULTS } from "./faults.ts";
import { isWell, outcomeLines } from "./report.ts";
import { MIXED, run } from "./run.ts";
import { type ClusterKind, CLUSTERS } from "./start_site.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    cluster: { type: "string", multiple: true, default: [...CLUSTERS] },
    fault: { type: "string", multiple: true, default: Object.keys(FAULTS) },
    sessions: { type: "string", default: "32" },
    hold: { type: "string", default: "2" },
    replay: { type: "boolean", default: false },
    pipeline: { type: "string", default: "auto" },
    log: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const { pipeline } = values;
const depth = pipeline === "auto" || pipeline === "off" ? pipeline : Number(pipeline);
let well = true;
for (const cluster of values.cluster as ClusterKind[]) {
  console.log(`${cluster}, --seed ${seed}`);
  const outcome = await run({
    cluster,
    faults: (values.fault as FaultName[]).filter((fault) => canHave(cluster, fault)),
    forMs: Number(values.minutes) * 60_000 / values.cluster.length,
    split: true,
    replay: values.replay,
    pipeline: depth,
    sessions: Number(values.sessions),
    holdMs: Number(values.hold) * 1000,
    seed,
    mix: MIXED,
    pauseMs: 20,
    onMark: (line) => console.log(line),
  });
  for (const line of outcomeLines(outcome)) console.log(line);
  if (values.log) console.log(outcome.proxyLog);
  well &&= isWell(outcome);
}
process.exit(well ? 0 : 1);
