// One server of each kind for a whole `bun test` run: started when first asked for, ended with the
// run by its supervisor.

import { whyMissing } from "../setup/cache.ts";
import type { ServerKind } from "./accounts.ts";
import { type RealServer, startServer } from "./real_server.ts";

// Bun gives each test file module instances of its own; the servers live on the global object.
const shared: Map<ServerKind, Promise<RealServer>> =
  ((globalThis as Record<symbol, unknown>)[Symbol.for("mysqlproxy.tests.servers")] ??= new Map<
    ServerKind,
    Promise<RealServer>
  >()) as Map<ServerKind, Promise<RealServer>>;

/** The run's server of `kind`. Throws an Error where it is not installed. */
export function sharedServer(kind: ServerKind): Promise<RealServer> {
  let server = shared.get(kind);
  if (server === undefined) {
    server = startServer(kind);
    shared.set(kind, server);
  }
  return server;
}

/** The kinds of server this machine has; each missing one is printed as skipped. */
export function serverKinds(): ServerKind[] {
  return (["mariadb", "mysql"] as const).filter((kind) => {
    const why = whyMissing(kind);
    if (why !== null) console.log(`skipped: ${kind}: ${why}`);
    return why === null;
  });
}

/** The run's servers, of each kind this machine has. */
export function sharedServers(): Promise<RealServer[]> {
  return Promise.all(serverKinds().map(sharedServer));
}

/** Makes `name` an empty database on `server`, and returns it. */
export async function freshDatabase(server: RealServer, name: string): Promise<string> {
  await server.sql(`DROP DATABASE IF EXISTS \`${name}\``);
  await server.sql(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4`);
  return name;
}
