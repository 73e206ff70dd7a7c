// The event log of a running proxy as JSON: whatever happens, each line is one object of one schema.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOG_LEVELS, LOG_MODULES } from "../../mod/config/log_sections.ts";
import { childrenOf, proxyCommand } from "../proxy_process.ts";
import { supervise } from "../servers/mod.ts";
import { kinds, loginAs, ownAccount, subject, until } from "./subjects.ts";

type Line = Readonly<Record<string, unknown>>;

test("each line of all processes is one object, with time, severity, event and module", async () => {
  const { server } = await subject(kinds[0]!);
  const folder = mkdtempSync(join(tmpdir(), "mp-events-"));
  const config = join(folder, "proxy.toml");
  writeFileSync(config, "[limits]\nclients_max = 100\n");
  const child = await supervise(folder, {
    command: [
      ...[...proxyCommand(), "serve", "-l", "127.0.0.1:0", "-b", `127.0.0.1:${server.port}`],
      ...["-c", config, "--workers", "2", "--admin", "127.0.0.1:0", "--log-format", "json"],
      ...["--log-level", "debug", ...ownAccount(server)],
    ],
    env: { MYSQLPROXY_ADMIN_SOCKET: join(folder, "admin.sock") },
  });
  const text = () => readFileSync(join(folder, "out.log"), "utf8");
  const lines = () =>
    text().split("\n").slice(0, -1).map((line) => {
      try {
        return JSON.parse(line) as Line;
      } catch {
        throw new Error(`No JSON: ${line}`);
      }
    });
  const logged = async (event: string): Promise<Line> => {
    await until(event, () => lines().some((line) => line["event"] === event));
    return lines().find((line) => line["event"] === event)!;
  };
  try {
    const portOf = async (event: string) =>
      Number(String((await logged(event))["address"]).replace(/.*:/, ""));
    const port = await portOf("listening");
    const wrong = { user: 'no"body\n{}\u001b[31m', password: "x" };
    await loginAs(wrong, { port }).catch(() => {});
    const refused = await logged("login refused");
    expect(refused).toMatchObject({ severity: "info", module: "session", code: 1045 });
    using admin = await loginAs(server.accounts.monitor, { port: await portOf("admin port") });
    await admin.query("SELECT 'a\nb', \"{}\"");
    await admin.query("SET log.levels = 'cluster=debug'");
    await logged("admin command");
    writeFileSync(config, "[limits]\nclients_max = none\n");
    process.kill(child.pid, "SIGHUP");
    expect(await logged("configuration refused")).toMatchObject({
      severity: "error",
      module: "config",
    });
    process.kill(childrenOf(child.pid)[0]!, "SIGKILL");
    await logged("worker is back");
    process.kill(child.pid, "SIGTERM");
    expect(await child.exited).toBe(0);
    const all = lines();
    expect(text().endsWith("\n")).toBe(true);
    for (const line of all) {
      expect(Object.keys(line).slice(0, 3)).toEqual(["time", "severity", "event"]);
      expect(new Date(String(line["time"])).toISOString()).toBe(String(line["time"]));
      expect(LOG_LEVELS).toContain(line["severity"] as "info");
      expect(LOG_MODULES).toContain(line["module"] as "proxy");
      expect(String(line["event"])).not.toBe("");
    }
    // Those of workers are among them.
    expect(new Set(all.map(({ module }) => module)).size).toBeGreaterThan(4);
    expect(all.at(-1)!["event"]).toBe("ended");
  } finally {
    await child.discard();
    rmSync(folder, { recursive: true, force: true });
  }
});
