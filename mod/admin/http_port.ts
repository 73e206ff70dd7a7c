// The HTTP port: is the proxy alive, may it get traffic, what does it know of its servers.

import { prometheusText } from "../cluster/mod.ts";
import type { ListenAddress } from "../config/mod.ts";
import { ListenError } from "../net/mod.ts";
import type { Running } from "../proxy/mod.ts";

/** An open HTTP port. */
export interface HttpPort {
  readonly url: string;
  close(): void;
}

/**
 * Opens the HTTP port: `/livez` answers 200 while the process does; `/readyz` 200 while new
 * sessions are accepted and a server is there for them, else 503; `/metrics` what is known of the servers,
 * for Prometheus.
 *
 * @throws {ListenError} If the address cannot be listened on.
 */
export function openHttpPort(address: ListenAddress, running: Running): HttpPort {
  const routes = {
    "/livez": () => new Response("ok\n"),
    "/readyz": () =>
      isReady(running) ? new Response("ok\n") : new Response("not ready\n", { status: 503 }),
    "/metrics": () => new Response(metrics(running), { headers: { "content-type": METRICS_TYPE } }),
  };
  const fallback = () => new Response("not found\n", { status: 404 });
  try {
    const server = address.kind === "unix"
      ? Bun.serve({ unix: address.path, routes, fetch: fallback })
      : Bun.serve({ hostname: address.host, port: address.port, routes, fetch: fallback });
    return { url: String(server.url), close: () => void server.stop(true) };
  } catch (error) {
    throw new ListenError(`Cannot listen for HTTP: ${(error as Error).message}`);
  }
}

/** Where servers are watched, one of them takes statements now; else, one was reached once. */
function isReady({ cluster, ...running }: Running): boolean {
  return running.ready() &&
    (cluster?.topology.servers.some(({ reads, writes }) => reads || writes) ?? true);
}

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function metrics({ cluster }: Running): string {
  if (cluster === undefined) return "# The servers are not watched.\n";
  const { topology } = cluster;
  return prometheusText(topology, { nowMs: Date.now(), countOf: (kind) => cluster.count(kind) });
}
