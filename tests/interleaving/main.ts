// Plays programs on direct connections and through the proxy and tells what differs.
// Usage: bun tests/interleaving/main.ts [--programs N] [--seed N] [--server mariadb|mysql]
//   [--against transaction|split|session|direct] [--pipeline auto|off|N] [--crowd N] [--lanes N]
//   [--failures N] [--save FOLDER] [FILE...]
// With files it plays those programs instead; --general shows what the server behind the proxy was
// sent then. --kinds lists the statement kinds and how they fared.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ServerKind, serverKinds } from "../servers/mod.ts";
import { type Against, type Arena, openArena } from "./arena.ts";
import { campaign, type Failure, tryProgram } from "./campaign.ts";
import { explain, type Trial } from "./comparison.ts";
import { KindCount } from "./kind_count.ts";
import { formatProgram, parseProgram } from "./program_text.ts";
import { shrink } from "./shrink.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    programs: { type: "string", default: "200000" },
    seed: { type: "string" },
    server: { type: "string" },
    against: { type: "string", default: "transaction" },
    pipeline: { type: "string" },
    crowd: { type: "string", default: "0" },
    lanes: { type: "string", default: "6" },
    failures: { type: "string", default: "1" },
    save: { type: "string" },
    kinds: { type: "boolean", default: false },
    general: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
const kinds = serverKinds().filter((kind) => values.server === undefined || kind === values.server);
let failed = kinds.length === 0;
for (const kind of kinds) {
  const lanes = Number(values.lanes);
  await using arena = await openArena({
    kind,
    against: values.against as Against,
    pipeline: values.pipeline,
    crowd: Number(values.crowd),
    lanes,
    general: values.general,
  });
  const well = positionals.length > 0 ? await playFiles(arena) : await playMany(arena, kind);
  failed ||= !well;
}
process.exit(failed ? 1 : 0);

async function playFiles(arena: Arena): Promise<boolean> {
  let well = true;
  for (const file of positionals) {
    const program = parseProgram(readFileSync(file, "utf8"));
    if (!program.servers.includes(arena.kind)) continue;
    const before = values.general ? arena.general().length : 0;
    const trial = await tryProgram(program, arena.lanes[0]!, { fresh: true });
    if (values.general) console.log(arena.general().slice(before));
    console.log(`${arena.kind}: ${file}: ${trial.difference?.sort ?? "equal"}`);
    if (trial.difference === undefined) continue;
    well = false;
    console.log(explain(trial));
  }
  return well;
}

async function playMany(arena: Arena, kind: ServerKind): Promise<boolean> {
  const programs = Math.round(Number(values.programs) / kinds.length);
  console.log(`${kind}: ${programs} programs from --seed ${seed}, against ${values.against}`);
  const count = new KindCount(kind);
  const from = performance.now();
  let told = from;
  const report = await campaign(arena, {
    seed,
    programs,
    failuresMax: Number(values.failures),
    onTrial(trial, done, own) {
      count.add(trial);
      if (trial.difference !== undefined) {
        console.log(`  the program of --seed ${own} differs: ${trial.difference.sort}`);
        if (values.save !== undefined) save(trial, `${kind}_${own}_whole`);
      }
      const now = performance.now();
      if (now - told < 10_000) return;
      told = now;
      console.log(`  ${done} programs, ${Math.round(done / ((now - from) / 1000))} a second`);
    },
  });
  for (const line of arena.deaths()) console.log(`${kind}: the server has died: ${line}`);
  // Each lane shrinks its own, side by side.
  await Promise.all(arena.lanes.map(async (lane) => {
    for (const failure of report.failures.filter((each) => each.lane === lane)) {
      const trial = await shrink(failure);
      console.log(`${kind}: the program of --seed ${failure.seed} differs:\n${explain(trial)}`);
      if (values.save !== undefined) {
        save(trial, `${kind}_${failure.seed}`);
        saveBefore(failure, `${kind}_${failure.seed}`);
      }
    }
  }));
  if (values.kinds) console.log(count.table());
  const { seconds, steps, failures } = report;
  console.log(
    `${kind}: ${report.programs} programs, ${steps} steps of ${count.seen} kinds in ` +
      `${seconds.toFixed(0)} s (${(report.programs / seconds).toFixed(1)} a second), ` +
      `${failures.length} failed`,
  );
  return failures.length === 0;
}

/** What was played on the lane before: where a program does not differ by itself. */
function saveBefore({ before }: Failure, name: string): void {
  for (const [at, program] of before.entries()) {
    const file = join(values.save!, `${name}_before_${before.length - at}.txt`);
    writeFileSync(file, formatProgram(program));
    console.log(`saved as ${file}`);
  }
}

/** What has differed is told in remarks: it may not do so again. */
function save(trial: Trial, name: string): void {
  const file = join(values.save!, `${name}.txt`);
  writeFileSync(file, `${explain(trial)}\n`);
  console.log(`saved as ${file}`);
}
