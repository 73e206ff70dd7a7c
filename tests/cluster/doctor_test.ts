// `mysqlproxy doctor` before real servers: what it finds, and that what it says to do helps.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { proxyCommand } from "../proxy_process.ts";
import { freePort, serverKinds } from "../servers/mod.ts";
import { type Cluster, startAsyncCluster } from "./clusters.ts";
import { until } from "./watching.ts";

interface Line {
  readonly severity: "ok" | "warn" | "fail";
  readonly topic: string;
  readonly server: string | null;
  readonly found: string;
  readonly meaning: string;
  readonly remedy: string;
}

interface Report {
  readonly status: number;
  readonly lines: readonly Line[];
}

async function run(args: readonly string[], account: string) {
  const child = Bun.spawn([...proxyCommand(), "doctor", ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: {
      PATH: process.env["PATH"] ?? "",
      MYSQLPROXY_USER: account,
      MYSQLPROXY_PASSWORD: account,
      MYSQLPROXY_LISTEN: "127.0.0.1:0",
      MYSQLPROXY_LIMITS_CLIENTS_MAX: "100",
    },
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, status };
}

async function examine(args: readonly string[], account = "app"): Promise<Report> {
  const { stdout, stderr, status } = await run([...args, "--json"], account);
  if (stderr !== "") throw new Error(stderr);
  const report = JSON.parse(stdout) as { readonly lines: readonly Line[]; readonly schema: number };
  expect(report.schema).toBe(1);
  return { status, lines: report.lines };
}

describe.each(serverKinds())("mysqlproxy doctor before %s", (kind) => {
  let cluster: Cluster;
  const replica = kind === "mysql" ? "REPLICA" : "SLAVE";

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind, 1);
    const names = async () => {
      const { lines } = await examine(["-b", cluster.nodes[1]!.name]);
      return new Set(lines.map(({ server }) => server)).size;
    };
    await until("both are found", async () => await names() === 3, { pollMs: 200 });
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  test("a cluster that is well has nothing that fails, and every topic is there", async () => {
    const { lines, status } = await examine(["-b", cluster.first.name]);
    expect(lines.filter(({ severity }) => severity === "fail")).toEqual([]);
    expect(status).toBe(0);
    const topics = (
      server: string | null,
    ) => [...new Set(lines.filter((line) => line.server === server).map(({ topic }) => topic))];
    expect(topics(null)).toEqual(["configuration", "open files", "port", "cluster"]);
    const common = ["connect", "version", "tls", "rights", "accounts", "consistency"];
    expect(topics(cluster.first.name)).toEqual([...common, "clock", "connections"]);
    expect(topics(cluster.nodes[1]!.name))
      .toEqual([...common, "replication", "clock", "connections"]);
    // Whatever is not well comes with what it means and what to do.
    const bare = lines.filter(({ severity, meaning, remedy }) =>
      (severity === "ok") !== (meaning === "" && remedy === "")
    );
    expect(bare).toEqual([]);
  });

  test("rights that lack are told with the GRANT that helps", async () => {
    const node = cluster.first;
    await node.sql("CREATE USER poor@'%' IDENTIFIED BY 'poor'");
    const rights = async () => {
      const { lines } = await examine(["-b", node.name], "poor");
      return lines.filter(({ topic, server }) => topic === "rights" && server === node.name);
    };
    await until("the account is there", async () => (await rights()).length > 0);
    const before = await rights();
    expect(before.filter(({ severity }) => severity !== "ok").length).toBeGreaterThanOrEqual(4);
    for (const { remedy, severity } of before) {
      if (severity === "ok") continue;
      expect(remedy).toMatch(/^GRANT [A-Z_ ]+ ON \S+ TO 'poor'@'%';$/);
      await node.sql(remedy);
    }
    expect((await rights()).map(({ severity, found }) => [severity, found]))
      .toEqual([["ok", "'poor'@'%' has all rights that the proxy uses"]]);
    await node.sql("DROP USER poor@'%'");
  });

  test("settings that consistency needs are told with the statement that helps", async () => {
    const node = cluster.first;
    const settings = async () => {
      const { lines } = await examine(["-b", node.name]);
      return lines.filter(({ topic, server }) => topic === "consistency" && server === node.name);
    };
    const before = (await settings()).filter(({ severity }) => severity !== "ok");
    expect(before.map(({ found }) => found)).toEqual([
      kind === "mysql"
        ? "session_track_gtids is OFF"
        : "session_track_system_variables lacks last_gtid",
    ]);
    expect(before[0]!.remedy).toStartWith(kind === "mysql" ? "SET PERSIST " : "SET GLOBAL ");
    await node.sql(before[0]!.remedy.replace(/;.*$/, ""));
    expect((await settings()).every(({ severity }) => severity === "ok")).toBe(true);
  });

  test("a replica whose replication is stopped fails, and the status with it", async () => {
    const node = cluster.nodes[1]!;
    await node.sql(`STOP ${replica} SQL_THREAD`);
    const { lines, status } = await examine(["-b", cluster.first.name]);
    const [line] = lines.filter(({ topic }) => topic === "replication");
    expect(line).toMatchObject({
      severity: "fail",
      server: node.name,
      found: "the applier is stopped",
    });
    expect(line!.remedy).toContain("START REPLICA");
    expect(status).toBe(1);
    await node.sql(`START ${replica} SQL_THREAD`);
  });

  test("for people it is a page of lines, by server, with a sum below", async () => {
    const { stdout, status } = await run(["-b", cluster.first.name], "app");
    expect(status).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("this proxy");
    expect(lines).toContain(cluster.first.name);
    expect(lines).toContain("  ok    configuration  no errors");
    expect(lines.at(-2)).toMatch(/^\d+ ok, \d+ warn, 0 fail$/);
    expect(stdout).not.toContain("\x1b");
  });
});

describe("mysqlproxy doctor", () => {
  test("servers that do not answer, or let nobody in, are told with what to do", async () => {
    const { lines, status } = await examine(["-b", `127.0.0.1:${freePort()}`]);
    const failures = lines.filter(({ severity }) => severity === "fail");
    expect(failures.map(({ topic }) => topic)).toEqual(["cluster", "connect"]);
    expect(failures[1]!.remedy).toBe("start the server, or correct its address");
    expect(status).toBe(1);
  });

  test("errors of the configuration are told with their place", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mp-doctor-"));
    try {
      const file = join(folder, "mysqlproxy.toml");
      writeFileSync(file, 'backends = ["db1"]\n[pool]\nidle_maxx = 3\n');
      const { lines, status } = await examine(["-c", file]);
      expect(lines).toEqual([expect.objectContaining({
        severity: "fail",
        topic: "configuration",
        found: expect.stringMatching(/mysqlproxy\.toml:3:1: pool\.idle_maxx: unknown key/),
      })]);
      expect(status).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("a port that is taken is told", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const folder = mkdtempSync(join(tmpdir(), "mp-doctor-"));
    try {
      const file = join(folder, "mysqlproxy.toml");
      writeFileSync(file, `[admin]\nlisten = "127.0.0.1:${taken.port}"\n`);
      const { lines } = await examine(["-c", file, "-b", `127.0.0.1:${freePort()}`]);
      const [line] = lines.filter(({ topic, severity }) => topic === "port" && severity !== "ok");
      expect(line?.found).toContain(`127.0.0.1:${taken.port}`);
      expect(line?.meaning).toContain("the proxy cannot start here");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
