// `mysqlproxy top` in a real terminal: its screens to the letter, and before a proxy whose servers
// and whose own process go away. To write the screens anew: GOLDEN=write bun test tests/tui

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TABS } from "../../tui/state.ts";
import { Recorder } from "../../tui/recording.ts";
import { run } from "../cli/executable.ts";
import { proxyCommand, startProxy } from "../proxy_process.ts";
import { subject } from "../proxy/subjects.ts";
import { freePort, serverKinds } from "../servers/mod.ts";
import { setReadOnly } from "../cluster/clusters.ts";
import { startLiveProxy } from "./live_proxy.ts";
import { scene } from "./scene.ts";
import { TITLES } from "./tab_titles.ts";
import { Terminal } from "./terminal.ts";

const hasTmux = Bun.which("tmux") !== null;
const folder = mkdtempSync(join(tmpdir(), "mp-top-"));
const recording = "failover.jsonl";
const top = (...args: readonly string[]) => [...proxyCommand(), "top", ...args];

beforeAll(() => {
  const recorder = new Recorder(join(folder, recording));
  for (const snapshot of scene(170)) recorder.write(snapshot);
  recorder.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** That of the documentation. */
const FAILOVER = join(import.meta.dir, "../../docs/failover.jsonl.gz");

/** A second into the failover: something is wrong everywhere. */
const PLACE = "14:02:31";

describe.skipIf(!hasTmux)("screens", () => {
  for (const [columns, rows] of [[80, 24], [160, 50]] as const) {
    test(`are to the letter at ${columns} × ${rows}`, async () => {
      await using terminal = await Terminal.start(top("--play", recording, "--at", PLACE), {
        columns,
        rows,
        cwd: folder,
      });
      const screens: string[] = [];
      const keep = (name: string, screen: string) => screens.push(`== ${name}\n${screen}\n`);
      keep(TABS[0], await terminal.settled("Servers"));
      for (const [at, title] of TITLES.slice(1).entries()) {
        await terminal.press(String(at + 2));
        keep(TABS[at + 1]!, await terminal.settled(new RegExp(`^ ${title}`, "m")));
      }
      await terminal.press("2", "Down", "Enter");
      keep("frontends, one of them", await terminal.settled("in transaction"));
      await terminal.press("?");
      keep("help", await terminal.settled("Filters:"));
      await terminal.press("Escape", "q");
      expect(await terminal.exited()).toBe(0);
      await compare(screens.join("\n"), `${columns}x${rows}.txt`);
    });
  }

  test("colours are those of the theme; NO_COLOR has none", async () => {
    const options = { columns: 80, rows: 24, cwd: folder };
    const args = top("--play", recording, "--at", PLACE);
    await using coloured = await Terminal.start(args, options);
    await using plain = await Terminal.start(args, { ...options, env: { NO_COLOR: "1" } });
    expect(await plain.settled("Servers")).toBe(await coloured.settled("Servers"));
  });
});

/** Compares with what is in the repository, or writes it. */
async function compare(text: string, name: string): Promise<void> {
  const file = join(import.meta.dir, "golden", name);
  if (process.env["GOLDEN"] === "write") writeFileSync(file, text);
  expect(text).toBe(await Bun.file(file).text());
}

const [kind] = serverKinds();

describe.skipIf(!hasTmux || kind === undefined)("before a live proxy", () => {
  test("a killed server, a lost proxy and a resize are shown, none ends it", async () => {
    const port = freePort();
    await using live = await startLiveProxy(kind!, { clients: 4, adminPort: port });
    const { cluster, account } = live;
    const [first, second] = cluster.nodes;
    const login = ["-H", live.admin, "-u", account.user, "-p", account.password];
    await using terminal = await Terminal.start(top(...login, "-i", "250ms"), {
      columns: 80,
      rows: 24,
      cwd: folder,
    });
    await terminal.until(new RegExp(`${first!.name} +primary +● up`));
    await terminal.until(/^ qps +[1-9]/m);
    await terminal.resize(160, 50);
    await terminal.until("Queries/s");
    await terminal.press("2");
    await terminal.until(/\d{10} +app .* shop +(sleep|execute|wait)/);
    await terminal.resize(80, 24);

    // A session that sleeps in the server is found by a filter and killed.
    const sleeper = await live.client();
    const ended = sleeper.query("SELECT SLEEP(60)").catch(() => {});
    await terminal.press("/");
    await terminal.press("-l", "query:sleep(60)");
    await terminal.press("Enter");
    await terminal.until(/execute .*SELECT SLEEP\(60\)/);
    await terminal.press("X");
    await terminal.until("End the connection of session");
    await terminal.press("y");
    await terminal.until("no row fits the filter");
    await ended;
    sleeper.destroy();

    await terminal.press("1");
    await first!.kill();
    await terminal.until(new RegExp(`${first!.name} .*× down`));
    await setReadOnly(second!, false);
    await terminal.until(new RegExp(`${second!.name} +primary`));
    await terminal.press("6");
    await terminal.until(/failover-began/);

    await live.proxy.stop();
    await terminal.until("× no answer for");
    await terminal.press("1");
    expect(await terminal.until("trying again")).toContain(second!.name);
    await using _again = await startProxy({
      backends: cluster.nodes.map((node) => ({ host: "127.0.0.1", port: node.port })),
      args: ["-u", account.user, "-p", account.password, "--admin", `127.0.0.1:${port}`],
    });
    await terminal.until("● every 0.25s");
    await terminal.press("q");
    expect(await terminal.exited()).toBe(0);
  });

  test("--once and --json print for scripts what the screen shows", async () => {
    await using live = await startLiveProxy(kind!, { clients: 2 });
    const { user, password } = live.account;
    const env = { MYSQLPROXY_USER: user, MYSQLPROXY_PASSWORD: password };
    const json = await run(["top", "-H", live.admin, "--json", "-i", "200ms"], { env });
    expect(json.stderr).toBe("");
    const value = JSON.parse(json.stdout);
    expect(value).toMatchObject({ schema: 1, summary: { clients: 2 } });
    expect(value.summary.qps).toBeGreaterThan(0);
    expect(value.summary.p50_us).toBeGreaterThan(0);
    expect(value.summary.p99_us).toBeGreaterThanOrEqual(value.summary.p50_us);
    const behind = (role: string) =>
      value.tables.servers.find((row: { role: string }) => row.role === role).transactions_behind;
    expect(behind("primary")).toBe(0);
    expect(behind("replica")).toBeGreaterThanOrEqual(0);
    expect(value.tables.servers).toHaveLength(2);
    expect(value.tables.frontends).toHaveLength(2);
    const text = await run(["top", "-H", live.admin, "--once", "-i", "200ms"], { env });
    expect(text.stdout).toMatch(new RegExp(`${live.cluster.first.name} +primary +● up`));
    expect(text.status).toBe(0);
    const denied = await run(["top", "-H", live.admin, "--once"], {
      env: { MYSQLPROXY_USER: "x" },
    });
    expect(denied.stderr).toContain(`cannot ask the proxy at ${live.admin}: Access denied`);
    expect(denied.status).toBe(1);
  });
});

describe("mistakes", () => {
  const cases: readonly (readonly [args: readonly string[], status: number, line: string])[] = [
    [["-H", "127.0.0.1:1"], 2, "top needs a terminal; --once or --json print"],
    [
      ["-H", "127.0.0.1:1", "--once"],
      1,
      "cannot ask the proxy at 127.0.0.1:1: connect ECONNREFUSED",
    ],
    [["-H", "::1", "--once"], 2, "--host: an IPv6 address stands in brackets"],
    [["-i", "1ms", "--once"], 2, "--interval: must be at least 100ms"],
    [["-i", "soon"], 2, "--interval: "],
    [["--play", "/nonexistent"], 1, "cannot play /nonexistent: ENOENT"],
    [["--play", "/etc/hostname"], 1, "/etc/hostname: is not a recording of mysqlproxy top"],
    [["--play", "x", "--record", "y"], 2, "cannot be used with"],
    [["--record", "y", "--json"], 2, "cannot be used with"],
    [["--at", "14:00", "--once"], 2, "--at goes with --play"],
    [["--overwrite", "--once"], 2, "--overwrite goes with --record"],
    [["--play", FAILOVER, "--at", "25:99"], 2, "--at: must be a number, or a time as 14:02:30"],
    [["--play", FAILOVER, "--at", "99:99:99"], 2, "--at: must be a number"],
    [
      ["-H", "127.0.0.1:1", "--tls-ca", "/nonexistent", "--once"],
      1,
      "--tls-ca: cannot read /nonexistent",
    ],
  ];
  for (const [args, status, line] of cases) {
    test(`top ${args.join(" ")} gives one line and status ${status}`, async () => {
      const outcome = await run(["top", ...args]);
      expect(outcome.stderr).toContain(line);
      expect(outcome.stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(outcome.stdout).toBe("");
      expect(outcome.status).toBe(status);
    });
  }

  test("other ports than the admin port are told by what they are", async () => {
    const { server } = await subject(kind!);
    const socket = join(folder, "admin-7.sock");
    await using proxy = await startProxy({
      backends: [server],
      args: ["--http", "127.0.0.1:0"],
      env: { MYSQLPROXY_ADMIN_SOCKET: socket },
    });
    const env = { XDG_RUNTIME_DIR: "/nonexistent", RUNTIME_DIRECTORY: folder };
    const { user, password } = server.accounts.app;
    const http = await proxy.loggedPort("HTTP port");
    const cases = [
      [proxy.port, user, "No database selected", "a port for clients"],
      [proxy.port, "nobody", "Access denied", "a port for clients"],
      [server.port, user, "No database selected", "a port for clients"],
      [http, user, "", "a port for HTTP"],
    ] as const;
    for (const [port, name, ...parts] of cases) {
      const account = ["-u", name, "-p", password, "--timeout", "500ms"];
      const outcome = await run(["top", "-H", `127.0.0.1:${port}`, "--once", ...account], { env });
      for (const part of parts) expect(outcome.stderr).toContain(part);
      expect(outcome.stderr).toContain(
        "not the admin port, which is 127.0.0.1:3308 or where admin.listen and admin.socket say",
      );
      expect(outcome.stderr).toContain(`on this machine: unix:${socket}`);
      expect(outcome.status).toBe(1);
    }
  });

  test("a recording has its first screen as text", async () => {
    const { stdout, status } = await run(["top", "--play", recording, "--once", "--at", PLACE], {
      cwd: folder,
      env: { TZ: "UTC" },
    });
    expect(stdout).toMatch(/db1:3306 +none +× down/);
    expect(stdout).toContain(recording);
    expect(status).toBe(0);
  });

  test.skipIf(!hasTmux)("a recording is not replaced by none", async () => {
    const file = join(folder, "precious.jsonl");
    writeFileSync(file, "precious");
    const args = ["-H", "127.0.0.1:1", "--record", file];
    const options = { columns: 80, rows: 24, cwd: folder };
    {
      await using terminal = await Terminal.start(top(...args), options);
      await terminal.until("it exists;");
      expect(await terminal.exited()).toBe(1);
    }
    await using terminal = await Terminal.start(top(...args, "--overwrite"), options);
    await terminal.until("ECONNREFUSED");
    await terminal.press("q");
    expect(await terminal.exited()).toBe(0);
    expect(await Bun.file(file).text()).toBe("precious");
  });

  test("a recording has its JSON too, of any place", async () => {
    const { stdout } = await run(["top", "--play", recording, "--json", "--at", "3"], {
      cwd: folder,
    });
    expect(JSON.parse(stdout)).toMatchObject({ time: "2026-11-27T14:00:02.000Z" });
  });
});
