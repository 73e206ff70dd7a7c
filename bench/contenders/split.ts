// The proxy before a primary and its replicas, reads going to all of them, at each level of
// consistency.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProcess } from "../processes.ts";
import type { Contender } from "./contender.ts";
import { mysqlproxy, PROGRAM } from "./mysqlproxy.ts";

/** `split-LEVEL`; only where there are replicas. */
export function splitting(level: string): Contender {
  return {
    name: `split-${level}`,
    byDefault: true,
    parts: ["split"],
    version: mysqlproxy.version,
    start(options) {
      const { server, replicas, account, monitor, listen, folder, workers } = options;
      const { poolConnections, wrapper } = options;
      const addresses = [server, ...replicas].map(({ host, port }) => `"${host}:${port}"`);
      const file = join(folder, "mysqlproxy.toml");
      writeFileSync(
        file,
        [
          `backends = [${addresses.join(", ")}]`,
          `listen = ["${listen.host}:${listen.port}"]`,
          `workers = ${workers}`,
          "[account]",
          `user = "${monitor.user}"`,
          `password = "${monitor.password}"`,
          "[[user]]",
          `name = "${account.user}"`,
          `password = "${account.password}"`,
          `plugin = "${account.plugin}"`,
          "[pool]",
          'mode = "transaction"',
          `connections_max = ${poolConnections}`,
          "[route]",
          "split = true",
          // The primary is a server like the others here.
          'primary_reads = "share"',
          `consistency = "${level}"`,
          "[log]",
          'level = "warn"',
          "",
        ].join("\n"),
      );
      return startProcess([...wrapper?.command ?? [], ...PROGRAM, "serve", "-c", file], {
        folder,
        environment: wrapper?.environment ?? {},
      });
    },
  };
}
