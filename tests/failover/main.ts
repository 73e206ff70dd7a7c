// Runs a load through the proxy over faults of a real cluster and checks its ledger.
// Usage: bun tests/failover/main.ts --cluster async|group|mariadb|polardbx --fault kill|stop|switchover|
//   outside|replica|flap|cut|worker|proxy|takeover [--fault ...] [--sessions 64] [--seconds 10] [--seed S]
//   [--split] [--replay] [--svg FILE] [--log]

import { parseArgs } from "node:util";
import { canHave, type FaultName, FAULTS } from "./faults.ts";
import { timelineSvg } from "./picture.ts";
import { isWell, markLines, outcomeLines } from "./report.ts";
import { MIXED, run } from "./run.ts";
import { type ClusterKind, CLUSTERS } from "./start_site.ts";

const { values } = parseArgs({
  options: {
    cluster: { type: "string", multiple: true, default: ["async"] },
    fault: { type: "string", multiple: true, default: ["kill"] },
    sessions: { type: "string", default: "64" },
    seconds: { type: "string", default: "10" },
    pause: { type: "string", default: "20" },
    reads: { type: "string", default: String(MIXED.reads) },
    transactions: { type: "string", default: String(MIXED.transactions) },
    connects: { type: "string", default: String(MIXED.connects) },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    config: { type: "string", default: "" },
    svg: { type: "string" },
    split: { type: "boolean", default: false },
    replay: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`bun tests/failover/main.ts
  --cluster  ${CLUSTERS.join(", ")}; several times for several
  --fault    ${Object.keys(FAULTS).join(", ")}
  --sessions N, --seconds N: of each fault, --pause MS, --seed S, --split, --replay
  --reads, --transactions, --connects: of a hundred steps; the rest are settings and writes
  --config TEXT, --svg FILE, --log`);
  process.exit(0);
}

const clusters = values.cluster.map((name) => oneOf<ClusterKind>(name, CLUSTERS));
const faults = values.fault.map((name) => oneOf(name, Object.keys(FAULTS) as FaultName[]));
let well = true;
for (const cluster of clusters) {
  for (const fault of faults) {
    if (!canHave(cluster, fault)) throw new Error(`${cluster} knows no ${fault}: take outside`);
    console.log(`${cluster}, ${fault}: ${values.sessions} sessions, seed ${values.seed}`);
    const outcome = await run({
      cluster,
      faults: [fault],
      // Replicas matter to those who read from them.
      split: values.split || fault === "replica",
      replay: values.replay,
      sessions: Number(values.sessions),
      holdMs: Number(values.seconds) * 1000,
      seed: Number(values.seed),
      mix: {
        reads: Number(values.reads),
        transactions: Number(values.transactions),
        settings: MIXED.settings,
        connects: Number(values.connects),
      },
      pauseMs: Number(values.pause),
      config: values.config.replaceAll("\\n", "\n"),
    });
    for (const line of [...markLines(outcome), ...outcomeLines(outcome)]) console.log(line);
    if (values.svg !== undefined) {
      await Bun.write(values.svg, timelineSvg(outcome.timeline, `${cluster}: ${fault}`));
    }
    if (values.log) console.log(outcome.proxyLog);
    well &&= isWell(outcome);
  }
}
process.exit(well ? 0 : 1);

function oneOf<T extends string>(name: string, names: readonly T[]): T {
  const found = names.find((each) => each === name);
  if (found === undefined) throw new Error(`${name} is none of ${names.join(", ")}`);
  return found;
}
