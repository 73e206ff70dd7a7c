// The HTTP port: metrics that are what their page says, tables as JSON, and why the proxy is not ready.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../servers/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import { startProxy } from "../proxy_process.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

const root = join(import.meta.dir, "../..");

/** Names and kinds as docs/metrics.md has them. */
function documented(): ReadonlyMap<string, string> {
  const page = readFileSync(join(root, "docs/metrics.md"), "utf8");
  const rows = page.matchAll(/^\| `(\w+)` \| (\w+) \|/gm);
  return new Map([...rows].map(([, name, kind]) => [name!, kind!]));
}

async function get(proxy: ProxyProcess, path: string): Promise<Response> {
  return await fetch(`http://127.0.0.1:${await proxy.loggedPort("HTTP port")}${path}`);
}

const SAMPLE = /^(\w+?)(_bucket|_sum|_count)?(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$/;

/** Values by name and labels. Throws an Error for a line that Prometheus would not take. */
function parse(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  const kinds = new Map<string, string>();
  for (const line of text.trimEnd().split("\n")) {
    const [, name, kind] = /^# TYPE (\w+) (gauge|counter|histogram)$/.exec(line) ?? [];
    if (name !== undefined) {
      if (kinds.has(name)) throw new Error(`${name} is there twice`);
      kinds.set(name, kind!);
    } else if (!line.startsWith("# HELP ")) {
      const [, base, suffix = "", labels = "", value] = SAMPLE.exec(line) ?? [];
      const known = base !== undefined && (kinds.get(base) === "histogram" ||
        kinds.has(base + suffix));
      if (!known || !Number.isFinite(Number(value))) throw new Error(`Cannot read: ${line}`);
      const key = `${base}${suffix}{${labels}}`;
      if (values.has(key)) throw new Error(`${key} is there twice`);
      values.set(key, Number(value));
    }
  }
  return values;
}

for (const workers of ["1", "2"]) {
  test(`what /metrics has is documented, and follows what happens, ${workers} worker(s)`, async () => {
    const { server } = await subject(kinds[0]!);
    await using proxy = await ownProxy(server, {
      args: [...ownAccount(server), "--http", "127.0.0.1:0", "--workers", workers],
      config: '[pool]\nmode = "transaction"\n',
    });
    await proxy.untilLogged(/mode=synced/);
    using client = await loginAs(server.accounts.app, proxy);
    await client.query("BEGIN");
    await client.query("SELECT GET_LOCK('http_metrics', 1)");
    await client.query("SELECT nowhere").catch(() => {});
    const name = `127.0.0.1:${server.port}`;
    const wanted: Readonly<Record<string, (value: number) => boolean>> = {
      'mysqlproxy_sessions{state="sleep"}': (it) => it === 1,
      "mysqlproxy_in_transaction{}": (it) => it === 1,
      'mysqlproxy_pinned_sessions{reason="user lock"}': (it) => it === 1,
      [`mysqlproxy_stage_duration_seconds_count{stage="execute",server="${name}"}`]: (it) =>
        it >= 3,
      [`mysqlproxy_stage_duration_seconds_bucket{stage="execute",server="${name}",le="+Inf"}`]: (
        it,
      ) => it >= 3,
      [`mysqlproxy_server_errors_total{server="${name}",code="1054"}`]: (it) => it === 1,
      [`mysqlproxy_server_connections{server="${name}",state="used"}`]: (it) => it === 1,
      [`mysqlproxy_pool_running{server="${name}",account="app"}`]: (it) => it === 1,
      "mysqlproxy_client_received_bytes_total{}": (it) => it > 50,
      "mysqlproxy_commands_total{}": (it) => it >= 3,
      "mysqlproxy_ready{}": (it) => it === 1,
      'mysqlproxy_worker_resident_memory_bytes{worker="0"}': (it) => it > 1e6,
      "mysqlproxy_certificate_expiry_timestamp_seconds{}": (it) => it > Date.now() / 1000,
      [`mysqlproxy_server_writes{server="${name}"}`]: (it) => it === 1,
    };
    let last = "";
    await until("all has the values it should have", async () => {
      const values = parse(await (await get(proxy, "/metrics")).text());
      last = Object.entries(wanted).filter(([key, fits]) => !fits(values.get(key) ?? NaN))
        .map(([key]) => `${key} is ${values.get(key)}`).join("\n");
      return last === "";
    }).catch(() => expect(last).toBe(""));
    const text = await (await get(proxy, "/metrics")).text();
    const told = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) =>
      [name!, kind!] as const
    );
    expect([...told].sort()).toEqual([...documented()].sort());
    const tables = await (await get(proxy, "/api")).json() as string[];
    for (const table of tables) expect((await get(proxy, `/api/${table}`)).status).toBe(200);
    expect(await (await get(proxy, "/api/frontends")).json()).toMatchObject([{
      user: "app",
      in_transaction: 1,
      pins: "user lock",
    }]);
    expect((await get(proxy, "/api/nothing")).status).toBe(404);
    await client.query("ROLLBACK");
    const stopped = proxy.stop();
    await stopped;
  });
}

test("/readyz says why the proxy is not ready", async () => {
  await using proxy = await startProxy({
    backends: [{ host: "127.0.0.1", port: freePort() }],
    args: ["-u", "nobody", "-p", "x", "--http", "127.0.0.1:0"],
  });
  await until("the reason is told", async () => {
    const answer = await get(proxy, "/readyz");
    return answer.status === 503 && (await answer.text()).includes("no server was reached");
  });
});

test("/readyz says which servers take no statements, and why", async () => {
  const { server } = await subject(kinds[0]!);
  using way = await StallingProxy.start(server.port);
  await using proxy = await startProxy({
    backends: [{ host: "127.0.0.1", port: way.port }],
    args: [...ownAccount(server), "--http", "127.0.0.1:0"],
    // The server says itself that it is on another port.
    config: '[monitor]\ninterval = "100ms"\n[cluster]\ndiscover = false\n',
  });
  await until("it is ready", async () => (await get(proxy, "/readyz")).status === 200);
  const name = `127.0.0.1:${way.port}`;
  way[Symbol.dispose](); // nobody listens there any more
  let text = "";
  await until("it is not", async () => {
    const answer = await get(proxy, "/readyz");
    text = await answer.text();
    return answer.status === 503 && text.includes(`${name} is down`);
  }).catch(() => expect(text).toBe(""));
  const lines = text.trimEnd().split("\n");
  expect(lines.slice(0, 2)).toEqual(["not ready", "no server takes statements"]);
  expect(lines[2]).toStartWith(`${name} is down: `);
});

test("the tables are for nobody where http.api says so", async () => {
  const { server } = await subject(kinds[0]!);
  await using proxy = await ownProxy(server, {
    args: ["--http", "127.0.0.1:0"],
    config: '[http]\napi = "off"\n',
  });
  for (const path of ["/api", "/api/frontends"]) {
    expect((await get(proxy, path)).status).toBe(403);
  }
  expect((await get(proxy, "/metrics")).status).toBe(200);
});
