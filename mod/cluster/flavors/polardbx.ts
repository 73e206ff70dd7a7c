// PolarDB-X standard edition (X-Paxos): cluster tables, commit and apply index, read_lsn.
// Source: the tables as the servers describe them, and the queries of the product's own proxy.

import type { Flavor, ProbeSession, Row } from "../flavor.ts";
import type { Position } from "../position.ts";
import type { Member } from "../reading.ts";
import { epochMs, isOn, numeric, optional, text, tryQuery } from "./answers.ts";
import { consensusRole, consensusView, memberAddress, portGap } from "./consensus.ts";

const LOCAL = "SELECT * FROM information_schema.alisql_cluster_local LIMIT 1";
const GLOBAL = "SELECT IP_PORT, ROLE FROM information_schema.alisql_cluster_global";
const FACTS = `SELECT @@cluster_id AS cluster_id, @@port AS port, @@hostname AS hostname,
@@global.server_uuid AS id, @@version AS version, UNIX_TIMESTAMP(SYSDATE(6)) AS clock`;
const TRANSFER = "SHOW GLOBAL STATUS LIKE 'consensus_in_leader_transfer'";
/** The server's port less the consensus port, as the product is installed. */
const USUAL_GAP = -8000;
const GAP = "port gap";

/** PolarDB-X standard edition. */
export const polardbx: Flavor = {
  name: "polardbx",
  writers: "one",
  announcedMs: 100, // as often as the product's own proxy asks

  async detect(session) {
    const [row] = await tryQuery(session, { sql: LOCAL, gap: "alisql_cluster_local" }) ?? [];
    return row === undefined ? undefined : `X-Paxos, ${text(row, "role")}`;
  },

  async probe(session) {
    const [local] = await session.query(LOCAL);
    const [row] = await session.query(FACTS);
    const [transfer] = await session.query(TRANSFER);
    const role = consensusRole(text(local, "role"));
    return {
      identity: {
        id: text(row, "id").toLowerCase(),
        place: `${text(row, "hostname")}:${text(row, "port")}`,
      },
      version: text(row, "version"),
      readOnly: role !== "primary",
      role,
      roleWord: text(local, "role"),
      condition: conditionOf(local),
      clusterId: text(row, "cluster_id"),
      position: positionOf(local),
      view: consensusView(local),
      ...optional("clockMs", epochMs(row, "clock")),
      transferring: isOn(transfer, "value"),
    };
  },

  async discover(session) {
    const [local] = await session.query(LOCAL);
    const [row] = await session.query("SELECT @@port AS port");
    const learned = portGap(local, numeric(row, "port"));
    if (learned !== undefined) session.memory.set(GAP, learned);
    const gap = learned ?? session.memory.get(GAP) as number | undefined;
    const named = learned === undefined
      ? [text(local, "current_leader")]
      : (await session.query(GLOBAL)).map((each) => text(each, "ip_port"));
    return named.flatMap((written): Member[] => {
      const address = memberAddress(written, gap ?? USUAL_GAP);
      return address ? [{ address, certain: gap !== undefined }] : [];
    });
  },

  async position(session: ProbeSession): Promise<Position | undefined> {
    return positionOf((await session.query(LOCAL))[0]);
  },

  /** The next statement waits in the server; its own timeout applies there. */
  waitForPosition(position) {
    if (position.kind !== "index") return undefined;
    return { sql: `SET read_lsn = ${position.value}`, reached: () => true };
  },
};

/** The leader's data ends with what is committed, that of others with what is applied. */
function positionOf(local: Row | undefined): Position {
  const column = text(local, "role").toLowerCase() === "leader"
    ? "commit_index"
    : "last_apply_index";
  return { kind: "index", value: numeric(local, column) ?? 0 };
}

function conditionOf(local: Row | undefined) {
  const word = text(local, "role");
  return consensusRole(word) === "none"
    ? { kind: "out", reason: `its role is "${word}"` } as const
    : { kind: "fine" } as const;
}
