// WeSQL server: consensus tables with a health column, positions by GTID.
// Source: the tables as the server describes them, and the queries of the product's own controller.

import type { Flavor } from "../flavor.ts";
import type { Condition, Member } from "../reading.ts";
import { epochMs, isOn, numeric, optional, text, tryQuery } from "./answers.ts";
import { executedGtids, waitForGtids } from "./async.ts";
import { consensusRole, consensusView, memberAddress, portGap } from "./consensus.ts";
import type { Row } from "../flavor.ts";

const LOCAL = "SELECT * FROM information_schema.wesql_cluster_local LIMIT 1";
const MEMBERS = `SELECT a.IP_PORT AS IP_PORT, a.ROLE AS ROLE, b.CONNECTED AS CONNECTED
FROM information_schema.wesql_cluster_global a
JOIN information_schema.wesql_cluster_health b ON a.IP_PORT = b.IP_PORT`;
const FACTS = `SELECT @@port AS port, @@hostname AS hostname, @@global.server_uuid AS id,
@@version AS version, @@global.gtid_executed AS gtid_executed, UNIX_TIMESTAMP(SYSDATE(6)) AS clock`;
/** The server's port less the consensus port, as the product is installed. */
const USUAL_GAP = -10_000;
const GAP = "port gap";

/** WeSQL server. */
export const wesql: Flavor = {
  name: "wesql",
  writers: "one",

  async detect(session) {
    const [row] = await tryQuery(session, { sql: LOCAL, gap: "wesql_cluster_local" }) ?? [];
    return row === undefined ? undefined : `WeSQL server, ${text(row, "role")}`;
  },

  async probe(session) {
    const [local] = await session.query(LOCAL);
    const [row] = await session.query(FACTS);
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
      position: { kind: "gtid", text: text(row, "gtid_executed").replaceAll("\n", "") },
      view: consensusView(local),
      ...optional("clockMs", epochMs(row, "clock")),
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
      : (await session.query(MEMBERS)).map((each) => text(each, "ip_port"));
    return named.flatMap((written): Member[] => {
      const address = memberAddress(written, gap ?? USUAL_GAP);
      return address ? [{ address, certain: gap !== undefined }] : [];
    });
  },

  position: executedGtids,
  waitForPosition: waitForGtids,
};

/** A leader that has just been elected first applies what it has. */
function conditionOf(local: Row | undefined): Condition {
  const word = text(local, "role");
  if (consensusRole(word) === "none") return { kind: "out", reason: `its role is "${word}"` };
  const isLeader = consensusRole(word) === "primary";
  if (isLeader && !isOn(local, "server_ready_for_rw")) {
    return { kind: "recovering", reason: "elected, and not ready for writes yet" };
  }
  return { kind: "fine" };
}
