// A proxy that splits reads from writes over two servers that always have the same data: one server
// under two names. What its sessions see must not differ from one connection to that server.

import { NO_TOPOLOGY, type Topology, type TopologyServer } from "../../mod/cluster/mod.ts";
import { loadConfig } from "../../mod/config/mod.ts";
import { createLog } from "../../mod/observe/mod.ts";
import { startWorker } from "../../mod/proxy/mod.ts";
import { type RoutineRow, ROUTINES_QUERY, type ViewRow, VIEWS_QUERY } from "../../mod/route/mod.ts";
import type { RealServer } from "../servers/mod.ts";
import type { Front } from "./lane.ts";

/** Starts one in this process. Throws an Error if the configuration is wrong. */
export async function startSplitFront(
  server: RealServer,
  configuration: string,
): Promise<Front> {
  const text = `${configuration}\n[account]\nuser = "nobody"\npassword = ""\n` +
    '[route]\nsplit = true\ntransactions = "split"\n';
  const loaded = loadConfig({
    text,
    flags: { backends: [`127.0.0.1:${server.port}`], listen: ["127.0.0.1:0"] },
  });
  if (loaded.config === undefined) throw new Error(JSON.stringify(loaded.errors));
  const log = createLog({ level: "error", format: "text" });
  const worker = await startWorker(loaded.config, { log, number: 0, reusePort: false });
  worker.publish(twoNames(server.port));
  worker.learn({
    routines: await server.sql(ROUTINES_QUERY) as unknown as RoutineRow[],
    views: await server.sql(VIEWS_QUERY) as unknown as ViewRow[],
  });
  const [address] = worker.addresses;
  if (address?.kind !== "tcp") throw new Error("No TCP port");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      worker.stop();
      await worker.drained();
    },
  };
}

function twoNames(port: number): Topology {
  const primary = member("127.0.0.1", port, { role: "primary", writes: true });
  const replica = member("127.0.0.2", port, { role: "replica", writes: false });
  return {
    ...NO_TOPOLOGY,
    revision: 1,
    flavor: "tidb",
    primary: primary.name,
    servers: [primary, replica],
  };
}

function member(
  host: string,
  port: number,
  { role, writes }: Pick<TopologyServer, "role" | "writes">,
): TopologyServer {
  return {
    name: `${host}:${port}`,
    address: { kind: "tcp", host, port },
    aliases: [],
    seed: true,
    role,
    roleWord: role,
    state: "up",
    reason: "",
    sinceMs: 0,
    writes,
    reads: true,
    warmAtMs: null,
    weight: 1,
    tags: [],
    version: "",
    readOnly: false,
    lagMs: 0,
    lagMeans: null,
    position: null,
    rttMs: 0,
    answeredMs: 0,
    failure: null,
    error: "",
  };
}
