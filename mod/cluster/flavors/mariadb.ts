// Replication of MariaDB: domains, gtid_current_pos, the status of all connections to sources.
// Sources: "SHOW REPLICA STATUS", "SHOW REPLICA HOSTS", "Global Transaction ID" and
// "MASTER_GTID_WAIT" of the MariaDB documentation.

import type { Flavor, ProbeSession, Row } from "../flavor.ts";
import type { ToldPosition } from "../position.ts";
import type { Condition, Identity, Member, Source } from "../reading.ts";
import {
  addressOf,
  epochMs,
  hostAndPort,
  isOn,
  numeric,
  optional,
  text,
  tryQuery,
} from "./answers.ts";

const FACTS = `SELECT @@global.server_id AS server_id, @@hostname AS hostname, @@port AS port,
@@report_host AS report_host, @@report_port AS report_port, @@version AS version,
@@global.read_only AS read_only, @@global.gtid_current_pos AS position,
UNIX_TIMESTAMP(SYSDATE(6)) AS clock`;

/** MariaDB primary and replicas. */
export const mariadb: Flavor = {
  name: "mariadb",
  writers: "one",

  async detect(session) {
    const [row] = await session.query("SELECT @@version AS version");
    const version = text(row, "version");
    return /mariadb/i.test(version) ? `${version} in no group` : undefined;
  },

  async probe(session) {
    const [row] = await session.query(FACTS);
    const gaps: string[] = [];
    const sources = await tryQuery(
      session,
      { sql: "SHOW ALL SLAVES STATUS", gap: "status of replication" },
      gaps,
    );
    const main = sources?.find((each) => text(each, "connection_name") === "") ?? sources?.[0];
    const readOnly = isOn(row, "read_only");
    return {
      identity: identityOf(row),
      version: text(row, "version"),
      readOnly,
      role: readOnly ? "replica" : "primary",
      roleWord: readOnly ? (main ? "replica" : "read-only") : "writable",
      condition: readOnly && main ? conditionOf(main) : { kind: "fine" },
      position: { kind: "mariadb", text: text(row, "position") },
      ...(main
        ? {
          source: sourceOf(main),
          lag: { seconds: numeric(main, "seconds_behind_master") ?? null },
        }
        : {}),
      ...optional("clockMs", epochMs(row, "clock")),
      gaps,
    };
  },

  async discover(session, { source }) {
    const members: Member[] = [];
    if (source) members.push({ address: source.address, ...optional("id", source.id) });
    members.push(...await replicasOf(session));
    return members;
  },

  async position(session): Promise<ToldPosition> {
    const [row] = await session.query(
      "SELECT @@global.gtid_current_pos AS position, @@global.read_only AS closed",
    );
    const position = { kind: "mariadb", text: text(row, "position") } as const;
    return isOn(row, "closed") ? { ...position, isClosed: true } : position;
  },

  /** MASTER_GTID_WAIT gives 0 when the position is reached and -1 when the time is over. */
  waitForPosition(position, timeoutMs) {
    if (position.kind !== "mariadb") return undefined;
    return {
      sql: `SELECT MASTER_GTID_WAIT('${position.text}', ${timeoutMs / 1000})`,
      reached: (value) => String(value) === "0",
    };
  },
};

/** MariaDB has no UUID that replicas tell; server_id must differ within a cluster. */
function identityOf(row: Row | undefined): Identity {
  const reported = addressOf(
    text(row, "report_host"),
    numeric(row, "report_port") || numeric(row, "port"),
  );
  return {
    id: serverId(text(row, "server_id")) ?? "",
    place: `${text(row, "hostname")}:${text(row, "port")}`,
    ...optional("reported", reported),
  };
}

function serverId(number: string): string | undefined {
  return number === "" || number === "0" ? undefined : `server_id ${number}`;
}

function sourceOf(row: Row): Source {
  return {
    address: {
      kind: "tcp",
      host: text(row, "master_host"),
      port: numeric(row, "master_port") ?? 0,
    },
    connected: text(row, "slave_io_running") === "Yes",
    ...optional("id", serverId(text(row, "master_server_id"))),
  };
}

function conditionOf(row: Row): Condition {
  if (text(row, "slave_sql_running") !== "Yes") {
    const reason = text(row, "last_sql_error") || "the applier is stopped";
    return { kind: "stopped", reason };
  }
  // "Connecting" and "Preparing" are no stop: the source may be what is down.
  if (text(row, "slave_io_running") === "No") {
    return { kind: "stopped", reason: text(row, "last_io_error") || "the receiver is stopped" };
  }
  return { kind: "fine" };
}

async function replicasOf(session: ProbeSession): Promise<readonly Member[]> {
  const rows = await tryQuery(session, { sql: "SHOW SLAVE HOSTS", gap: "replicas" });
  const told = rows?.flatMap((row) => {
    const address = addressOf(text(row, "host"), numeric(row, "port"));
    return address ? [{ address, ...optional("id", serverId(text(row, "server_id"))) }] : [];
  }) ?? [];
  if (rows !== undefined && told.length === rows.length) return told;
  return [...told, ...await guessReplicas(session)];
}

/** Where dump threads come from; the port is taken to be the source's own. */
async function guessReplicas(session: ProbeSession): Promise<readonly Member[]> {
  const sql = `SELECT host, @@port AS port FROM information_schema.processlist
WHERE command LIKE 'Binlog Dump%'`;
  const rows = await tryQuery(session, { sql, gap: "hosts of replicas" }) ?? [];
  return rows.flatMap((row) => {
    const address = addressOf(hostAndPort(text(row, "host"))?.host ?? "", numeric(row, "port"));
    return address ? [{ address, certain: false }] : [];
  });
}
