// Keys that change how sessions, servers and workers are set up: new sessions get them at once, those
// that are there go on.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allKeys, isLive } from "../../mod/config/mod.ts";
import { workerOf } from "../../mod/session/mod.ts";
import { childrenOf, type ProxyProcess, startProxy } from "../proxy_process.ts";
import { type RealServer, startServer } from "../servers/mod.ts";
import { RawClient, refusal } from "./raw_client.ts";
import { kinds, loginAs, subject, until } from "./subjects.ts";

let folder: string;

beforeAll(() => folder = mkdtempSync(join(tmpdir(), "mp-keys-")));
afterAll(() => rmSync(folder, { recursive: true }));

interface Place extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly admin: RawClient;
  readonly file: string;
  /** Puts a text in force. */
  apply(text: string): Promise<void>;
}

/**
 * A proxy with a file of its own, `text` behind what says who may come in to the admin port.
 *
 * @param ownWorkers It has one worker to begin with, and more if it is told so.
 */
async function place(server: RealServer, text: string, ownWorkers = false): Promise<Place> {
  const file = join(folder, `${Math.random()}.toml`);
  const whole = (rest: string) => `[admin]\npassword = "p"\n${rest}`;
  writeFileSync(file, (ownWorkers ? "workers = 1\n" : "") + whole(text));
  const proxy = await startProxy({
    backends: [server],
    args: ["-c", file, "--admin", "127.0.0.1:0"],
    ownWorkers,
  });
  const port = await proxy.loggedPort("admin port");
  const admin = await RawClient.connect({ port, user: "admin", password: "p" });
  return {
    proxy,
    admin,
    file,
    apply: async (text) => void await admin.query(`CONFIG APPLY '${whole(text)}'`),
    async [Symbol.asyncDispose]() {
      admin[Symbol.dispose]();
      await proxy.stop();
    },
  };
}

const account = ({ accounts: { monitor } }: RealServer) =>
  `[account]\nuser = "${monitor.user}"\npassword = "${monitor.password}"\n`;

/** The server's ids of its connection for several statements of a client. */
async function threadsOf(client: RawClient): Promise<Set<string | null>> {
  const threads = new Set<string | null>();
  for (let i = 0; i < 5; i++) threads.add(await client.value("SELECT @@pseudo_thread_id"));
  return threads;
}

test("only listeners take a restart", () => {
  expect(allKeys().filter((key) => !isLive(key)).map(({ path }) => path))
    .toEqual(["listen", "admin.listen", "admin.socket", "http.listen"]);
});

