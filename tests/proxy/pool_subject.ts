// A proxy with shared pools whose account names and limits are a test's own, and its SHOW POOLS.

import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import type { RawClient } from "./raw_client.ts";
import { loginAs, ownProxy, until } from "./subjects.ts";

/** An account as both sides know it. */
export interface PoolAccount {
  readonly user: string;
  readonly password: string;
}

/** Makes an account that only one test uses: all its threads are that test's. */
export async function accountOf(
  server: RealServer,
  user: string,
  limits = "",
): Promise<PoolAccount> {
  await server.sql(`DROP USER IF EXISTS '${user}'@'%'`);
  await server.sql(`CREATE USER '${user}'@'%' IDENTIFIED BY '${user}' ${limits}`);
  await server.sql(`GRANT ALL ON *.* TO '${user}'@'%'`);
  return { user, password: user };
}

/** A proxy in transaction mode with an admin port. */
export interface PoolSubject extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  /** A client of the admin port. */
  readonly admin: RawClient;
  /** A row of SHOW POOLS by column; undefined where the account has no pool. */
  pool(account: PoolAccount): Promise<Readonly<Record<string, string>> | undefined>;
  /** A number of that row. Throws an Error where there is no such pool. */
  number(account: PoolAccount, column: string): Promise<number>;
  /** A number of SHOW COUNTERS. Throws an Error where there is none of that name. */
  counter(name: string): Promise<number>;
}

/**
 * Starts one that knows the passwords of accounts; without accounts the server's own word decides
 * about each login.
 */
export async function poolSubject(server: RealServer, options: {
  readonly accounts?: readonly PoolAccount[];
  /** Lines of the [pool] section. */
  readonly pool?: string;
  /** Further lines of the file. */
  readonly config?: string;
  readonly args?: readonly string[];
  /** Who may ask at the admin port, where the proxy has an account of its own. */
  readonly admin?: PoolAccount;
  /** @default {"transaction"} */
  readonly mode?: "session" | "transaction";
}): Promise<PoolSubject> {
  const users = (options.accounts ?? []).map(({ user, password }) =>
    `[[user]]\nname = "${user}"\npassword = "${password}"\n`
  );
  const proxy = await ownProxy(server, {
    args: ["--admin", "127.0.0.1:0", ...options.args ?? []],
    config:
      `${users.join("")}[pool]\nmode = "${options.mode ?? "transaction"}"\n${
        options.pool ?? ""
      }\n` +
      `${options.config ?? ""}`,
  });
  const port = await proxy.loggedPort("admin port");
  const admin = await loginAs(options.admin ?? { user: "admin", password: "" }, { port });
  const pool = async ({ user }: PoolAccount) => {
    const [result] = await admin.results("SHOW POOLS");
    const rows = result!.rows.map((row) =>
      Object.fromEntries(result!.columns.map((name, at) => [name, row[at] ?? ""]))
    );
    return rows.find(({ account }) => account === user);
  };
  return {
    proxy,
    admin,
    pool,
    async number(account, column) {
      const found = await pool(account);
      if (found?.[column] === undefined) throw new Error(`No ${column} of ${account.user}`);
      return Number(found[column]);
    },
    async counter(name) {
      const found = (await admin.query("SHOW COUNTERS")).find(([each]) => each === name);
      if (found === undefined) throw new Error(`No counter ${name}`);
      return Number(found[1]);
    },
    async [Symbol.asyncDispose]() {
      admin.close();
      await proxy.stop();
    },
  };
}

/** Threads that an account has on the server. */
export async function threadsOf(server: RealServer, { user }: PoolAccount): Promise<number> {
  const rows = await server.sql("SHOW PROCESSLIST");
  return rows.filter((row) => row["User"] === user).length;
}

/** Waits until an account has so many threads. */
export async function untilThreads(
  server: RealServer,
  account: PoolAccount,
  count: number,
): Promise<void> {
  await until(
    `${account.user} has ${count} threads`,
    async () => await threadsOf(server, account) === count,
  );
}

/** The server's own id of the thread that a statement runs on. */
export const THREAD = "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()";
