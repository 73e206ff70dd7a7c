// TiDB: every server takes writes; members stand in cluster_info, their health behind HTTP.
// Sources: "CLUSTER_INFO", "TIDB_SERVERS_INFO" and "TiDB HTTP API" of the TiDB documentation.

import type { Flavor, ProbeSession, Row } from "../flavor.ts";
import type { Condition, Member } from "../reading.ts";
import { addressOf, epochMs, hostAndPort, numeric, optional, text, tryQuery } from "./answers.ts";

const FACTS = `SELECT @@version AS version, @@hostname AS hostname, @@port AS port,
UNIX_TIMESTAMP(SYSDATE(6)) AS clock`;
const MEMBERS = "SELECT INSTANCE, STATUS_ADDRESS FROM information_schema.cluster_info " +
  "WHERE TYPE = 'tidb'";
/** For servers whose account may not see cluster_info (PROCESS), or that lack it. */
const SERVERS = "SELECT IP, PORT, STATUS_PORT FROM information_schema.tidb_servers_info";
const HTTP_TIMEOUT_MS = 300;
/** A status port that was not reached is left alone for so many looks. */
const HTTP_REST = 30;
const STATUS_URL = "status address";
const HTTP_SKIPS = "looks without HTTP";

/** TiDB servers before one storage. */
export const tidb: Flavor = {
  name: "tidb",
  writers: "many",

  async detect(session) {
    const [row] = await session.query("SELECT @@version AS version");
    const version = text(row, "version");
    return /tidb/i.test(version) ? version : undefined;
  },

  async probe(session) {
    const [row] = await session.query(FACTS);
    const place = `${text(row, "hostname")}:${text(row, "port")}`;
    return {
      identity: { id: place, place },
      version: text(row, "version"),
      readOnly: false,
      role: "primary",
      roleWord: "tidb",
      condition: await httpCondition(session),
      ...optional("clockMs", epochMs(row, "clock")),
    };
  },

  async discover(session) {
    const rows = await tryQuery(session, { sql: MEMBERS, gap: "cluster_info" });
    const servers = rows?.flatMap(instanceOf) ??
      (await tryQuery(session, { sql: SERVERS, gap: "tidb_servers_info" }))?.flatMap(serverOf) ??
      [];
    const { address } = session;
    const own = servers.find((server) =>
      address.kind === "tcp" && server.address.kind === "tcp" &&
      server.address.host === address.host && server.address.port === address.port
    );
    if (own) session.memory.set(STATUS_URL, own.status);
    return servers.map((server): Member => ({ address: server.address }));
  },

  position: () => Promise.resolve(undefined),
  waitForPosition: () => undefined,
};

interface TidbServer extends Member {
  /** `host:port` of the status port. */
  readonly status: string;
}

function instanceOf(row: Row): TidbServer[] {
  const parts = hostAndPort(text(row, "instance"));
  const address = parts && addressOf(parts.host, parts.port);
  return address ? [{ address, status: text(row, "status_address") }] : [];
}

function serverOf(row: Row): TidbServer[] {
  const address = addressOf(text(row, "ip"), numeric(row, "port"));
  return address ? [{ address, status: `${text(row, "ip")}:${text(row, "status_port")}` }] : [];
}

/** While a server shuts down it still answers statements, and its status page fails. */
async function httpCondition({ memory }: ProbeSession): Promise<Condition> {
  const status = memory.get(STATUS_URL);
  const skips = Number(memory.get(HTTP_SKIPS) ?? 0);
  if (typeof status !== "string" || skips > 0) {
    memory.set(HTTP_SKIPS, Math.max(0, skips - 1));
    return { kind: "fine" };
  }
  try {
    const response = await fetch(`http://${status}/status`, {
      signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
    });
    if (response.ok) return { kind: "fine" };
    return { kind: "draining", reason: `its status page answers ${response.status}` };
  } catch {
    memory.set(HTTP_SKIPS, HTTP_REST);
    return { kind: "fine" };
  }
}
