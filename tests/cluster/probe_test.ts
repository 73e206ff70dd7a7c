// `mysqlproxy probe` before a real cluster: what it prints, and how it ends.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { proxyCommand, startProxy } from "../proxy_process.ts";
import { freePort, serverKinds } from "../servers/mod.ts";
import { type Cluster, setReadOnly, startAsyncCluster } from "./clusters.ts";
import { until } from "./watching.ts";

const ACCOUNT = { MYSQLPROXY_USER: "app", MYSQLPROXY_PASSWORD: "app" };
const [kind] = serverKinds();

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  command: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env["PATH"] ?? "", ...ACCOUNT, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, status };
}

const probe = (args: readonly string[], env: Record<string, string> = {}) =>
  run([...proxyCommand(), "probe", ...args], { env });

describe.skipIf(kind === undefined)("mysqlproxy probe", () => {
  let cluster: Cluster;
  let seed: string;

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind!, 1);
    seed = cluster.nodes[1]!.name;
    // Replicas connect when they are ready to.
    await until(
      "both are found",
      async () => (await probe(["-b", seed, "--expect", "servers=2"])).status === 0,
    );
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  test("prints a table of all members, from one of them on", async () => {
    const { stdout, stderr, status } = await probe(["-b", seed]);
    expect(stderr).toBe("");
    const [flavor, primary, , head, ...rows] = stdout.split("\n");
    expect(flavor).toMatch(/^flavor {3}(async|mariadb) \(/);
    expect(primary).toBe(`primary  ${cluster.first.name} (the only one that says so)`);
    expect(head?.trim().split(/ +/)).toEqual([
      ...["host", "role", "state", "version", "lag", "position", "read-only", "age", "rtt"],
      "errors",
    ]);
    const shown = rows.filter((row) => row !== "").map((row) => row.split(/ +/).slice(0, 3));
    expect(shown.toSorted()).toEqual([
      [cluster.first.name, "primary", "up"],
      [seed, "replica", "up"],
    ].toSorted());
    expect(status).toBe(0);
  });

  test("--json is one value with the promised keys", async () => {
    const { stdout, status } = await probe(["-b", seed, "--json", "--max-lag", "5s"]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      schema: 1,
      holds: true,
      failures: [],
      primary: cluster.first.name,
    });
    const page = readFileSync(join(import.meta.dir, "../../docs/probe.md"), "utf8");
    const keys = [...Object.keys(report), ...Object.keys(report.servers[0]).map((it) => `.${it}`)];
    expect(keys.filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
    const replica = report.servers.find(({ role }: { role: string }) => role === "replica");
    expect(replica).toMatchObject({ lag_ms: 0, read_only: true, reads: true, writes: false });
    expect(status).toBe(0);
  });

  test("ends with 1 and says so where something is not as expected", async () => {
    const { stderr, status } = await probe(["-b", seed, "--expect", "primary=1,replicas>=2"]);
    expect(stderr).toBe(`mysqlproxy: expected replicas>=2, found 1 (${seed})\n`);
    expect(status).toBe(1);
  });

  test("ends with 2 for what cannot be understood, in one line", async () => {
    const wrong: readonly (readonly string[])[] = [
      ["-b", seed, "--expect", "foo"],
      ["-b", seed, "--max-lag", "5"],
      ["-b", seed, "--format", "xml"],
      ["-b", "a:b:c"],
      [],
      ["-b", seed, "--nonsense"],
      ["-b", seed, "--json", "--format", "junit"],
      ["-b", seed, "--via", "127.0.0.1:1"],
      ["--via", "a:b:c"],
      ["-b", seed, "--wait", "-1s"],
    ];
    for (const args of wrong) {
      const { stderr, stdout, status } = await probe(args);
      expect({ args, stdout, status }).toEqual({ args, stdout: "", status: 2 });
      expect(stderr.trim().split("\n").length).toBe(1);
    }
    const without = await probe(["-b", seed], { MYSQLPROXY_USER: "", MYSQLPROXY_PASSWORD: "" });
    expect(without.stderr).toContain("an account is needed");
    expect(without.status).toBe(2);
  });

  test("ends with 3 where nobody is reached, with 4 where nobody is let in", async () => {
    const nobody = await probe(["-b", `127.0.0.1:${freePort()}`]);
    expect(nobody.stderr).toContain("ECONNREFUSED");
    expect(nobody.status).toBe(3);
    const denied = await probe(["-b", seed], { MYSQLPROXY_PASSWORD: "wrong" });
    expect(denied.stderr).toContain("Access denied");
    expect(denied.status).toBe(4);
  });

  test("--wait ends as soon as all holds, or when the time is over", async () => {
    const waiting = probe(["-b", seed, "--expect", "primary=0", "--wait", "20s"]);
    await Bun.sleep(500);
    const closedMs = performance.now();
    await setReadOnly(cluster.first, true);
    expect((await waiting).status).toBe(0);
    expect(performance.now() - closedMs).toBeLessThan(3000);
    const startedMs = performance.now();
    const { stderr, status } = await probe([
      ...["-b", seed, "--expect", "primary=1", "--wait", "500ms"],
    ]);
    expect(performance.now() - startedMs).toBeWithin(500, 5000);
    expect(stderr).toBe("mysqlproxy: expected primary=1, found 0\n");
    expect(status).toBe(1);
    await setReadOnly(cluster.first, false);
  });

  test("--watch shows it again and again, one line of JSON each, until it is told to end", async () => {
    const child = Bun.spawn([...proxyCommand(), "probe", "-b", seed, "--watch", "--json"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...ACCOUNT },
    });
    const lines: string[] = [];
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
      if (lines.length >= 3) child.kill("SIGINT");
    }
    expect(await child.exited).toBe(0);
    expect(lines.length).toBeGreaterThanOrEqual(3);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ schema: 1, holds: true });
  });

  test("--watch ends when nobody reads any more", async () => {
    const line = `${proxyCommand().join(" ")} probe -b ${seed} --watch --json | head -n 1`;
    const { stdout, stderr, status } = await run(["bash", "-o", "pipefail", "-c", line]);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1 });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });

  test("--via asks a proxy that runs", async () => {
    await using proxy = await startProxy({
      backends: [{ host: "127.0.0.1", port: cluster.nodes[1]!.port }],
      args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
    });
    const admin = await proxy.loggedPort("admin port");
    await proxy.untilLogged(/cluster: role changed .*to=primary|cluster: server added .*to=up/);
    const via = ["--via", `127.0.0.1:${admin}`, "--expect", "primary=1,replicas=1", "--json"];
    const { stdout, stderr, status } = await probe([...via, "--wait", "10s"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ primary: cluster.first.name });
    expect((await probe(via, { MYSQLPROXY_PASSWORD: "wrong" })).status).toBe(4);
    expect((await probe(["--via", `127.0.0.1:${freePort()}`])).status).toBe(3);
  });

  test("--via waits for a proxy that is not there yet, and outlives one that dies", async () => {
    const admin = freePort();
    const command = [...proxyCommand(), "probe", "--via", `127.0.0.1:${admin}`];
    const start = () =>
      startProxy({
        backends: [{ host: "127.0.0.1", port: cluster.nodes[1]!.port }],
        args: ["-u", "app", "-p", "app", "--admin", `127.0.0.1:${admin}`],
      });
    const waiting = run([...command, "--expect", "primary=1", "--wait", "20s"]);
    await Bun.sleep(300);
    const first = await start();
    expect((await waiting).status).toBe(0);
    const child = Bun.spawn([...command, "--watch", "--json"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...ACCOUNT },
    });
    const lines = child.stdout.getReader();
    await lines.read();
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    const errors = await child.stderr.getReader().read();
    expect(new TextDecoder().decode(errors.value)).toStartWith("mysqlproxy: ");
    const second = await start();
    const { value } = await lines.read();
    expect(new TextDecoder().decode(value)).toContain('"schema":1');
    // One that hangs is no reason to wait for ever.
    process.kill(second.pid, "SIGSTOP");
    const startedMs = performance.now();
    expect((await run([...command, "--timeout", "500ms"])).status).toBe(3);
    expect(performance.now() - startedMs).toBeLessThan(5000);
    process.kill(second.pid, "SIGCONT");
    child.kill("SIGTERM");
    expect(await child.exited).toBeOneOf([0, 3]);
    await second.stop();
  }, 40_000);

  test("the steps of the page's workflow do what they say", async () => {
    const page = readFileSync(join(import.meta.dir, "../../docs/probe.md"), "utf8");
    const steps = stepsOf(/```yaml\n(.*?)```/s.exec(page)![1]!);
    expect(steps.length).toBe(2);
    const folder = mkdtempSync(join(tmpdir(), "mp-workflow-"));
    try {
      // A runner has the executable in its PATH.
      const program = join(folder, "mysqlproxy");
      writeFileSync(program, `#!/bin/sh\nexec ${proxyCommand().join(" ")} "$@"\n`);
      chmodSync(program, 0o755);
      const env = { PATH: `${folder}:${process.env["PATH"]}`, SEED: seed };
      for (const step of steps) {
        // As the runner does it: bash, ending at the first error.
        const { stderr, status } = await run(["bash", "-e", "-c", step], { env, cwd: folder });
        expect({ step, stderr, status }).toEqual({ step, stderr: "", status: 0 });
      }
      const report = readFileSync(join(folder, "probe.xml"), "utf8");
      expect(report).toContain('<testsuite name="mysqlproxy probe" tests="5" failures="0">');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** The commands of a workflow's `run` keys. */
function stepsOf(workflow: string): string[] {
  const steps = workflow.matchAll(/^ +run: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/gm);
  return [...steps].map(([, block, line]) => block?.replace(/^ {10}/gm, "") ?? line ?? "");
}
