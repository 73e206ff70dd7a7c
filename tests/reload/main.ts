// A thousand changes of the configuration in a row while clients work.
// Usage: bun tests/reload/main.ts [--changes N] [--clients N] [--workers N] [--server mariadb|mysql]

import { parseArgs } from "node:util";
import { type ServerKind, serverKinds } from "../servers/mod.ts";
import { type Holdings, LOOKS, reload } from "./reload.ts";

const { values } = parseArgs({
  options: {
    changes: { type: "string", default: "1000" },
    clients: { type: "string", default: "64" },
    workers: { type: "string", default: "2" },
    server: { type: "string", default: serverKinds()[0] ?? "mariadb" },
  },
});
/**
 * What the second half may have more of memory than the first: by the median of its looks, and by the
 * least, which has the least of garbage in it.
 */
const RSS_FACTOR_MAX = 1.1;
/** Connections of the proxy's own that come and go. */
const FDS_MORE_MAX = 10;
/** Looks that are printed as one line; the first of them are behind a start, when all grows once. */
const TOGETHER = 5;

const changes = Number(values.changes);
const report = await reload({
  kind: values.server as ServerKind,
  changes,
  clients: Number(values.clients),
  workers: Number(values.workers),
});
const { held, errors } = report;
const MIB = 1024 * 1024;
console.log(
  `${changes} changes at ${values.clients} clients, ${values.workers} workers, ${values.server}: ` +
    `${report.statements} statements, median ${report.changeMs.toFixed(1)} ms a change`,
);
const of = (part: typeof held, what: keyof Holdings) =>
  part.map((each) => each[what]).sort((a, b) => a - b);
const median = (part: typeof held, what: keyof Holdings) => {
  const values = of(part, what);
  return values[values.length >> 1]!;
};
const mib = (bytes: number) => Math.round(bytes / MIB);
for (let at = 0; at < held.length; at += TOGETHER) {
  const part = held.slice(at, at + TOGETHER);
  const rss = of(part, "rssBytes");
  console.log(
    `up to ${Math.ceil(changes / LOOKS) * (at + part.length)}: ` +
      `${mib(rss[0]!)} to ${mib(rss.at(-1)!)} MiB, median ${mib(median(part, "rssBytes"))}, ` +
      `of it objects ${mib(median(part, "heapBytes"))}; ${median(part, "processes")} processes, ` +
      `${median(part, "fds")} file descriptors, ${
        median(part, "serverConnections")
      } server connections`,
  );
}
const [first, second] = [held.slice(TOGETHER, held.length / 2), held.slice(held.length / 2)];
const grows = (now: number, before: number) => now > before * RSS_FACTOR_MAX;
const growsBy = {
  median: grows(median(second, "rssBytes"), median(first, "rssBytes")),
  least: grows(of(second, "rssBytes")[0]!, of(first, "rssBytes")[0]!),
  fds: of(second, "fds").at(-1)! > of(first, "fds").at(-1)! + FDS_MORE_MAX,
};
console.log(
  `memory of the second half, by the first: median ${
    (median(second, "rssBytes") / median(first, "rssBytes")).toFixed(2)
  }, least ${(of(second, "rssBytes")[0]! / of(first, "rssBytes")[0]!).toFixed(2)}`,
);
const count = [...errors.values()].reduce((sum, each) => sum + each, 0);
console.log(`${count} client errors`);
for (const [message, times] of errors) console.log(`  ${times} x ${message}`);
const isWell = count === 0 && report.revisions === changes + 1 &&
  !growsBy.median && !growsBy.least && !growsBy.fds;
console.log(isWell ? "well" : "NOT WELL");
process.exit(isWell ? 0 : 1);
