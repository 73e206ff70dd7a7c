// What MySQL servers of all ages say about replication: status, commit timestamps, replicas.
// Sources: "SHOW REPLICA STATUS Statement", "SHOW REPLICAS Statement" and "Performance Schema
// Replication Tables" of the MySQL manual; the old spellings end with 8.4.

import type { ProbeSession, Row } from "../flavor.ts";
import type { Condition, LagHints, Member, Source } from "../reading.ts";
import { addressOf, epochMs, hostAndPort, numeric, optional, text, tryQuery } from "./answers.ts";

/** One replication channel of a server. */
export interface Channel {
  readonly name: string;
  readonly source: Source;
  readonly condition: Condition;
  /** Seconds_Behind_Source; null where the server does not know. */
  readonly secondsBehind: number | null;
}

/** Statements that mean the same, newest first: the first one that a server knows is used. */
interface Spellings {
  readonly key: string;
  readonly statements: readonly string[];
}

const STATUS: Spellings = {
  key: "status of replication",
  statements: ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"],
};

const REPLICAS: Spellings = {
  key: "replicas",
  statements: ["SHOW REPLICAS", "SHOW SLAVE HOSTS"],
};

/** A server's channels to other servers; undefined where the account may not see them. */
export async function readChannels(
  session: ProbeSession,
  gaps: string[],
): Promise<readonly Channel[] | undefined> {
  const rows = await spelled(session, STATUS, gaps);
  return rows?.filter((row) => !text(row, "channel_name").startsWith("group_replication"))
    .map(channelOf);
}

/** The channel that makes the server a member of its cluster: the unnamed one, or the first. */
export function mainChannel(channels: readonly Channel[] | undefined): Channel | undefined {
  return channels?.find(({ name }) => name === "") ?? channels?.[0];
}

/** The replicas that are connected to a server. */
export async function readReplicas(session: ProbeSession): Promise<readonly Member[]> {
  const rows = await spelled(session, REPLICAS, []) ?? [];
  const members: Member[] = [];
  const nameless: Row[] = [];
  for (const row of rows) {
    const address = addressOf(text(row, "host"), numeric(row, "port"));
    if (address === undefined) nameless.push(row);
    else members.push({ address, ...idOf(row) });
  }
  if (nameless.length > 0) members.push(...await guessReplicas(session, nameless));
  return members;
}

/** The row's UUID, under its two names. */
function idOf(row: Row): { id?: string } {
  const id = text(row, "replica_uuid") || text(row, "slave_uuid");
  return id === "" ? {} : { id: id.toLowerCase() };
}

/** Replicas without `report_host` are where their dump threads come from. */
async function guessReplicas(
  session: ProbeSession,
  nameless: readonly Row[],
): Promise<readonly Member[]> {
  const sql = "SELECT host FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
  const rows = await tryQuery(session, { sql, gap: "hosts of replicas" }) ?? [];
  const hosts = new Set(rows.map((row) => hostAndPort(text(row, "host"))?.host ?? ""));
  const members: Member[] = [];
  for (const host of hosts) {
    for (const row of nameless) {
      const address = addressOf(host, numeric(row, "port"));
      if (address) members.push({ address, ...idOf(row), certain: false });
    }
  }
  return members;
}

/** When transactions of a channel were committed first, from 8.0.1 on. */
export async function readCommitTimes(
  session: ProbeSession,
  channel: string,
  gaps: string[],
): Promise<LagHints> {
  const [row] = await tryQuery(session, {
    sql: `SELECT (SELECT MAX(UNIX_TIMESTAMP(LAST_APPLIED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP))
FROM performance_schema.replication_applier_status_by_worker
WHERE CHANNEL_NAME = '${channel}') AS applied,
(SELECT MIN(NULLIF(UNIX_TIMESTAMP(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP), 0))
FROM performance_schema.replication_applier_status_by_worker
WHERE CHANNEL_NAME = '${channel}') AS applying,
(SELECT UNIX_TIMESTAMP(LAST_QUEUED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP)
FROM performance_schema.replication_connection_status
WHERE CHANNEL_NAME = '${channel}') AS received`,
    gap: "commit timestamps",
  }, gaps) ?? [];
  return {
    ...optional("appliedMs", epochMs(row, "applied")),
    ...optional("applyingMs", epochMs(row, "applying")),
    ...optional("receivedMs", epochMs(row, "received")),
  };
}

async function spelled(
  session: ProbeSession,
  { key, statements }: Spellings,
  gaps: string[],
): Promise<readonly Row[] | undefined> {
  for (const sql of statements) {
    const rows = await tryQuery(session, { sql, gap: key }, gaps);
    if (rows !== undefined) return rows;
    // A right that is missing is missing under every spelling.
    if (gaps.length > 0) return undefined;
  }
  return undefined;
}

function channelOf(row: Row): Channel {
  const field = (name: string) =>
    text(row, name) || text(row, name.replace("source", "master").replace("replica", "slave"));
  const receiving = field("replica_io_running");
  const applying = field("replica_sql_running");
  const host = field("source_host");
  const port = Number(field("source_port"));
  const id = field("source_uuid").toLowerCase();
  return {
    name: text(row, "channel_name"),
    source: {
      address: { kind: "tcp", host, port },
      connected: receiving === "Yes",
      ...(id === "" ? {} : { id }),
    },
    condition: conditionOf(row, { receiving, applying }),
    secondsBehind: numeric(row, "seconds_behind_source") ?? numeric(row, "seconds_behind_master") ??
      null,
  };
}

function conditionOf(
  row: Row,
  threads: { readonly receiving: string; readonly applying: string },
): Condition {
  if (threads.applying !== "Yes") {
    const why = text(row, "last_sql_error") || text(row, "last_error");
    return { kind: "stopped", reason: why === "" ? "the applier is stopped" : firstLine(why) };
  }
  // "Connecting" is no stop: the source may be what is down.
  if (threads.receiving === "No") {
    const why = text(row, "last_io_error");
    return { kind: "stopped", reason: why === "" ? "the receiver is stopped" : firstLine(why) };
  }
  return { kind: "fine" };
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? message;
}