for (const kind of kinds) {
  test(`${kind}: pool.mode, there and back: each session as it began`, async () => {
    const { server } = await subject(kind);
    const { app } = server.accounts;
    await using here = await place(server, '[pool]\nmode = "session"\n');
    const { proxy, admin, apply } = here;
    const shared = async () =>
      Number(await admin.value("SELECT ifnull(sum(running + idle), 0) FROM pools"));
    using own = await loginAs(app, proxy);
    await own.query("SET @mine = 1");
    expect(await shared()).toBe(0);
    await apply('[pool]\nmode = "transaction"\n');
    using first = await loginAs(app, proxy);
    using second = await loginAs(app, proxy);
    await first.query("SET @mine = 2");
    expect(await second.value("SELECT 2")).toBe("2");
    expect(await own.value("SELECT @mine")).toBe("1");
    expect(await shared()).toBeGreaterThan(0);
    expect(await admin.value("SELECT pool_mode FROM proxy")).toBe("transaction");
    await apply('[pool]\nmode = "session"\nidle_timeout = "50ms"\n');
    using third = await loginAs(app, proxy);
    expect((await threadsOf(third)).size).toBe(1);
    expect(await first.value("SELECT @mine")).toBe("2");
    expect(await own.value("SELECT @mine")).toBe("1");
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    await until("what is left of the pool has gone", async () => await shared() === 0);
  });

  test(`${kind}: the account comes, changes and goes; a wrong one is refused`, async () => {
    const { server } = await subject(kind);
    const { app, monitor, second } = server.accounts;
    await using here = await place(server, "");
    const { proxy, admin, apply } = here;
    using client = await loginAs(app, proxy);
    const flavor = async () => await admin.value("SELECT flavor FROM proxy");
    expect(await flavor()).toBeNull();
    const wrong = await admin.query(
      `CONFIG APPLY '[admin]\npassword = "p"\n[account]\nuser = "${monitor.user}"\npassword = "no"\n'`,
    ).then(() => undefined, (error: Error) => error.message);
    expect(wrong).toContain("account: ");
    expect(await flavor()).toBeNull();
    await apply(account(server));
    await until("servers are watched", async () => (await admin.query("SHOW RW")).length === 1);
    await until(
      "accounts are read",
      () => Promise.resolve(/authentication mode=synced/.test(proxy.log())),
    );
    const events = async () => Number(await admin.value("SELECT count(*) FROM events"));
    const before = await events();
    await apply(`[account]\nuser = "${second.user}"\npassword = "${second.password}"\n`);
    await proxy.untilLogged(/the servers are watched anew/);
    expect(await events()).toBe(before);
    expect(await client.value("SELECT 'still here'")).toBe("still here");
    using other = await loginAs(app, proxy);
    expect(await other.value("SELECT 1")).toBe("1");
    await apply("");
    await until("nobody watches", async () => await flavor() === null);
    expect(await client.value("SELECT 'still here'")).toBe("still here");
    using last = await loginAs(app, proxy);
    expect(await last.value("SELECT 1")).toBe("1");
  });

  test(`${kind}: who decides about logins`, async () => {
    const { server } = await subject(kind);
    const { app } = server.accounts;
    await using here = await place(server, '[auth]\nmode = "relay"\n');
    const { proxy, apply } = here;
    using first = await loginAs(app, proxy);
    await apply('[auth]\nmode = "static"\n[[user]]\nname = "nobody"\npassword = "x"\n');
    expect((await refusal(loginAs(app, proxy))).code).toBe(1045);
    await apply('[auth]\nmode = "learned"\nlearned_ttl = "1s"\n');
    using second = await loginAs(app, proxy);
    expect(await second.value("SELECT 2")).toBe("2");
    await apply('[auth]\nmode = "relay"\n');
    using third = await loginAs(app, proxy);
    expect(await third.value("SELECT 3")).toBe("3");
    expect(await first.value("SELECT 1")).toBe("1");
  });

  test(`${kind}: reads are split, and are not; statements share connections, and do not`, async () => {
    const { server } = await subject(kind);
    const { app } = server.accounts;
    const text = (split: boolean, pipeline: string) =>
      `${account(server)}[pool]\nmode = "transaction"\npipeline = ${pipeline}\n` +
      `[route]\nsplit = ${split}\n`;
    await using here = await place(server, text(false, '"off"'));
    const { proxy, apply, admin } = here;
    using first = await loginAs(app, proxy);
    await first.query("CREATE TABLE IF NOT EXISTS test.live_keys (id INT PRIMARY KEY)");
    const routes = async () => (await admin.query("SHOW ROUTES").then((rows) =>
      rows.length, () => 0));
    expect(await first.value("SELECT count(*) FROM test.live_keys")).toBe("0");
    expect(await routes()).toBe(0);
    await apply(text(true, "4"));
    using second = await loginAs(app, proxy);
    await until("statements are routed", async () => {
      await second.value("SELECT count(*) FROM test.live_keys");
      return await routes() > 0;
    });
    expect(await first.value("SELECT count(*) FROM test.live_keys")).toBe("0");
    await apply(text(false, '"auto"'));
    expect(await second.value("SELECT count(*) FROM test.live_keys")).toBe("0");
    await apply(text(true, '"off"'));
    expect(await second.value("SELECT count(*) FROM test.live_keys")).toBe("0");
    expect(await first.value("SELECT count(*) FROM test.live_keys")).toBe("0");
    await first.query("DROP TABLE test.live_keys");
  });
}

