// The screens of `mysqlproxy top` before a live proxy with load, while its servers fail over: what
// stands where, to the letter, with what changes from run to run masked. Rows of lists are for
// terminal_test.ts. To write the screens anew: GOLDEN=write bun test tests/tui/live_screens_test.ts

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setReadOnly } from "../cluster/clusters.ts";
import { until } from "../cluster/watching.ts";
import { proxyCommand } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { startLiveProxy } from "./live_proxy.ts";
import { TITLES } from "./tab_titles.ts";
import { Terminal } from "./terminal.ts";

const [kind] = serverKinds();
const hasTmux = Bun.which("tmux") !== null;

const SERVER = /^ 127\.0\.0\.1:\d+ +(?:none|primary|replica) /;

/** The names of columns, which stand below a title. */
const COLUMNS = / [A-Z]{2,}[A-Z0-9%▾/ ]+$/;
/** A header of four lines, and the tabs. */
const HEAD_LINES = 5;

/** What a screen says whatever happens: numbers, names of servers and curves are masked. */
function masked(line: string): string {
  return line
    .replace(/127\.0\.0\.1:\d+/g, "SERVER")
    .replace(/\d\d:\d\d:\d\d/g, "TIME")
    .replace(/[▁▂▃▄▅▆▇█░]+/g, "~")
    .replace(/(pinned).*/, "$1 …")
    .replace(/(?:\d[\d.,]*(?:[kMG]|µs|ms|s|m|h|d|%)?)+|–/g, "N")
    .replace(/ +/g, " ")
    .trim();
}

/** The lines from the title to the names of the columns; undefined: they are not there yet. */
function listHead(lines: readonly string[], title: string): readonly string[] | undefined {
  const from = lines.findIndex((line) => line.startsWith(` ${title}`));
  const names = lines.slice(from + 1).find((line) => COLUMNS.test(line));
  return from < 0 || names === undefined ? undefined : [lines[from]!, names];
}

/** The frame of a screen, and of the first one the servers in it: seen twice, since frames may be half drawn. */
async function frameOf(terminal: Terminal, title: string, columns: number): Promise<string> {
  let lines: readonly string[] = [];
  let frame: string | undefined;
  await until(`${title} is shown`, async () => {
    const before = frame;
    lines = (await terminal.screen()).split("\n");
    const head = listHead(lines, title);
    const servers = lines.filter((line) => SERVER.test(line)).map(masked).sort();
    const above = [...lines.slice(0, HEAD_LINES), ...head ?? []].map(masked);
    frame = head && [...above, ...servers, masked(lines.at(-1)!)].join("\n");
    return frame !== undefined && frame === before;
  }, { describe: () => lines.join("\n") });
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  return frame!;
}

describe.skipIf(!hasTmux || kind === undefined)("before a live proxy", () => {
  test("screens are the same in every failover", async () => {
    await using live = await startLiveProxy(kind!, { clients: 4 });
    const { cluster, account } = live;
    const [first, second] = cluster.nodes;
    const login = ["-H", live.admin, "-u", account.user, "-p", account.password];
    const command = [...proxyCommand(), "top", ...login, "-i", "250ms"];
    const sizes = [[80, 24], [160, 50]] as const;
    const terminals = await Promise.all(
      sizes.map(([columns, rows]) => Terminal.start(command, { columns, rows })),
    );
    const screens: string[] = [];
    try {
      const keepAll = async (moment: string) => {
        for (const [at, terminal] of terminals.entries()) {
          const [columns, rows] = sizes[at]!;
          for (const [tab, title] of TITLES.entries()) {
            await terminal.press(String(tab + 1));
            const frame = await frameOf(terminal, title, columns);
            screens.push(`== ${title}, ${columns} × ${rows}, ${moment}\n${frame}\n`);
          }
          await terminal.press("1");
        }
      };
      for (const terminal of terminals) {
        await terminal.until(new RegExp(`${first!.name} +primary +● up`));
        await terminal.until(new RegExp(`${second!.name} +replica +● up`));
        await terminal.until(/^ qps +[1-9]/m);
      }
      await keepAll("before");
      await first!.kill();
      for (const terminal of terminals) {
        await terminal.until(new RegExp(`${first!.name} .*× down`));
        await terminal.until(/^ Servers .*primary –/m);
      }
      await keepAll("without a primary");
      await setReadOnly(second!, false);
      for (const terminal of terminals) {
        await terminal.until(new RegExp(`${second!.name} +primary +● up`));
        await terminal.until(`primary ${second!.name}`);
        await terminal.until(/^ qps +[1-9]/m);
      }
      await keepAll("behind it");
      for (const terminal of terminals) {
        await terminal.press("q");
        expect(await terminal.exited()).toBe(0);
      }
    } finally {
      for (const terminal of terminals) await terminal[Symbol.asyncDispose]();
    }
    const file = join(import.meta.dir, "golden/live.txt");
    const text = screens.join("\n");
    if (process.env["GOLDEN"] === "write") writeFileSync(file, text);
    expect(text).toBe(await Bun.file(file).text());
  }, 120_000);
});
