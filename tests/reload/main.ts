// A thousand changes of the configuration in a row while clients work.
// Usage: bun tests/reload/main.ts [--changes N] [--clients N] [--workers N] [--server mariadb|mysql]

import { parseArgs } from "node:util";
import { type ServerKind, serverKinds } from "../servers/mod.ts";
import { reload } from "./reload.ts";

const { values } = parseArgs({
  options: {
    changes: { type: "string", default: "1000" },
    clients: { type: "string", default: "64" },
    workers: { type: "string", default: "2" },
    server: { type: "string", default: serverKinds()[0] ?? "mariadb" },
  },
});
/** What the second half may have more of memory than the first: garbage comes and goes in both. */
const RSS_FACTOR_MAX = 1.1;
/** Connections of the proxy's own that come and go. */
const FDS_MORE_MAX = 10;

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
for (const [at, { rssBytes, heapBytes, fds, serverConnections }] of held.entries()) {
  console.log(
    `behind ${Math.ceil(changes / 10) * (at + 1)}: ${
      Math.round(rssBytes / MIB)
    } MiB, of it objects ` +
      `${
        Math.round(heapBytes / MIB)
      }; ${fds} file descriptors and ${serverConnections} server connections`,
  );
}
const half = Math.ceil(held.length / 2);
const most = (part: typeof held, of: "rssBytes" | "fds") =>
  Math.max(...part.map((each) => each[of]));
const grows = (of: "rssBytes" | "fds", factor: number, more: number) =>
  most(held.slice(half), of) > most(held.slice(0, half), of) * factor + more;
const count = [...errors.values()].reduce((sum, each) => sum + each, 0);
console.log(`${count} client errors`);
for (const [message, times] of errors) console.log(`  ${times} x ${message}`);
const isWell = count === 0 && report.revisions === changes + 1 &&
  !grows("rssBytes", RSS_FACTOR_MAX, 0) && !grows("fds", 1, FDS_MORE_MAX);
console.log(isWell ? "well" : "NOT WELL");
process.exit(isWell ? 0 : 1);
