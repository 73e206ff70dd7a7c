// A thousand changes of the configuration in a row while clients work.
// Usage: bun tests/reload/main.ts [--changes N] [--clients N] [--workers N] [--server mariadb|mysql]

import { parseArgs } from "node:util";
import { type ServerKind, serverKinds } from "../servers/mod.ts";
import { type Holdings, reload } from "./reload.ts";

const { values } = parseArgs({
  options: {
    changes: { type: "string", default: "1000" },
    clients: { type: "string", default: "64" },
    workers: { type: "string", default: "2" },
    server: { type: "string", default: serverKinds()[0] ?? "mariadb" },
  },
});
/** What garbage that waits for its collection may make of the memory. */
const RSS_FACTOR_MAX = 1.25;
/** Connections come and go with the servers. */
const FDS_FACTOR_MAX = 1.1;

const changes = Number(values.changes);
const report = await reload({
  kind: values.server as ServerKind,
  changes,
  clients: Number(values.clients),
  workers: Number(values.workers),
});
const { early, late, errors } = report;
const held = ({ rssBytes, fds, serverConnections }: Holdings) =>
  `${
    Math.round(rssBytes / 1024 / 1024)
  } MiB, ${fds} file descriptors, ${serverConnections} server connections`;
console.log(
  `${changes} changes at ${values.clients} clients, ${values.workers} workers, ${values.server}: ` +
    `${report.statements} statements, median ${report.changeMs.toFixed(1)} ms a change`,
);
console.log(`behind ${Math.ceil(changes / 10)}: ${held(early)}`);
console.log(`behind ${changes}: ${held(late)}`);
const count = [...errors.values()].reduce((sum, each) => sum + each, 0);
console.log(`${count} client errors`);
for (const [message, times] of errors) console.log(`  ${times} x ${message}`);
const isWell = count === 0 && report.revisions === changes + 1 &&
  late.rssBytes <= early.rssBytes * RSS_FACTOR_MAX && late.fds <= early.fds * FDS_FACTOR_MAX;
console.log(isWell ? "well" : "NOT WELL");
process.exit(isWell ? 0 : 1);
