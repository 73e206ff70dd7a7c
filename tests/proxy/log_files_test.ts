// Log files of a running proxy that are moved away, by others and by itself: no line is lost.

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
