// Throws mutated bytes at the proxy, before MariaDB and before MySQL.
// Usage: bun tests/fuzz/main.ts [SEED] [--seed N] [--rounds N] [--server mariadb|mysql]

import { parseArgs } from "node:util";
import { type ServerKind, serverKinds, startServer } from "../servers/mod.ts";
import { complaints } from "./complaints.ts";
import { fuzz, POOL_MODES, type PoolMode } from "./run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    rounds: { type: "string", default: "200000" },
    server: { type: "string" },
  },
});
const seed = Number(values.seed ?? positionals[0] ?? Date.now() % 1_000_000_000);
const rounds = Number(values.rounds);
if (!Number.isInteger(seed) || !Number.isInteger(rounds) || rounds < 1) {
  console.error("Usage: just fuzz [SEED] [--rounds N] [--server mariadb|mysql]");
  process.exit(2);
}
const kinds = serverKinds().filter((kind) => values.server === undefined || kind === values.server);
if (kinds.length === 0) {
  console.error("No server to fuzz before");
  process.exit(1);
}

let failed = false;
for (const [i, kind] of kinds.entries()) {
  for (const poolMode of POOL_MODES) await throwAt(kind, { i, poolMode });
}
process.exit(failed ? 1 : 0);

async function throwAt(
  kind: ServerKind,
  { i, poolMode }: { readonly i: number; readonly poolMode: PoolMode },
): Promise<void> {
  // MySQL's logins cost several times MariaDB's: it gets the smaller part.
  const share = kinds.length === 1 ? 1 : kind === "mariadb" ? 0.75 : 0.25;
  const part = Math.round(rounds * share / POOL_MODES.length);
  const partSeed = seed + i * rounds;
  await using server = await startServer(kind, { maxConnections: 1000 });
  console.log(`${kind} ${server.version}, ${poolMode} pooling: ${part} streams, seed ${partSeed}`);
  const from = performance.now();
  const report = await fuzz(server, {
    seed: partSeed,
    poolMode,
    rounds: part,
    onProgress(sent, rssBytes) {
      const perSecond = Math.round(sent / ((performance.now() - from) / 1000));
      console.log(`  ${sent} sent, ${perSecond} a second, proxy ${mebibytes(rssBytes)} MiB`);
    },
  });
  const wrong = complaints(report);
  console.log(
    `${kind}: ${part} streams in ${report.seconds.toFixed(0)} s; ${report.loggedIn} logged in, ` +
      `${report.answered} answered, ${report.closed} closed by the proxy; control session: ` +
      `${report.control.rounds} rounds, slowest ${
        report.control.slowestMs.toFixed(0)
      } ms; memory ` +
      `${mebibytes(report.rssEarly)} MiB early, ${mebibytes(report.rssEnd)} MiB at the end`,
  );
  for (const complaint of wrong) console.error(`${kind}: ${complaint}`);
  if (wrong.length > 0) failed = true;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
