// Galera: MariaDB Galera Cluster and Percona XtraDB Cluster.
// Source: "Galera Status Variables" of the Galera documentation; pxc_maint_mode: "PXC Strict Mode
// and Maintenance" of Percona's.

import type { Flavor, ProbeSession, Row } from "../flavor.ts";
import type { Position } from "../position.ts";
import type { Condition } from "../reading.ts";
import { addressOf, epochMs, hostAndPort, isOn, optional, text } from "./answers.ts";

const STATUS = `SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_local_state',
'wsrep_local_state_comment', 'wsrep_cluster_status', 'wsrep_cluster_state_uuid',
'wsrep_cluster_conf_id', 'wsrep_local_index', 'wsrep_local_recv_queue', 'wsrep_last_committed',
'wsrep_incoming_addresses', 'wsrep_ready', 'wsrep_connected')`;
const VARIABLES = `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'hostname', 'port',
'read_only', 'wsrep_on', 'wsrep_provider', 'wsrep_desync', 'wsrep_reject_queries',
'wsrep_sst_donor_rejects_queries', 'pxc_maint_mode', 'server_uuid', 'report_host', 'report_port')`;
const SYNCED = "4";
const DONOR = "2";

/** Galera, whoever packages it. One node is written to, so that transactions do not collide. */
export const galera: Flavor = {
  name: "galera",
  writers: "one",

  async detect(session) {
    const variables = await pairs(session, VARIABLES);
    const provider = text(variables, "wsrep_provider");
    if (provider === "" || provider === "none" || !isOn(variables, "wsrep_on")) return undefined;
    const status = await pairs(session, STATUS);
    const what = text(status, "wsrep_local_state_comment") || "not connected";
    return `wsrep is on, ${what} in a ${text(status, "wsrep_cluster_status")} component`;
  },

  async probe(session) {
    const status = await pairs(session, STATUS);
    const variables = await pairs(session, VARIABLES);
    const [clock] = await session.query("SELECT UNIX_TIMESTAMP(SYSDATE(6)) AS clock");
    const condition = conditionOf(status, variables);
    const readOnly = isOn(variables, "read_only");
    const partakes = condition.kind !== "out";
    const place = `${text(variables, "hostname")}:${text(variables, "port")}`;
    return {
      // Nodes often share their server_id, and gcomm's uuid changes with every start.
      identity: {
        id: text(variables, "server_uuid").toLowerCase() || place,
        place,
        ...optional(
          "reported",
          addressOf(text(variables, "report_host"), Number(text(variables, "port"))),
        ),
      },
      version: text(variables, "version"),
      readOnly,
      role: !partakes ? "none" : readOnly ? "replica" : "primary",
      roleWord: text(status, "wsrep_local_state_comment") || "Disconnected",
      condition,
      clusterId: text(status, "wsrep_cluster_state_uuid"),
      position: positionOf(status),
      view: {
        number: [Number(text(status, "wsrep_cluster_conf_id"))].filter(Number.isSafeInteger),
        quorum: text(status, "wsrep_cluster_status") === "Primary",
      },
      lag: { queued: Number(text(status, "wsrep_local_recv_queue") || 0) },
      writerRank: Number(text(status, "wsrep_local_index")),
      ...optional("clockMs", epochMs(clock, "clock")),
    };
  },

  async discover(session) {
    const status = await pairs(session, STATUS);
    return text(status, "wsrep_incoming_addresses").split(",").flatMap((written) => {
      const parts = hostAndPort(written.trim());
      const address = parts && addressOf(parts.host, parts.port);
      return address ? [{ address }] : []; // "AUTO" and port 0 lead nowhere
    });
  },

  async position(session) {
    return positionOf(await pairs(session, STATUS));
  },

  /**
   * A causal read waits by itself for everything that the group has committed, up to the provider's
   * `repl.causal_read_timeout`; then it is an error. MariaDB reads the comment, Percona the hint.
   */
  waitForPosition(position) {
    if (position.kind !== "index") return undefined;
    return {
      sql: "/*M! SET STATEMENT wsrep_sync_wait=1 FOR */ SELECT /*+ SET_VAR(wsrep_sync_wait=1) */ 1",
      reached: () => true,
    };
  },
};

/** The rows of SHOW STATUS or SHOW VARIABLES as one row. */
async function pairs(session: ProbeSession, sql: string): Promise<Row> {
  const rows = await session.query(sql);
  return Object.fromEntries(rows.map((row) => [
    text(row, "variable_name").toLowerCase(),
    row["value"] ?? row["variable_value"],
  ]));
}

function positionOf(status: Row): Position {
  return { kind: "index", value: Number(text(status, "wsrep_last_committed") || 0) };
}

function conditionOf(status: Row, variables: Row): Condition {
  const cluster = text(status, "wsrep_cluster_status");
  const state = text(status, "wsrep_local_state");
  const word = text(status, "wsrep_local_state_comment") || "Disconnected";
  if (cluster !== "Primary") return { kind: "out", reason: `in a component that is ${cluster}` };
  const maintenance = text(variables, "pxc_maint_mode");
  if (maintenance !== "" && maintenance !== "DISABLED") {
    return { kind: "draining", reason: `pxc_maint_mode is ${maintenance}` };
  }
  const rejects = text(variables, "wsrep_reject_queries");
  if (rejects !== "" && rejects !== "NONE") {
    return { kind: "out", reason: `wsrep_reject_queries is ${rejects}` };
  }
  if (state === DONOR) {
    if (isOn(variables, "wsrep_sst_donor_rejects_queries")) {
      return { kind: "out", reason: "donor that rejects queries" };
    }
    const why = isOn(variables, "wsrep_desync") ? "wsrep_desync is on" : "it fills another node";
    return { kind: "recovering", reason: `${word}: ${why}` };
  }
  if (state !== SYNCED) return { kind: "recovering", reason: word };
  if (!isOn(status, "wsrep_ready")) return { kind: "out", reason: "wsrep_ready is off" };
  return { kind: "fine" };
}
