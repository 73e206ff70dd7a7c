// What proxy tests run on: the run's real servers, proxies before them shared by all files, and
// ways to wait for what a server shows.

import { type ProxyOptions, type ProxyProcess, startProxy } from "../proxy_process.ts";
import { type Account, type RealServer, serverKinds, sharedServer } from "../servers/mod.ts";
import { RawClient, type RawOptions } from "./raw_client.ts";

// Bun gives each test file module instances of its own; the proxies live on the global object.
const proxies: Map<string, Promise<ProxyProcess>> =
  ((globalThis as Record<symbol, unknown>)[Symbol.for("mysqlproxy.tests.proxies")] ??= new Map<
    string,
    Promise<ProxyProcess>
  >()) as Map<string, Promise<ProxyProcess>>;

/** The kinds of server this machine has. */
export const kinds = serverKinds();

/** Environment of a proxy: each client keeps its server connection until it leaves. */
export const SESSION_POOLING = { MYSQLPROXY_POOL_MODE: "session" } as const;

/** Environment of a proxy: sessions take turns on server connections. */
export const TRANSACTION_POOLING = { MYSQLPROXY_POOL_MODE: "transaction" } as const;

/** A proxy before the run's server of a kind, shared by all tests that want these settings. */
export async function sharedProxy(
  server: RealServer,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ProxyProcess> {
  const key = JSON.stringify([server.port, args, env]);
  let proxy = proxies.get(key);
  if (proxy === undefined) {
    proxy = startProxy({ backends: [server], args, env });
    proxies.set(key, proxy);
  }
  return await proxy;
}

/** The run's server of a kind and the shared proxy before it. */
export async function subject(
  kind: "mariadb" | "mysql",
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly server: RealServer; readonly proxy: ProxyProcess }> {
  const server = await sharedServer(kind);
  return { server, proxy: await sharedProxy(server, args, env) };
}

/** A proxy of a test's own. */
export function ownProxy(
  server: RealServer,
  options: Omit<ProxyOptions, "backends"> = {},
): Promise<ProxyProcess> {
  return startProxy({ backends: [server], ...options });
}

/** Arguments that give a proxy an account of its own, which may read the server's accounts. */
export function ownAccount(server: RealServer): string[] {
  const { user, password } = server.accounts.monitor;
  return ["-u", user, "-p", password];
}

/** A proxy that knows the server's accounts: waits until it has read them. */
export async function syncedProxy(
  server: RealServer,
  args: readonly string[] = [],
): Promise<ProxyProcess> {
  const proxy = await sharedProxy(server, [...ownAccount(server), ...args]);
  await proxy.untilLogged(/mode=synced/);
  return proxy;
}

/** Logs in with an account at a server or a proxy. */
export function loginAs(
  account: Pick<Account, "user" | "password">,
  target: { readonly port: number },
  options: Partial<RawOptions> = {},
): Promise<RawClient> {
  const { user, password } = account;
  return RawClient.connect({ port: target.port, user, password, ...options });
}

/** Asks again until the answer is true. Throws an Error with `what` after `limitMs`. */
export async function until(
  what: string,
  ask: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!await ask()) {
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await Bun.sleep(10);
  }
}

/** The server's threads whose statement contains a text. */
export async function threadsRunning(server: RealServer, text: string): Promise<number> {
  const rows = await server.sql("SHOW FULL PROCESSLIST");
  return rows.filter((row) =>
    String(row["Info"] ?? "").includes(text) &&
    !String(row["Info"]).includes("PROCESSLIST")
  ).length;
}
