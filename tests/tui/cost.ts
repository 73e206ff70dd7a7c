// What `top` costs before a proxy with 1,000 sessions, refreshed each second: percent of one core,
// by terminal and tab. Usage: bun tests/tui/cost.ts [SESSIONS]
//
// Other work on the machine only adds to processor time, so the least of several spans counts.

import { readFileSync } from "node:fs";
import type { Connection } from "mysql2/promise";
import { proxyCommand } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { startLiveProxy } from "./live_proxy.ts";
import { Terminal } from "./terminal.ts";

const SPANS = 6;
const SPAN_MS = 5000;
/** The first seconds are spent on starting and compiling. */
const WARM_MS = 10_000;
/** Of /proc/PID/stat: fixed at a hundredth of a second for user space on Linux. */
const TICK_MS = 10;

const sessions = Number(process.argv[2] ?? 1000);
await using live = await startLiveProxy(serverKinds()[0]!, { clients: 4 });
const clients: Connection[] = [];
while (clients.length < sessions) clients.push(await live.client());
const login = ["-H", live.admin, "-u", live.account.user, "-p", live.account.password];

console.log("terminal  tab         percent of a core: least, median of spans");
for (const [columns, rows] of [[80, 24], [160, 50]] as const) {
  for (const tab of ["cluster", "frontends"]) {
    const command = ["exec", ...proxyCommand(), "top", ...login, "--tab", tab];
    await using terminal = await Terminal.start(command, { columns, rows });
    await terminal.until(tab === "cluster" ? /primary +● up/ : /Frontends {2}\d/);
    const pid = await terminal.pid();
    await Bun.sleep(WARM_MS);
    const spans: number[] = [];
    while (spans.length < SPANS) spans.push(await spanOf(pid));
    spans.sort((a, b) => a - b);
    const [least, median] = [spans[0]!, spans[SPANS / 2]!].map((each) => each.toFixed(1));
    console.log(`${`${columns}x${rows}`.padEnd(9)} ${tab.padEnd(11)} ${least} ${median}`);
  }
}
for (const client of clients) client.destroy();

/** Percent of a core that a process takes for a while, all its threads together. */
async function spanOf(pid: number): Promise<number> {
  const started = performance.now();
  const before = cpuMs(pid);
  await Bun.sleep(SPAN_MS);
  return (cpuMs(pid) - before) / (performance.now() - started) * 100;
}

function cpuMs(pid: number): number {
  // The fields after the program's name, which may have spaces: 14 and 15 are utime and stime.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
