// Asynchronous replication of MySQL, 5.7 and later: read_only, the replica's status, GTIDs.

import type { Flavor, ProbeSession, Row } from "../flavor.ts";
import type { Position, ToldPosition } from "../position.ts";
import type { Condition, Findings, Identity, Member } from "../reading.ts";
import { addressOf, epochMs, isOn, numeric, optional, text, tryQuery } from "./answers.ts";
import { mainChannel, readChannels, readCommitTimes, readReplicas } from "./mysql_replica.ts";

/** What is asked of every MySQL server, whatever it is a member of. */
export const SERVER_FACTS = `@@global.server_uuid AS id, @@hostname AS hostname, @@port AS port,
@@report_host AS report_host, @@report_port AS report_port, @@version AS version,
@@global.read_only AS read_only, @@global.super_read_only AS super_read_only,
@@global.offline_mode AS offline_mode, @@global.gtid_mode AS gtid_mode,
@@global.gtid_executed AS gtid_executed, UNIX_TIMESTAMP(SYSDATE(6)) AS clock`;

/** Asynchronous (and semisynchronous) replication of MySQL. */
export const async: Flavor = {
  name: "async",
  writers: "one",

  async detect(session) {
    const [row] = await tryQuery(session, {
      sql: "SELECT @@version AS version, @@global.server_uuid AS id",
      gap: "variables",
    }) ?? [];
    if (row === undefined || /mariadb/i.test(text(row, "version"))) return undefined;
    return `MySQL ${text(row, "version")} in no group`;
  },

  async probe(session) {
    const [row] = await session.query(`SELECT ${SERVER_FACTS}`);
    const gaps: string[] = [];
    const channels = await readChannels(session, gaps);
    const channel = mainChannel(channels);
    const readOnly = isReadOnly(row);
    const times = channel ? await readCommitTimes(session, channel.name, gaps) : {};
    return {
      ...factsOf(row),
      readOnly,
      role: readOnly ? "replica" : "primary",
      roleWord: readOnly ? (channel ? "replica" : "read-only") : "writable",
      condition: conditionOf(row, readOnly && channel ? channel.condition : { kind: "fine" }),
      ...optional("source", channel?.source),
      ...(channel ? { lag: { ...times, seconds: channel.secondsBehind } } : {}),
      gaps,
    };
  },

  async discover(session, { source }) {
    return [...membersOfSource(source), ...await readReplicas(session)];
  },

  position: executedGtids,
  waitForPosition: waitForGtids,
};

/** The facts of {@link SERVER_FACTS} that every flavor of MySQL has. */
export function factsOf(
  row: Row | undefined,
): Pick<Findings, "identity" | "version" | "position" | "clockMs"> {
  return {
    identity: identityOf(row),
    version: text(row, "version"),
    ...optional("position", gtidPosition(row)),
    ...optional("clockMs", epochMs(row, "clock")),
  };
}

/** Whether clients without special rights may only read. */
export function isReadOnly(row: Row | undefined): boolean {
  return isOn(row, "read_only") || isOn(row, "super_read_only");
}

/** A server that lets nobody in but its administrators is out, whatever else it says. */
export function conditionOf(row: Row | undefined, otherwise: Condition): Condition {
  return isOn(row, "offline_mode") ? { kind: "out", reason: "offline_mode is on" } : otherwise;
}

/** `@@gtid_executed` of a server, or undefined where it numbers nothing. */
export async function executedGtids(session: ProbeSession): Promise<ToldPosition | undefined> {
  const sql = "SELECT @@global.gtid_executed AS gtid_executed, @@global.gtid_mode AS gtid_mode, " +
    "@@global.read_only AS closed";
  const [row] = await session.query(sql);
  const position = gtidPosition(row);
  return position && isOn(row, "closed") ? { ...position, isClosed: true } : position;
}

/** WAIT_FOR_EXECUTED_GTID_SET gives 0 when the set is there and 1 when the time is over. */
export function waitForGtids(position: Position, timeoutMs: number) {
  if (position.kind !== "gtid") return undefined;
  const set = position.text.replaceAll("\n", "");
  return {
    sql: `SELECT WAIT_FOR_EXECUTED_GTID_SET('${set}', ${timeoutMs / 1000})`,
    reached: (value: unknown) => String(value) === "0",
  };
}

/** Whom a server follows, as a member that it names. */
export function membersOfSource(source: Findings["source"]): Member[] {
  if (source === undefined) return [];
  return [{ address: source.address, ...optional("id", source.id) }];
}

function identityOf(row: Row | undefined): Identity {
  const reported = addressOf(
    text(row, "report_host"),
    numeric(row, "report_port") || numeric(row, "port"),
  );
  return {
    id: text(row, "id").toLowerCase(),
    place: `${text(row, "hostname")}:${text(row, "port")}`,
    ...optional("reported", reported),
  };
}

function gtidPosition(row: Row | undefined): Position | undefined {
  const mode = text(row, "gtid_mode");
  if (mode === "" || mode.startsWith("OFF")) return undefined;
  return { kind: "gtid", text: text(row, "gtid_executed").replaceAll("\n", "") };
}
