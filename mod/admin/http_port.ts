// The HTTP port: is the proxy alive, may it get traffic, what does it know of itself and its servers.

import type { ListenAddress } from "../config/mod.ts";
import { ListenError } from "../net/mod.ts";
import { metricsText } from "./metrics_text.ts";
import { readiness } from "./readiness.ts";
import { TABLES } from "./schema.ts";
import { makeSource, type Table } from "./table.ts";
import type { AdminView } from "./view.ts";

/** An open HTTP port. */
export interface HttpPort {
  readonly url: string;
  close(): void;
}

/**
 * Opens the HTTP port: `/livez` answers 200 while the process does; `/readyz` 200 while new
 * sessions are accepted and a server is there for them, else 503 and why; `/metrics` for Prometheus;
 * `/api/TABLE` a table of the admin port as JSON.
 *
 * @throws {ListenError} If the address cannot be listened on.
 */
export function openHttpPort(address: ListenAddress, view: AdminView): HttpPort {
  const { running } = view;
  const { api } = running.config.http;
  const mayRead = (request: Request, server: Bun.Server<undefined>) => {
    if (api !== "local" || address.kind === "unix") return api !== "off";
    const client = server.requestIP(request)?.address ?? "";
    return /^(?:::ffff:)?127\.|^::1$/.test(client);
  };
  const routes = {
    "/livez": () => new Response("ok\n"),
    "/readyz": () => {
      const reasons = readiness(running);
      if (reasons.length === 0) return new Response("ok\n");
      return new Response(`not ready\n${reasons.join("\n")}\n`, { status: 503 });
    },
    "/metrics": async () =>
      new Response(await metricsText(view), { headers: { "content-type": METRICS_TYPE } }),
    "/api": (request: Request, server: Bun.Server<undefined>) =>
      mayRead(request, server) ? Response.json(TABLES.map(({ name }) => name)) : forbidden(),
    "/api/:table": async (
      request: Bun.BunRequest<"/api/:table">,
      server: Bun.Server<undefined>,
    ) => {
      if (!mayRead(request, server)) return forbidden();
      const table = TABLES.find(({ name }) => name === request.params.table);
      return table ? Response.json(await objectsOf(table, view)) : notFound();
    },
  };
  try {
    const server = address.kind === "unix"
      ? Bun.serve({ unix: address.path, routes, fetch: notFound })
      : Bun.serve({ hostname: address.host, port: address.port, routes, fetch: notFound });
    return { url: String(server.url), close: () => void server.stop(true) };
  } catch (error) {
    throw new ListenError(`Cannot listen for HTTP: ${(error as Error).message}`);
  }
}

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function notFound(): Response {
  return new Response("not found\n", { status: 404 });
}

function forbidden(): Response {
  return new Response("not for you: see http.api\n", { status: 403 });
}

/** Rows as objects by column. */
async function objectsOf(table: Table, view: AdminView): Promise<readonly object[]> {
  const rows = await table.read(makeSource(view));
  return rows.map((row) =>
    Object.fromEntries(table.columns.map(({ name }, at) => [name, row[at]]))
  );
}
