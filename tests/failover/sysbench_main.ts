// Runs sysbench over a kill -9 of a primary, with failover.replay, and tells what it was told.
// Usage: bun tests/failover/sysbench_main.ts [--cluster group] [--text] [--threads 8] [--rows 400000]
//   [--seed S]

import { parseArgs } from "node:util";
import { type ClusterKind, CLUSTERS } from "./start_site.ts";
import { runSysbench } from "./sysbench.ts";

const { values } = parseArgs({
  options: {
    cluster: { type: "string", default: "group" },
    text: { type: "boolean", default: false },
    threads: { type: "string", default: "8" },
    rows: { type: "string", default: "400000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const cluster = CLUSTERS.find((each) => each === values.cluster) as ClusterKind;
const { report, proxyLog, ...outcome } = await runSysbench({
  cluster,
  prepared: !values.text,
  threads: Number(values.threads),
  rows: Number(values.rows),
  seed: Number(values.seed),
});
console.log({ ...values, ...outcome });
const isWell = outcome.status === 0 && outcome.wentOn && outcome.replaysFailed === 0;
if (!isWell) console.log(report, proxyLog);
process.exit(isWell ? 0 : 1);
