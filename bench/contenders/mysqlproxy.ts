// This project's proxy: the built executable, or the source where there is none.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { startProcess } from "../processes.ts";
import { type Contender, versionLine } from "./contender.ts";

const ROOT = join(import.meta.dir, "../..");
const EXECUTABLE = join(ROOT, "dist/mysqlproxy");
const PROGRAM = existsSync(EXECUTABLE) ? [EXECUTABLE] : [process.execPath, join(ROOT, "main.ts")];

/** `serve` with nothing but addresses and the number of workers. */
export const mysqlproxy: Contender = {
  name: "mysqlproxy",
  byDefault: true,
  version: () => versionLine([...PROGRAM, "version"]),
  start({ server, listen, folder, workers }) {
    return startProcess([
      ...PROGRAM,
      "serve",
      ...["-b", `${server.host}:${server.port}`],
      ...["-l", `${listen.host}:${listen.port}`],
      ...["--workers", String(workers)],
      ...["--log-level", "warn"],
    ], { folder });
  },
};
