// Plays all files of the servers' test suites and tells which replica reads a replica refuses.
// Usage: bun tests/replica_reads/main.ts [--server mariadb|mysql] [--part N/M] [--jobs N] [FILE...]
// Mostly it waits for replicas: two jobs a core are well.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { serverKinds } from "../servers/mod.ts";
import { Replay, type Tally } from "./replay.ts";
import { fetchMysqlSuite, suiteFiles } from "./suites.ts";

const PROGRESS_FILES = 200;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: "string" },
    part: { type: "string", default: "1/1" },
    jobs: { type: "string", default: String(2 * availableParallelism()) },
  },
});
const [part = 1, parts = 1] = values.part.split("/").map(Number);
const jobs = Number(values.jobs);
await fetchMysqlSuite().catch((error: Error) => console.log(`skipped: ${error.message}`));
let isWrong = false;
for (const kind of serverKinds()) {
  if (values.server !== undefined && values.server !== kind) continue;
  const files = positionals.length > 0
    ? positionals
    : suiteFiles().filter((_, at) => at % parts === part - 1);
  let begun = 0;
  const tallies = await Promise.all(
    Array.from(
      { length: Math.min(jobs, files.length) },
      (_, job) =>
        Replay.playAll(kind, files.filter((_, at) => at % jobs === job), () => {
          if (++begun % PROGRESS_FILES === 0) {
            console.log(`${kind}: ${begun} of ${files.length} files`);
          }
          return false;
        }),
    ),
  );
  const sum = (count: (tally: Tally) => number) =>
    tallies.reduce((all, tally) => all + count(tally), 0);
  const wrong = tallies.flatMap((tally) => tally.wrong);
  const reads = sum((tally) => tally.reads);
  console.log(
    `${kind}: ${sum(({ files: played }) => played)} files, ` +
      `${sum(({ statements }) => statements)} statements, ${reads} replica reads ` +
      `(${sum(({ answered }) => answered)} gave a result), ${wrong.length} wrong; ` +
      `${sum(({ skips }) => skips)} times behind, ` +
      `${sum(({ restarts }) => restarts)} times new servers`,
  );
  for (const line of wrong) console.log(line);
  isWrong ||= wrong.length > 0 || reads === 0;
}
process.exit(isWrong ? 1 : 0);
