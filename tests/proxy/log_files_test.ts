// Log files of a running proxy that are moved away, by others and by itself, and disks that do not keep
// up: no line is lost without a word.

import { describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { kinds, loginAs, ownProxy, subject, until } from "./subjects.ts";

function folder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "mp-logs-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** The numbers in the statements of all of a log's files, in order. */
function numbersIn(path: string, log: string): readonly number[] {
  return readdirSync(path).filter((name) => name.startsWith(log))
    .flatMap((name) => [
      ...readFileSync(join(path, name), "utf8").matchAll(/SELECT (\d+), 'of many'/g),
    ])
    .map(([, digits]) => Number(digits)).sort((one, other) => one - other);
}

for (const workers of [1, 2]) {
  test(`moved files are let go of by SIGHUP and PROXYSQL FLUSH LOGS, ${workers} worker(s)`, async () => {
    const { server } = await subject(kinds[0]!);
    using place = folder();
    await using proxy = await ownProxy(server, {
      args: ["--workers", String(workers), "--admin", "127.0.0.1:0"],
      config: `[audit]\nfile = "${place.path}/audit.log"\n` +
        `[slow_log]\nfile = "${place.path}/slow.log"\nthreshold = "0ms"\n`,
    });
    const port = await proxy.loggedPort("admin port");
    using admin = await loginAs({ user: "admin", password: "" }, { port });
    const names = ["audit.log", "slow.log"].flatMap((name) =>
      workers === 1 ? [name] : [`${name}.0`, `${name}.1`]
    );
    names.push("audit.log.admin");
    const at = (name: string) => join(place.path, name);
    const clients = await Promise.all(
      Array.from({ length: 16 }, () => loginAs(server.accounts.app, proxy)),
    );
    let next = 0;
    let goesOn = true;
    const load = clients.map(async (client) => {
      while (goesOn) await client.query(`SELECT ${next++}, 'of many'`);
    });
    const orders = [
      async () => {
        process.kill(proxy.pid, "SIGHUP");
        await proxy.untilLogged(/log files opened again/);
      },
      async () => void await admin.query("PROXYSQL FLUSH LOGS"),
    ];
    for (const [turn, order] of orders.entries()) {
      for (const name of names) renameSync(at(name), `${at(name)}.aside${turn}`);
      const before = next;
      await until("the moved files are written to", () => next > before + 100);
      await order();
      for (const name of names) expect(existsSync(at(name))).toBe(true);
      const sizes = () => names.map((name) => readFileSync(`${at(name)}.aside${turn}`).length);
      const whenOpened = sizes();
      await admin.query("SET log.level = 'info'");
      await until(
        "the new files have lines",
        () =>
          names.every((name) =>
            readFileSync(at(name), "utf8").includes('"user":"a') ||
            readFileSync(at(name), "utf8").includes("# User@Host: app")
          ),
      );
      expect(sizes()).toEqual(whenOpened);
    }
    goesOn = false;
    await Promise.all(load);
    for (const client of clients) client.close();
    await proxy.stop();
    const all = Array.from({ length: next }, (_, number) => number);
    expect(numbersIn(place.path, "audit.log")).toEqual(all);
    expect(numbersIn(place.path, "slow.log")).toEqual(all);
    const slowLogs = names.filter((name) => name.startsWith("slow.log"));
    for (const name of slowLogs) {
      expect(readFileSync(at(name), "utf8")).toStartWith("/usr/local/bin/mysqlproxy, Version:");
    }
  });
}

test("files are put aside by their age, compressed, and no line is lost", async () => {
  const { server } = await subject(kinds[0]!);
  using place = folder();
  await using proxy = await ownProxy(server, {
    config: `[audit]\nfile = "${place.path}/audit.log"\nage_max = "500ms"\nkeep = 1000\n`,
  });
  using client = await loginAs(server.accounts.app, proxy);
  const aside = () => readdirSync(place.path).filter((name) => /^audit\.log\.\d/.test(name)).sort();
  let next = 0;
  await until("three have been put aside", async () => {
    await client.query(`SELECT ${next++}, 'of many'`);
    return aside().filter((name) => name.endsWith(".gz")).length >= 3;
  });
  client.close();
  await proxy.stop();
  for (const name of aside()) expect(name).toMatch(/^audit\.log\.\d{8}T\d{9}Z\.gz$/);
  const texts = [...aside(), "audit.log"].map((name) => {
    const bytes = readFileSync(join(place.path, name));
    return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  });
  const numbers = [...texts.join("").matchAll(/SELECT (\d+), 'of many'/g)]
    .map(([, digits]) => Number(digits));
  expect(numbers).toEqual(Array.from({ length: next }, (_, number) => number));
});

describe("a disk that does not keep up", () => {
  /** Entries that fill a pipe and the buffer before it. */
  const ENTRIES = 4000;

  /** A log that nobody reads at first: a pipe takes 64 KiB and then no more. */
  async function slowLog(overflow: "drop" | "block") {
    const { server } = await subject(kinds[0]!);
    const place = folder();
    const path = join(place.path, "audit.log");
    await Bun.spawn(["mkfifo", path]).exited;
    // Open for both: neither this nor the proxy's opening waits for the other end.
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const proxy = await ownProxy(server, {
      args: ["--admin", "127.0.0.1:0"],
      config: `[pool]\nmode = "transaction"\n[audit]\nfile = "${path}"\nbuffer_max = "64KiB"\n` +
        `overflow = "${overflow}"\n`,
    });
    let text = "";
    const piece = Buffer.alloc(65_536);
    return {
      server,
      proxy,
      /** All that has come so far; what waits in the pipe is taken out of it. */
      read() {
        for (;;) {
          try {
            text += piece.toString("latin1", 0, readSync(pipe, piece));
          } catch (error) {
            if ((error as { readonly code?: string }).code === "EAGAIN") return text;
            throw error;
          }
        }
      },
      async [Symbol.asyncDispose]() {
        await proxy.stop();
        closeSync(pipe);
        place[Symbol.dispose]();
      },
    };
  }

  const entriesOf = (text: string) =>
    text.trimEnd().split("\n").filter((line) => line !== "").map((line) =>
      JSON.parse(line) as {
        readonly event: string;
        readonly count?: number;
        readonly text?: string;
      }
    );

  test("drop: clients go on, what is missing is counted, and said in the log", async () => {
    await using log = await slowLog("drop");
    const { server, proxy } = log;
    const port = await proxy.loggedPort("admin port");
    using admin = await loginAs({ user: "admin", password: "" }, { port });
    using client = await loginAs(server.accounts.app, proxy);
    for (let i = 0; i < ENTRIES; i++) await client.query(`SELECT ${i}, 'of many'`);
    const [[, value]] = await admin.query("SHOW COUNTERS LIKE 'log_entries_dropped'") as [
      [string, string],
    ];
    const dropped = Number(value);
    expect(dropped).toBeGreaterThan(0);
    let told = 0;
    let written = 0;
    await until("the log says how many", async () => {
      await client.query("SELECT 'again'");
      const entries = entriesOf(log.read().replace(/[^\n]*$/, ""));
      told = entries.reduce(
        (sum, { event, count = 0 }) => event === "dropped" ? sum + count : sum,
        0,
      );
      written = entries.filter(({ text }) => text?.endsWith("'of many'")).length;
      return told >= dropped;
    });
    expect(written + dropped).toBe(ENTRIES);
  });

  test("block: clients wait for it, and nothing is missing", async () => {
    await using log = await slowLog("block");
    const { server, proxy } = log;
    using client = await loginAs(server.accounts.app, proxy);
    let done = 0;
    const all = (async () => {
      for (; done < ENTRIES; done++) await client.query(`SELECT ${done}, 'of many'`);
    })();
    // The only process stands still: its processor time does, too.
    let before = [-1, -1];
    await until("it waits", async () => {
      await Bun.sleep(200);
      const now = [done, proxy.cpuMicros()];
      const isSame = now.join() === before.join();
      before = now;
      return isSame && done > 0;
    });
    expect(done).toBeLessThan(ENTRIES);
    await Promise.race([
      all,
      until("nothing is left", () => {
        log.read();
        return done === ENTRIES;
      }, 60_000),
    ]);
    await all;
    await until("all is written", () => log.read().includes(`SELECT ${ENTRIES - 1}, `));
    const texts = entriesOf(log.read()).flatMap(({ text = "" }) =>
      text.endsWith("'of many'") ? text : []
    );
    expect(texts).toEqual(Array.from({ length: ENTRIES }, (_, i) => `SELECT ${i}, 'of many'`));
  });
});

test("the admin port's audit log comes and goes with the configuration", async () => {
  const { server } = await subject(kinds[0]!);
  using place = folder();
  await using proxy = await ownProxy(server, { args: ["--admin", "127.0.0.1:0"] });
  const port = await proxy.loggedPort("admin port");
  using admin = await loginAs({ user: "admin", password: "" }, { port });
  await admin.query("SELECT 'before'");
  const orders = [
    `SET audit.file = '${place.path}/one'`,
    "SELECT 'in one'",
    `SET audit.file = '${place.path}/two'`,
    "SELECT 'in two'",
    "SET audit.file = ''",
    "SELECT 'behind'",
  ];
  for (const order of orders) await admin.query(order);
  await proxy.stop();
  const texts = (name: string) =>
    readFileSync(join(place.path, `${name}.admin`), "utf8").trimEnd().split("\n").map((line) =>
      (JSON.parse(line) as { readonly text: string }).text
    );
  // Who turns it off, or leads it elsewhere, is in the one of before.
  expect(texts("one")).toEqual(orders.slice(0, 3));
  expect(texts("two")).toEqual(orders.slice(3, 5));
});
