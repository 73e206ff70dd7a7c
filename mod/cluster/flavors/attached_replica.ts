// A server that is no member of a group and follows one: InnoDB Cluster's read replicas and the like.
// It takes no part in the group's elections, so it is a learner, whether it is read-only or not.

import type { ProbeSession } from "../flavor.ts";
import type { Findings } from "../reading.ts";
import { optional } from "./answers.ts";
import { conditionOf, factsOf, isReadOnly, SERVER_FACTS } from "./async.ts";
import { mainChannel, readChannels, readCommitTimes } from "./mysql_replica.ts";

/** Looks at a server of a group's cluster that is in no group; it may follow nobody. */
export async function probeAttached(session: ProbeSession): Promise<Findings> {
  const [row] = await session.query(`SELECT ${SERVER_FACTS}`);
  const gaps: string[] = [];
  const channel = mainChannel(await readChannels(session, gaps));
  const times = channel ? await readCommitTimes(session, channel.name, gaps) : {};
  const condition = channel?.condition ??
    { kind: "out", reason: "in no group, and follows nobody" };
  return {
    ...factsOf(row),
    readOnly: isReadOnly(row),
    role: channel ? "learner" : "none",
    roleWord: channel ? "attached replica" : "OFFLINE",
    condition: conditionOf(row, condition),
    ...optional("source", channel?.source),
    ...(channel ? { lag: { ...times, seconds: channel.secondsBehind } } : {}),
    gaps,
  };
}
