// Group Replication of MySQL, and InnoDB Cluster's metadata where there is one.
// Sources: "The replication_group_members Table" and "The replication_group_member_stats Table" of
// the MySQL manual; tags: "Tagging Metadata" of the MySQL Shell manual.

import type { Flavor, ProbeSession, Row } from "../flavor.ts";
import type { Condition, Member, Role } from "../reading.ts";
import { addressOf, isOn, numeric, optional, text, tryQuery } from "./answers.ts";
import {
  conditionOf,
  executedGtids,
  factsOf,
  isReadOnly,
  membersOfSource,
  SERVER_FACTS,
  waitForGtids,
} from "./async.ts";
import { probeAttached } from "./attached_replica.ts";
import { readCommitTimes, readReplicas } from "./mysql_replica.ts";

const MEMBERS = `SELECT * FROM performance_schema.replication_group_members m
LEFT JOIN performance_schema.replication_group_member_stats s USING (CHANNEL_NAME, MEMBER_ID)
WHERE CHANNEL_NAME = 'group_replication_applier'`;
const MEMBER_FACTS = `SELECT ${SERVER_FACTS}, @@group_replication_group_name AS group_name,
@@group_replication_single_primary_mode AS single`;
const APPLIER = "group_replication_applier";

/** Group Replication, single-primary or multi-primary. */
export const group: Flavor = {
  name: "group",
  writers: "one",

  async detect(session) {
    const [row] = await tryQuery(session, {
      sql: "SELECT @@group_replication_group_name AS name, @@global.super_read_only AS closed",
      gap: "group replication",
    }) ?? [];
    if (text(row, "name") === "") return undefined;
    const rows = await readMembers(session, []);
    const state = text(ownRow(rows, await ownId(session)), "member_state");
    // The plugin may be there and unused; whoever has left a group is closed to writes.
    if ((state === "" || state === "OFFLINE") && !isOn(row, "closed")) return undefined;
    return `member of the group ${text(row, "name")}, ${state || "OFFLINE"}`;
  },

  async probe(session) {
    const [row] = await tryQuery(session, { sql: MEMBER_FACTS, gap: "group replication" }) ?? [];
    if (row === undefined) return await probeAttached(session);
    const gaps: string[] = [];
    const members = await readMembers(session, gaps);
    const facts = factsOf(row);
    const own = ownRow(members, facts.identity.id);
    if (own === undefined || text(own, "member_state") === "OFFLINE") {
      const attached = await probeAttached(session);
      if (attached.source) return attached;
    }
    const role = await roleOf(session, own);
    const hidden = await hiddenByTag(session, facts.identity.id);
    const state = text(own, "member_state") || "OFFLINE";
    const times = role === "replica" ? await readCommitTimes(session, APPLIER, gaps) : {};
    return {
      ...facts,
      readOnly: isReadOnly(row),
      role,
      roleWord: own && state !== "OFFLINE" ? text(own, "member_role") || roleWord(role) : state,
      condition: conditionOf(row, memberCondition(state, hidden)),
      clusterId: text(row, "group_name").toLowerCase(),
      view: { number: viewNumber(own), quorum: hasQuorum(members) },
      lag: { ...times, ...optional("queued", queued(own)) },
      // With several primaries the proxy writes to one of them: the one with the smallest id.
      ...(isOn(row, "single") ? {} : { writerRank: rankOf(members, facts.identity.id) }),
      gaps,
    };
  },

  async discover(session, { source }) {
    const members = membersOf(await readMembers(session, []));
    const attached = await readReplicas(session);
    return [...members, ...membersOfSource(source), ...attached];
  },

  position: executedGtids,
  waitForPosition: waitForGtids,
};

async function readMembers(session: ProbeSession, gaps: string[]): Promise<readonly Row[]> {
  return await tryQuery(session, { sql: MEMBERS, gap: "members of the group" }, gaps) ?? [];
}

async function ownId(session: ProbeSession): Promise<string> {
  return text((await session.query("SELECT @@global.server_uuid AS id"))[0], "id");
}

function ownRow(members: readonly Row[], id: string): Row | undefined {
  return members.find((row) => text(row, "member_id").toLowerCase() === id.toLowerCase());
}

/** Before 8.0.2 the members' table has no roles; the primary stands in a status variable. */
async function roleOf(session: ProbeSession, own: Row | undefined): Promise<Role> {
  const state = text(own, "member_state");
  if (own === undefined || state === "OFFLINE" || state === "ERROR") return "none";
  if ("member_role" in own) return text(own, "member_role") === "PRIMARY" ? "primary" : "replica";
  const [row] = await session.query("SHOW STATUS LIKE 'group_replication_primary_member'");
  const primary = text(row, "value");
  return primary === "" || primary === text(own, "member_id") ? "primary" : "replica";
}

function roleWord(role: Role): string {
  return role === "primary" ? "PRIMARY" : "SECONDARY";
}

function memberCondition(state: string, hidden: string | undefined): Condition {
  switch (state) {
    case "ONLINE":
      return hidden === undefined ? { kind: "fine" } : { kind: "draining", reason: hidden };
    case "RECOVERING":
      return { kind: "recovering", reason: "the group says RECOVERING" };
    default:
      return { kind: "out", reason: `the group says ${state}` };
  }
}

/** More than half of the members that this one knows are reached by it. */
function hasQuorum(members: readonly Row[]): boolean {
  const reached = members.filter((row) =>
    /^(?:ONLINE|RECOVERING)$/.test(text(row, "member_state"))
  );
  return reached.length * 2 > members.length;
}

/** `17951899714407320:3`: when the group began, and its changes since. */
function viewNumber(own: Row | undefined): readonly number[] {
  return text(own, "view_id").split(":").map(Number).filter(Number.isFinite);
}

function queued(own: Row | undefined): number | undefined {
  return numeric(own, "count_transactions_remote_in_applier_queue");
}

function rankOf(members: readonly Row[], id: string): number {
  return members.map((row) => text(row, "member_id").toLowerCase()).sort().indexOf(id);
}

function membersOf(rows: readonly Row[]): readonly Member[] {
  return rows.flatMap((row) => {
    const address = addressOf(text(row, "member_host"), numeric(row, "member_port"));
    const id = text(row, "member_id").toLowerCase();
    return address && id !== "" ? [{ address, id }] : [];
  });
}

const METADATA = "SELECT mysql_server_uuid AS id, attributes FROM " +
  "mysql_innodb_cluster_metadata.v2_instances";

/** The tag with which MySQL Shell's users hide a server from routers. */
async function hiddenByTag(session: ProbeSession, id: string): Promise<string | undefined> {
  const rows = await tryQuery(session, { sql: METADATA, gap: "InnoDB Cluster's metadata" }) ?? [];
  const own = rows.find((row) => text(row, "id").toLowerCase() === id);
  return isHidden(own?.["attributes"]) ? "hidden by its tag _hidden" : undefined;
}

function isHidden(attributes: unknown): boolean {
  try {
    const value: unknown = typeof attributes === "string" ? JSON.parse(attributes) : attributes;
    const { tags } = (value ?? {}) as { tags?: { _hidden?: unknown } };
    return tags?._hidden === true || tags?._hidden === "true" || tags?._hidden === 1;
  } catch {
    return false;
  }
}
