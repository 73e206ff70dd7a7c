// Ways to reach the proxy and its servers, and whose address the server sees.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeProxyHeader } from "../../mod/net/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import { startProxy } from "../proxy_process.ts";
import { type RealServer, startServer } from "../servers/mod.ts";
import { whyMissing } from "../setup/cache.ts";
import { RawClient } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, sharedProxy, subject, until } from "./subjects.ts";

const ipv6 = hasIpv6() ? test : test.skip;
const noSs = whyMissing("ss");
if (noSs !== null) console.log(`skipped: ${noSs}`);
const withSs = noSs === null ? test : test.skip;

/** Whether this machine has IPv6 on loopback; said where it has none. */
function hasIpv6(): boolean {
  try {
    Bun.listen({ hostname: "::1", port: 0, socket: { data() {} } }).stop(true);
    return true;
  } catch (error) {
    console.log(`skipped: IPv6: ${(error as Error).message}`);
    return false;
  }
}

/** Another address that the proxy listens on: the port it was given. */
async function portOf(proxy: ProxyProcess, address: string): Promise<number> {
  const pattern = new RegExp(`listening .*address=${address.replace(/[[\].]/g, "\\$&")}:(\\d+)`);
  const line = await proxy.untilLogged(pattern);
  return Number(line.match(pattern)![1]);
}

/** The host column of SHOW PROCESSLIST for this client, as the client itself gets it. */
async function shownHost(client: RawClient): Promise<string> {
  const rows = await client.query("SHOW PROCESSLIST");
  return rows.find((row) => row[0] === String(client.greeting.threadId))![2]!;
}

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let folder: string;

    beforeAll(async () => {
      ({ server } = await subject(kind));
      folder = mkdtempSync(join(tmpdir(), "mp-addr-"));
    });

    afterAll(() => rmSync(folder, { recursive: true }));

    ipv6("clients over IPv6", async () => {
      const proxy = await sharedProxy(server, ["-l", "[::1]:0"]);
      const port = await portOf(proxy, "[::1]");
      using client = await loginAs(server.accounts.app, { port }, { host: "::1" });
      expect(await client.value("SELECT 1")).toBe("1");
      expect(await shownHost(client)).toBe(`::1:${client.socket.localPort}`);
    });

    test("clients over a unix socket", async () => {
      const path = join(folder, "proxy.sock");
      const proxy = await ownProxy(server, { args: ["-l", `unix:${path}`] });
      for (const account of [server.accounts.app, server.accounts.nopass]) {
        using client = await loginAs(account, { port: 0 }, { path });
        expect(await client.value("SELECT CURRENT_USER()")).toBe(`${account.user}@%`);
        expect(await shownHost(client)).toBe("localhost");
      }
      await proxy.stop();
      expect(existsSync(path)).toBe(false);
    });

    test("a stale socket file is replaced, one in use is not", async () => {
      const path = join(folder, "stale.sock");
      await Bun.write(path, "");
      const first = await ownProxy(server, { args: ["-l", `unix:${path}`] });
      using client = await loginAs(server.accounts.app, { port: 0 }, { path });
      expect(await client.value("SELECT 1")).toBe("1");
      const second = await ownProxy(server, { args: ["-l", `unix:${path}`] }).then(
        () => "started",
        (error: Error) => error.message,
      );
      expect(second).toContain("the address is in use");
      expect(await client.value("SELECT 1")).toBe("1");
      await first.stop();
    });

    test("a server on a unix socket", async () => {
      await using proxy = await startProxy({
        backends: [],
        args: ["-b", `unix:${server.socket}`],
      });
      for (const tls of [false, true]) {
        using client = await loginAs(server.accounts.app, proxy, { tls });
        expect(await client.value("SELECT CURRENT_USER()")).toBe("app@%");
      }
      const wrong = loginAs({ user: "app", password: "wrong" }, proxy);
      expect(wrong).rejects.toThrow("Access denied");
      await wrong.catch(() => {});
    });

    test("a server by its name", async () => {
      await using proxy = await startProxy({
        backends: [{ host: "localhost", port: server.port }],
      });
      using client = await loginAs(server.accounts.app, proxy);
      expect(await client.value("SELECT 1")).toBe("1");
    });

    test("a name that nobody knows gives an error with the name", async () => {
      await using proxy = await startProxy({
        backends: [{ host: "no-such-host.invalid", port: 3306 }],
      });
      const client = await RawClient.open({ port: proxy.port, user: "", password: "" });
      const { payload } = await client.packets.read();
      expect(payload[0]).toBe(0xff);
      expect(payload.readUInt16LE(1)).toBe(1429);
      expect(payload.toString()).toContain("no-such-host.invalid");
      client.close();
    });

    describe("PROXY protocol in", () => {
      const v1 = Buffer.from("PROXY TCP4 203.0.113.7 198.51.100.1 4567 3306\r\n");
      const v1six = Buffer.from("PROXY TCP6 2001:db8::7 2001:db8::1 4567 3306\r\n");
      const unknown = Buffer.from("PROXY UNKNOWN\r\n");
      const v2 = encodeProxyHeader(
        { address: "203.0.113.8", port: 4568 },
        { address: "198.51.100.1", port: 3306 },
      );
      const v2six = encodeProxyHeader(
        { address: "2001:db8::8", port: 4569 },
        { address: "2001:db8::1", port: 3306 },
      );
      const local = encodeProxyHeader({ address: "", port: 0 }, { address: "", port: 0 });

      test("from a trusted network, versions 1 and 2, IPv4 and IPv6", async () => {
        const proxy = await sharedProxy(server, ["--proxy-protocol", "127.0.0.0/8"]);
        for (
          const [preamble, host] of [
            [v1, "203.0.113.7:4567"],
            [v1six, "2001:db8::7:4567"],
            [v2, "203.0.113.8:4568"],
            [v2six, "2001:db8:0:0:0:0:0:8:4569"],
            [unknown, "own"],
            [local, "own"],
          ] as const
        ) {
          using client = await loginAs(server.accounts.app, proxy, { preamble });
          const expected = host === "own" ? `127.0.0.1:${client.socket.localPort}` : host;
          expect(await shownHost(client)).toBe(expected);
        }
        using secure = await loginAs(server.accounts.app, proxy, { preamble: v2, tls: true });
        expect(await shownHost(secure)).toBe("203.0.113.8:4568");
      });

      test("a trusted client without a header is not let in", async () => {
        const proxy = await sharedProxy(server, ["--proxy-protocol", "127.0.0.0/8"]);
        const client = await RawClient.open({ port: proxy.port, user: "", password: "" });
        client.sendBytes(Buffer.from("\x20\0\0\x01 this is no header"));
        await client.closed;
      });

      test("from anybody else a header is garbage", async () => {
        const proxy = await sharedProxy(server, ["--proxy-protocol", "192.0.2.0/24"]);
        const liar = loginAs(server.accounts.app, proxy, { preamble: v1 });
        expect(liar).rejects.toThrow();
        await liar.catch(() => {});
        using honest = await loginAs(server.accounts.app, proxy);
        expect(await shownHost(honest)).toBe(`127.0.0.1:${honest.socket.localPort}`);
      });

      ipv6("an IPv6 listener that takes IPv4 clients knows the network of theirs", async () => {
        await using proxy = await ownProxy(server, {
          args: ["-l", "[::]:0", "--proxy-protocol", "127.0.0.0/8"],
        });
        const port = await portOf(proxy, "[::]");
        using client = await loginAs(server.accounts.app, { port }, { preamble: v1 });
        expect(await shownHost(client)).toBe("203.0.113.7:4567");
      });
    });

    withSs("keep-alive is set on both legs", async () => {
      await using proxy = await ownProxy(server, { config: '[tcp]\nkeepalive = "30s"\n' });
      using client = await loginAs(server.accounts.app, proxy);
      const line = (filter: string) =>
        Bun.spawnSync(["ss", "-tnopH", ...filter.split(" ")]).stdout.toString();
      // Another timer is shown for as long as bytes are not acknowledged.
      await until(
        "the client's leg has keep-alive",
        () =>
          line(`sport = :${proxy.port} and dport = :${client.socket.localPort}`)
            .includes("keepalive"),
      );
      await until("the server's leg has keep-alive", () => {
        const outbound = line(`dport = :${server.port}`).split("\n")
          .filter((each) => each.includes(`pid=${proxy.pid},`));
        return outbound.length > 0 && outbound.every((each) => each.includes("keepalive"));
      });
    });
  });
}

