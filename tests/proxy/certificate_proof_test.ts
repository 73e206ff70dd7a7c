// MariaDB's connector for Node trusts a self-made certificate if who shows it proves to know the
// account's password. It asks for that from version 11.4.1 of the server on.

import { expect, test } from "bun:test";
import { createConnection } from "mariadb";
import type { Account } from "../servers/mod.ts";
import { startServer } from "../servers/mod.ts";
import { kinds, ownAccount, ownProxy } from "./subjects.ts";

/** Logs in demanding a certificate that can be trusted. */
async function outcome(account: Account, port: number, password = account.password) {
  const login = createConnection({
    host: "127.0.0.1",
    port,
    user: account.user,
    password,
    ssl: { rejectUnauthorized: true },
  });
  try {
    const connection = await login;
    const [row] = await connection.query("SELECT CURRENT_USER() AS who");
    await connection.end();
    return `in as ${row.who}`;
  } catch (error) {
    return (error as Error).message;
  }
}

if (kinds.includes("mariadb")) {
  test("the self-made certificate is trusted by those who know the password", async () => {
    await using server = await startServer("mariadb", {
      extraConfig: ["version = 11.4.2-MariaDB"],
    });
    const { app, native } = server.accounts;
    await using synced = await ownProxy(server, { args: ownAccount(server) });
    await synced.untilLogged(/mode=synced/);
    for (const account of [app, native!]) {
      expect([account.plugin, await outcome(account, synced.port)]).toEqual([
        account.plugin,
        `in as ${account.user}@%`,
      ]);
      expect(await outcome(account, synced.port, "wrong")).toMatch(/Self signed|Access denied/);
    }
    await using fixed = await ownProxy(server, {
      config: '[[user]]\nname = "app"\npassword = "app"\nplugin = "mysql_native_password"\n',
    });
    expect(await outcome(app, fixed.port)).toBe("in as app@%");
    // In relay mode the proxy knows no password, so it can prove nothing.
    await using relay = await ownProxy(server);
    expect(await outcome(app, relay.port)).toMatch(/[Ss]elf.signed/);
  });
}
