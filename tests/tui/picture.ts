// Draws docs/top.svg: what `top` shows of the recorded failover, as a terminal has it. The same
// recording and the same `top` give the same picture.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { screenSvg } from "../../tools/screen_svg.ts";
import { proxyCommand } from "../proxy_process.ts";
import { Terminal } from "./terminal.ts";

const COLUMNS = 120;
const ROWS = 42;
/** Seconds after the primary has died another one has taken over. */
const PLACE = "97";

const docs = join(import.meta.dir, "../../docs");
await using terminal = await Terminal.start(
  [...proxyCommand(), "top", "--play", "failover.jsonl.gz", "--at", PLACE],
  { columns: COLUMNS, rows: ROWS, cwd: docs },
);
await terminal.settled("failover-ended");
writeFileSync(join(docs, "top.svg"), screenSvg(await terminal.painted(), COLUMNS));