const trusting = kinds.includes("mariadb") ? test : test.skip;

trusting("PROXY protocol out: MariaDB sees the client's own address", async () => {
  await using server = await startServer("mariadb", {
    extraConfig: ["proxy_protocol_networks = 127.0.0.0/8"],
  });
  await using proxy = await ownProxy(server, {
    args: ["--backend-proxy-protocol", "v2", "--proxy-protocol", "127.0.0.0/8"],
  });
  const preamble = Buffer.from("PROXY TCP4 203.0.113.9 198.51.100.1 4570 3306\r\n");
  using client = await loginAs(server.accounts.app, proxy, { preamble });
  const rows = await server.sql("SHOW PROCESSLIST");
  expect(rows.find((row) => row["User"] === "app")!["Host"]).toBe("203.0.113.9:4570");
  expect(await client.value("SELECT SUBSTRING_INDEX(USER(), '@', -1)")).toBe("203.0.113.9");
  const wrong = await loginAs({ user: "app", password: "wrong" }, proxy, { preamble })
    .then(() => "in", (error: Error) => error.message);
  expect(wrong).toBe("Access denied for user 'app'@'203.0.113.9' (using password: YES)");
});

trusting("who the proxy runs as is no proof of who the client is", async () => {
  await using server = await startServer("mariadb");
  const asUser = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
  await server.sql(
    `CREATE OR REPLACE USER '${asUser}'@localhost IDENTIFIED VIA unix_socket`,
  );
  await using proxy = await startProxy({ backends: [], args: ["-b", `unix:${server.socket}`] });
  const account = { user: asUser, password: "" };
  using direct = await loginAs(account, { port: 0 }, { path: server.socket });
  expect(await direct.value("SELECT CURRENT_USER()")).toBe(`${asUser}@localhost`);
  const outcome = await loginAs(account, proxy).then(() => "in", (error: Error) => error.message);
  expect(outcome).toContain("Access denied");
});

test("a server that accepts and says nothing ends in an error after connect_timeout", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  await using proxy = await startProxy({
    backends: [{ host: "127.0.0.1", port }],
    args: ["--connect-timeout", "500ms"],
  });
  const client = await RawClient.open({ port: proxy.port, user: "", password: "" });
  const started = performance.now();
  const { payload } = await client.packets.read(8000);
  expect(payload[0]).toBe(0xff);
  expect(payload.readUInt16LE(1)).toBe(1429);
  expect(performance.now() - started).toBeLessThan(5000);
  client.close();
  silent.close();
  await until("closed", () => !silent.listening);
});
