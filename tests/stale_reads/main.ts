// Hunts for stale reads: a million checked reads, or as many as are asked for.
// Usage: bun tests/stale_reads/main.ts [--reads N] [--seed N] [--cluster async|mariadb|group]
//   [--level eventual|session|instance|global] [--sessions N] [--switchovers N] [--kills N]

import { parseArgs } from "node:util";
import type { ConsistencyLevel } from "../../mod/config/mod.ts";
import { type ClusterKind, CLUSTERS, startSite } from "../failover/start_site.ts";
import { hunt, type HuntReport } from "./hunt.ts";

const { values } = parseArgs({
  options: {
    reads: { type: "string", default: "1000000" },
    seed: { type: "string" },
    cluster: { type: "string" },
    level: { type: "string" },
    sessions: { type: "string", default: "16" },
    switchovers: { type: "string", default: "0" },
    kills: { type: "string", default: "0" },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
const clusters = values.cluster === undefined ? CLUSTERS : [values.cluster];
const levels = values.level === undefined
  ? ["eventual", "session", "instance", "global"]
  : [values.level];
const each = Math.ceil(Number(values.reads) / clusters.length / levels.length);
let well = true;
for (const kind of clusters) {
  await using site = await startSite(kind as ClusterKind);
  for (const level of levels) {
    console.log(`${kind}, ${level}: ${each} reads from --seed ${seed}`);
    const report = await hunt({
      site,
      level: level as ConsistencyLevel,
      seed,
      reads: each,
      sessions: Number(values.sessions),
      switchovers: Number(values.switchovers),
      kills: Number(values.kills),
      onProgress: ({ reads, stale }) => console.log(`  ${reads} reads, ${stale} stale`),
    });
    tell(report);
    well &&= level === "eventual" ? report.stale > 0 : report.stale === 0;
  }
}
process.exit(well ? 0 : 1);

function tell(report: HuntReport): void {
  const { reads, writes, stale, examples, errors, guesses, replicaShare, routes } = report;
  console.log(
    `  ${reads} reads (${replicaShare.toFixed(1)} % on replicas, ${guesses} on a guess), ` +
      `${writes} writes: ${stale} stale`,
  );
  for (const example of examples) console.log(`  ${example}`);
  for (const [message, count] of errors) console.log(`  error ${count} x ${message}`);
  for (const row of routes) console.log(`  ${Object.values(row).join(" | ")}`);
}
