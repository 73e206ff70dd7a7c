// Amazon Aurora MySQL: replica_host_status, which every instance of a cluster can be asked for.
// Source: "Aurora MySQL information_schema tables" of the Aurora user guide.

import { isIP } from "node:net";
import type { ServerAddress } from "../../config/mod.ts";
import type { Flavor, ProbeSession, Row } from "../flavor.ts";
import type { Member } from "../reading.ts";
import { epochMs, isOn, numeric, optional, text, tryQuery } from "./answers.ts";

const FACTS = `SELECT @@aurora_server_id AS id, @@aurora_version AS aurora, @@version AS version,
@@port AS port, @@global.innodb_read_only AS read_only, UNIX_TIMESTAMP(SYSDATE(6)) AS clock`;
/** Instances that have not reported for three minutes are gone. */
const HOSTS = `SELECT SERVER_ID, SESSION_ID, REPLICA_LAG_IN_MILLISECONDS,
UNIX_TIMESTAMP(LAST_UPDATE_TIMESTAMP) AS updated FROM information_schema.replica_host_status
WHERE LAST_UPDATE_TIMESTAMP > DATE_SUB(UTC_TIMESTAMP(), INTERVAL 180 SECOND)
OR SESSION_ID = 'MASTER_SESSION_ID'`;
const WRITER = "MASTER_SESSION_ID";

/** Aurora MySQL. */
export const aurora: Flavor = {
  name: "aurora",
  writers: "one",

  async detect(session) {
    const [row] = await tryQuery(session, {
      sql: "SELECT @@aurora_version AS aurora",
      gap: "aurora_version",
    }) ?? [];
    return row === undefined ? undefined : `Aurora ${text(row, "aurora")}`;
  },

  async probe(session) {
    const [row] = await session.query(FACTS);
    const hosts = await session.query(HOSTS);
    const id = text(row, "id");
    const own = hosts.find((host) => text(host, "server_id") === id);
    const readOnly = isOn(row, "read_only");
    const isWriter = !readOnly && newestWriter(hosts) === id;
    return {
      identity: { id, place: id },
      version: `${text(row, "version")} Aurora ${text(row, "aurora")}`,
      readOnly,
      role: isWriter ? "primary" : "replica",
      roleWord: isWriter ? "writer" : "reader",
      condition: { kind: "fine" },
      // The storage is one: whom it takes for its writer newest, is the writer.
      view: { number: [numeric(own, "updated") ?? 0], quorum: true },
      ...(isWriter
        ? {}
        : { lag: { exactMs: numeric(own, "replica_lag_in_milliseconds") ?? null } }),
      ...optional("clockMs", epochMs(row, "clock")),
    };
  },

  async discover(session) {
    const hosts = await session.query(HOSTS);
    return hosts.flatMap((host): Member[] => {
      const id = text(host, "server_id");
      const address = instanceAddress(session, id);
      return address ? [{ address, id }] : [];
    });
  },

  position: () => Promise.resolve(undefined),
  // Readers wait by aurora_replica_read_consistency, a session variable, for no given position.
  waitForPosition: () => undefined,
};

/** Where two rows claim to be the writer, a failover is under way: the newer one is right. */
function newestWriter(hosts: readonly Row[]): string {
  const writers = hosts.filter((host) => text(host, "session_id") === WRITER);
  writers.sort((a, b) => (numeric(b, "updated") ?? 0) - (numeric(a, "updated") ?? 0));
  return text(writers[0], "server_id");
}

/**
 * `name.cluster-x.region…` and `name.cluster-ro-x.region…` lead to `instance.x.region…`; from an
 * instance's own name only its first part changes.
 */
function instanceAddress({ address }: ProbeSession, id: string): ServerAddress | undefined {
  if (address.kind !== "tcp" || id === "" || isIP(address.host) !== 0) return undefined;
  const [, ...labels] = address.host.split(".");
  const [first = "", ...rest] = labels;
  if (rest.length === 0) return undefined; // a short name: nothing to go by
  const zone = first.replace(/^cluster-(?:ro-|custom-)?/, "");
  return { kind: "tcp", host: [id, zone, ...rest].join("."), port: address.port };
}