test("workers: more and fewer while clients connect, ask and leave", async () => {
  const { server } = await subject(kinds[0]!);
  const { app } = server.accounts;
  await using here = await place(server, "", true);
  const { proxy, admin } = here;
  const resize = (workers: number) => admin.query(`SET workers = ${workers}`);
  using stays = await loginAs(app, proxy);
  let ended = false;
  let connects = 0;
  const errors: string[] = [];
  const load = Array.from({ length: 6 }, async () => {
    while (!ended) {
      try {
        using client = await loginAs(app, proxy);
        await client.value("SELECT 1");
        connects++;
      } catch (error) {
        errors.push((error as Error).message);
      }
    }
  });
  const workers = async () => Number(await admin.value("SELECT count(*) FROM workers"));
  for (const wanted of [2, 1, 3, 2, 1, 2]) {
    await resize(wanted);
    await until(`${wanted} workers`, async () => await workers() === wanted);
    const before = connects;
    await until("the load goes on", () => Promise.resolve(connects > before + 100));
  }
  // Clients of a worker that leaves stay with it.
  const clients: RawClient[] = [];
  const workerNumber = ({ greeting }: RawClient) => workerOf(greeting.threadId);
  await until("a client of the second worker", async () => {
    clients.push(await loginAs(app, proxy));
    return new Set(clients.map(workerNumber)).size === 2;
  });
  await resize(1);
  for (const client of clients) expect(await client.value("SELECT 7")).toBe("7");
  expect(childrenOf(proxy.pid).length).toBe(1);
  const [one, other] = [
    stays,
    clients.find((client) => workerNumber(client) !== workerNumber(stays))!,
  ];
  // They are still one proxy.
  const list = await one.query("SHOW PROCESSLIST");
  expect(list.map(([id]) => id)).toContain(String(other.greeting.threadId));
  await one.query(`KILL ${other.greeting.threadId}`);
  for (const client of clients) client.close();
  await until(
    "the process has ended",
    () => Promise.resolve(childrenOf(proxy.pid).length === 0),
  );
  ended = true;
  await Promise.all(load);
  expect(errors).toEqual([]);
  expect(await stays.value("SELECT 'still here'")).toBe("still here");
}, 90_000);

test("watch: a file is watched as long as it is to be", async () => {
  const { server } = await subject(kinds[0]!);
  await using here = await place(server, "");
  const { proxy, admin, file } = here;
  const write = (clients: number) =>
    writeFileSync(file, `[admin]\npassword = "p"\n[limits]\nclients_max = ${clients}\n`);
  const clientsMax = () =>
    admin.value("SELECT value FROM properties WHERE name = 'limits.clients_max'");
  await admin.query("SET watch = true");
  write(7);
  // The file does not say `watch`: applied, it ends that.
  await proxy.untilLogged(
    /by=file keys="limits.clients_max, watch"|by=file keys="watch, limits.clients_max"/,
  );
  expect(await clientsMax()).toBe("7");
  write(8);
  await admin.query("SET watch = true");
  write(9);
  await until("the file is applied", async () => await clientsMax() === "9");
});

if (kinds.includes("mariadb")) {
  test("mariadb: PROXY headers to servers, there and back", async () => {
    await using server = await startServer("mariadb", {
      extraConfig: ["proxy_protocol_networks = 127.0.0.0/8"],
    });
    const { app } = server.accounts;
    await using here = await place(server, '[pool]\nmode = "transaction"\n');
    const { proxy, apply } = here;
    using first = await loginAs(app, proxy);
    expect((await threadsOf(first)).size).toBe(1);
    const headers = 'trusted = ["127.0.0.0/8"]\nbackend = "v2"\n';
    await apply(`[pool]\nmode = "transaction"\n[proxy_protocol]\n${headers}`);
    const preamble = Buffer.from("PROXY TCP4 203.0.113.9 198.51.100.1 4570 3306\r\n");
    const second = await loginAs(app, proxy, { preamble });
    expect(await second.value("SELECT SUBSTRING_INDEX(USER(), '@', -1)")).toBe("203.0.113.9");
    second[Symbol.dispose]();
    await apply('[pool]\nmode = "session"\n');
    using third = await loginAs(app, proxy);
    // No connection that was said to be another client's.
    expect(await third.value("SELECT SUBSTRING_INDEX(USER(), '@', -1)")).not.toBe("203.0.113.9");
    expect(await first.value("SELECT 1")).toBe("1");
  });
}
