// Digests of the audit log are those of the table `digests`, and of the server where it has some.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

/** Digests of the lines of all workers that have a text in them, in no order. */
function digestsIn(folder: string, part: string): readonly string[] {
  return readdirSync(folder).filter((name) => /^audit\.log(\.\d)?$/.test(name))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line.includes(part))
    .map((line) => (JSON.parse(line) as { readonly digest: string }).digest);
}

for (const kind of kinds) {
  for (const workers of ["1", "2"]) {
    test(`${kind}: the audit log has the digests of the table, ${workers} worker(s)`, async () => {
      const { server } = await subject(kind);
      const folder = mkdtempSync(join(tmpdir(), "mp-digests-"));
      try {
        await using proxy = await ownProxy(server, {
          args: [...ownAccount(server), "--admin", "127.0.0.1:0", "--workers", workers],
          config: '[pool]\nmode = "transaction"\n',
        });
        await proxy.untilLogged(/mode=synced/);
        const port = await proxy.loggedPort("admin port");
        using admin = await loginAs(server.accounts.monitor, { port });
        const clients = await Promise.all(
          Array.from({ length: 8 }, () => loginAs(server.accounts.app, proxy)),
        );
        const run = async (text: string) => {
          for (const client of clients) await client.query(text);
        };
        const table = (part: string) =>
          admin.value(`SELECT max(digest) FROM digests WHERE text LIKE '%${part}%'`);
        const isKnown = async (part: string) =>
          Number(
            await admin.value(`SELECT max(of_server) FROM digests WHERE text LIKE '%${part}%'`),
          );
        await run("SELECT 1 AS before_the_log");
        await until("it is counted", async () => await table("before_the_log") !== null);
        if (kind === "mysql") {
          await until("the server was asked", async () => await isKnown("before_the_log") === 1);
        }
        // What was known before there was a log.
        await admin.query(`SET audit.file = '${folder}/audit.log'`);
        await run("SELECT 2 AS before_the_log");
        await until("lines are there", () => digestsIn(folder, "before_the_log").length === 8);
        const known = await table("before_the_log");
        expect(new Set(digestsIn(folder, "before_the_log"))).toEqual(new Set([known!]));
        // And what comes to be known while there is one.
        await run("SELECT 3 AS with_the_log");
        await until("it is counted", async () => await table("with_the_log") !== null);
        if (kind === "mysql") {
          await until("the server was asked", async () => await isKnown("with_the_log") === 1);
        }
        await run("SELECT 4 AS with_the_log");
        await until("lines are there", () => digestsIn(folder, "SELECT 4").length === 8);
        const learned = await table("with_the_log");
        expect(new Set(digestsIn(folder, "SELECT 4"))).toEqual(new Set([learned!]));
        if (kind === "mysql") {
          const [row] = await server.sql(
            "SELECT STATEMENT_DIGEST('SELECT 9 AS with_the_log') AS d",
          );
          expect(learned).toBe(String(row!["d"]));
        }
        for (const client of clients) client.close();
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
}
