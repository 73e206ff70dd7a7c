// `bun bench/main.ts [options]`: measures the contenders side by side in one run. docs/benchmark.md

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerKind } from "../tests/servers/mod.ts";
import { saveBaseline } from "./baseline.ts";
import { drawRun } from "./chart.ts";
import type { Contender } from "./contenders/mod.ts";
import { startDatabase } from "./database.ts";
import { commit, machine, previous, type RunRecord, save } from "./history.ts";
import { judge } from "./limits.ts";
import { type Options, readOptions } from "./options.ts";
import type { Part, Scale } from "./part.ts";
import { CROWD, parts } from "./parts/mod.ts";
import { raiseOpenFiles } from "./processes.ts";
import { caseTable, changeTable } from "./report.ts";
import { contendersOf, type Entry, type Failure, type Progress, runPart } from "./run.ts";

/** Sockets of one idle client at the contender: its own and that to the server. */
const FILES_PER_CLIENT = 2;
/** Files, and connections, for everything else. */
const SPARE = 500;
/** A load average above this disturbs what is measured. */
const LOAD_PER_CORE_MAX = 0.25;

const options = optionsOrEnd();
const folder = mkdtempSync(join(tmpdir(), "mysqlproxy-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
// What was started ends with this process: see `tied` and tests/servers.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(signal === "SIGINT" ? 130 : 143));
}
try {
  let status = 0;
  for (const kind of options.servers) {
    status = Math.max(status, await bench(kind, { chosen: options, workFolder: folder }));
  }
  process.exit(status);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(2);
}

function optionsOrEnd(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}

/** Runs the chosen parts on a kind of server; the exit status. */
async function bench(
  kind: ServerKind,
  { chosen, workFolder }: { readonly chosen: Options; readonly workFolder: string },
): Promise<number> {
  const scale = withinOpenFiles(chosen.scale, chosen.parts);
  const { workers } = chosen;
  const startedAt = new Date().toISOString();
  const about = { startedAt, commit: commit(), machine: machine(), workers, scale };
  const running = chosen.parts.map((name) => parts[name](scale))
    .filter(({ servers }) => servers?.includes(kind) ?? true);
  const suitable = chosen.contenders.filter(({ servers }) => servers?.includes(kind) ?? true);
  const contenders = suitable.filter((each) =>
    running.some((part) => contendersOf(part, suitable).includes(each))
  );
  if (running.length === 0) return 0;
  const cases = running.flatMap((part) => part.cases.map(({ id }) => id));
  const before = previous({ server: kind, scale, cases });

  for (const { name, install } of contenders) {
    note(`looking for ${name}`);
    await install?.();
  }
  note(`starting ${kind}`);
  const most = clientsOf(scale);
  // A contender's connections may outlive it a little while the next one is measured.
  const connectionsMax = 2 * most + SPARE;
  await using database = await startDatabase(kind, { connectionsMax });
  const { processor, cores, load } = about.machine;
  console.log(`${kind} ${database.version}, commit ${about.commit}, ${startedAt}`);
  console.log(`${cores} × ${processor}, load average before: ${load.toFixed(2)}`);
  if (load > cores * LOAD_PER_CORE_MAX) {
    console.log(
      "THE MACHINE IS BUSY, or was a minute ago: do not rely on speeds, nor on their ratios",
    );
  }
  const versions = Object.fromEntries(
    contenders.map(({ name, version }) => [name, version()]),
  );
  for (const [name, version] of Object.entries(versions)) {
    if (version !== "") console.log(`${name}: ${version}`);
  }

  const entries: Entry[] = [];
  const failures: Failure[] = [];
  const progress = reporter({ entries, failures, running, contenders });
  const targets = {
    database,
    folder: workFolder,
    clientsMax: Math.max(most, scale.pooledClients) + SPARE,
    workers,
  };
  for (const part of running) await runPart(part, { contenders, targets, progress });
  note("");

  const record: RunRecord = {
    ...about,
    server: { kind, version: database.version },
    contenders: versions,
    entries,
    failures,
  };
  if (chosen.saveBaseline) saveBaseline(entries);
  const verdicts = conclude(record, { before, running });
  const missed = verdicts.filter(({ kept, repeatable }) => !kept && (repeatable || !scale.quick));
  return failures.length > 0 || (chosen.check && missed.length > 0) ? 1 : 0;
}

/** Prints what follows from the whole run, and saves it. */
function conclude(
  record: RunRecord,
  { before, running }: {
    readonly before: RunRecord | undefined;
    readonly running: readonly Part[];
  },
): ReturnType<typeof judge> {
  const verdicts = judge(record.entries, record.server.kind);
  if (verdicts.length > 0) {
    console.log(`\nLimits${record.scale.quick ? " (a quick run is only a hint)" : ""}`);
    for (const { text } of verdicts) console.log(`  ${text}`);
  }
  if (before !== undefined) {
    const changes = changeTable(before, record, { parts: running });
    if (changes !== "") {
      console.log(`\nCompared with ${before.startedAt}, commit ${before.commit}`);
      console.log(changes);
    }
  }
  for (const { contender, case: id, reason } of record.failures) {
    console.log(`\nFAILED  ${contender} in ${id}: ${reason}`);
  }
  if (record.entries.length > 0) {
    const path = save(record);
    const chart = path.replace(/json$/, "svg");
    writeFileSync(chart, drawRun(record, running));
    console.log(`\nsaved: ${path}\n       ${chart}`);
  }
  return verdicts;
}

/** Collects what is measured and prints each case when it is done. */
function reporter(
  { entries, failures, running, contenders }: {
    readonly entries: Entry[];
    readonly failures: Failure[];
    readonly running: readonly Part[];
    readonly contenders: readonly Contender[];
  },
): Progress {
  let total = 0;
  let seconds = 0;
  for (const part of running) {
    const measurements = part.cases.length * part.rounds * contendersOf(part, contenders).length;
    total += measurements;
    seconds += measurements * part.secondsEach;
  }
  note(`${total} measurements, about ${Math.ceil(seconds / 60)} min`);
  let begun = 0;
  return {
    begin(what) {
      begun++;
      note(`[${begun}/${total}] ${what}`);
    },
    done(part, { title }, measured) {
      note("");
      const rounds = part.rounds > 1 ? ` (medians of ${part.rounds} rounds)` : "";
      console.log(`\n${title}${rounds}`);
      console.log(caseTable(part, measured));
      entries.push(...measured);
    },
    failed(failure) {
      failures.push(failure);
      note("");
      console.error(`${failure.contender}: ${failure.reason}`);
    },
  };
}

/** The most clients at the same time that have a server connection each. */
function clientsOf({ idleClients, loads }: Scale): number {
  return Math.max(idleClients, CROWD, ...loads.map(({ clients }) => clients));
}

/** As many idle clients as the limit of open files has room for. */
function withinOpenFiles(scale: Scale, chosenParts: readonly string[]): Scale {
  const idle = chosenParts.includes("idle") ? scale.idleClients * FILES_PER_CLIENT : 0;
  const many = ["idle-pooled", "idle-neighbours", "large-crowd"];
  const pooled = many.some((name) => chosenParts.includes(name)) ? scale.pooledClients : 0;
  const wanted = Math.max(idle, pooled, clientsOf(scale)) + SPARE;
  const limit = raiseOpenFiles(wanted);
  if (limit >= wanted) return scale;
  const pooledClients = limit - SPARE;
  const idleClients = Math.floor(pooledClients / FILES_PER_CLIENT);
  if (idleClients < 1) throw new Error(`Only ${limit} open files are allowed: raise ulimit -n`);
  console.log(`fewer idle clients: ulimit -n is ${limit}, ${wanted} are needed`);
  return {
    ...scale,
    idleClients: Math.min(scale.idleClients, idleClients),
    pooledClients: Math.min(scale.pooledClients, pooledClients),
  };
}

/** What goes on now: one line rewritten on a terminal, lines of a log elsewhere. */
function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "") console.error(text);
}
