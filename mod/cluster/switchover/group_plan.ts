// The steps of a switchover of Group Replication: the group does it itself.

import { text } from "../flavors/answers.ts";
import { value } from "./dialect.ts";
import {
  insist,
  insistOnRights,
  type Parties,
  type Party,
  quoted,
  type SwitchoverSurroundings,
  waitUntil,
} from "./plan.ts";
import type { Plan } from "./replication_plan.ts";

/** What is left of transactions when their time is over gets this long, in seconds. */
const REST_S = 1;
/** How long the elected one may take until it is writable, in milliseconds. */
const WRITABLE_MS = 30_000;
const LOOK_MS = 10;

/**
 * Looks whether it can be done, and says how.
 *
 * @throws {SwitchoverRefusedError} If it cannot.
 */
export async function planGroup(
  { primary, target }: Parties,
  { clock, transactionsAt }: SwitchoverSurroundings,
): Promise<Plan> {
  await insistOnRights(target, ["GROUP_REPLICATION_ADMIN"]);
  await insistOnRights(primary, ["PROCESS"]);
  const [own] = await target.session.query(
    "SELECT @@group_replication_single_primary_mode AS single, @@server_uuid AS id",
  );
  insist(text(own, "single") === "1", "the group has several primaries");
  const id = text(own, "id");
  const members = await target.session.query(
    "SELECT MEMBER_ID AS id, MEMBER_STATE AS state, MEMBER_ROLE AS role, MEMBER_VERSION AS version, " +
      "CONCAT(MEMBER_HOST, ':', MEMBER_PORT) AS place " +
      "FROM performance_schema.replication_group_members",
  );
  // The group refuses it while a member is not there, or leaves one behind that comes back later.
  for (const member of members) {
    const state = text(member, "state");
    insist(state === "ONLINE", `the member ${text(member, "place")} is ${state}`);
  }
  const member = members.find((each) => text(each, "id") === id);
  insist(member !== undefined, `${target.server.name} is no member of the group`);
  const [major = 0, minor = 0, patch = 0] = text(member, "version").split(".").map(Number);
  const hasTimeout = major > 8 || (major === 8 && (minor > 0 || patch >= 29));
  const names = [primary.server.name, ...primary.server.aliases];
  // With a time limit the group refuses all statements meanwhile, reads too: only where it is needed.
  const timeLimit = async () => {
    if (!hasTimeout) return "";
    const isFree = await transactionsAt(names) === 0 && await openTransactions(primary) === 0;
    return isFree ? "" : `, ${REST_S}`;
  };
  return {
    before: [],
    gated: [
      {
        server: primary.server.name,
        what: "hands the group's primary role over",
        run: async () => {
          const limit = await timeLimit();
          return await value(
            target,
            `SELECT group_replication_set_as_primary(${quoted(id)}${limit})`,
          );
        },
        isDecisive: true,
      },
    ],
    after: [
      {
        server: target.server.name,
        what: "takes writes",
        run: async () => {
          const isOpen = await waitUntil(
            async () => await value(target, "SELECT @@global.super_read_only") === "0",
            { clock, timeoutMs: WRITABLE_MS, everyMs: LOOK_MS },
          );
          if (!isOpen) throw new Error(`it is not writable after ${WRITABLE_MS} ms`);
        },
      },
    ],
  };
}

/** Those of all clients, also of those that are not the proxy's. */
async function openTransactions(primary: Party): Promise<number> {
  return Number(await value(primary, "SELECT COUNT(*) FROM information_schema.innodb_trx"));
}
