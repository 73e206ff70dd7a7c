// Plays all files of the servers' test suites and tells which replica reads a replica refuses.
// Usage: bun tests/replica_reads/main.ts [--server mariadb|mysql] [--part N/M] [--jobs N] [FILE...]

import { parseArgs } from "node:util";
import { serverKinds } from "../servers/mod.ts";
import { Replay } from "./replay.ts";
import { fetchMysqlSuite, suiteFiles } from "./suites.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: "string" }, part: { type: "string", default: "1/1" } },
});
const [part = 1, parts = 1] = values.part.split("/").map(Number);
await fetchMysqlSuite().catch((error: Error) => console.log(`skipped: ${error.message}`));
let isWrong = false;
for (const kind of serverKinds()) {
  if (values.server !== undefined && values.server !== kind) continue;
  const files = positionals.length > 0
    ? positionals
    : suiteFiles().filter((_, at) => at % parts === part - 1);
  const tally = await Replay.playAll(kind, files, ({ files: played, skips }) => {
    if (played % 200 === 199) {
      console.log(`${kind}: ${played + 1} of ${files.length} files, ${skips} times behind`);
    }
    return false;
  });
  const { files: played, statements, reads, answered, skips, restarts, wrong } = tally;
  console.log(
    `${kind}: ${played} files, ${statements} statements, ${reads} replica reads ` +
      `(${answered} gave a result), ${wrong.length} wrong; ` +
      `${skips} times behind, ${restarts} times new servers`,
  );
  for (const line of wrong) console.log(line);
  isWrong ||= wrong.length > 0 || reads === 0;
}
process.exit(isWrong ? 1 : 0);
