// KILL by the proxy's ids: translated to the server's thread id, and decided upon by the server
// under the client's own privileges.

import type { ServerConnection } from "../backend/mod.ts";
import { parseKill } from "../sql/mod.ts";
import { Command, Expect, frame } from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { FORWARD, type StageResult, TAKEN } from "./stage.ts";
import { statementStart } from "./statement_start.ts";

/** KILL [QUERY | CONNECTION] n. Ids that no session has go to the server as they are. */
export function rewriteKill(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload[0] !== Command.QUERY) return FORWARD;
  const from = session.hasQueryAttributes ? statementStart(payload, 0, payload.length) : 1;
  const target = parseKill(payload, from, payload.length);
  if (!target) return FORWARD;
  const thread = session.context.directory.threadOf(target.id);
  if (thread === undefined) return FORWARD;
  const rewritten = Buffer.concat([
    payload.subarray(0, target.start),
    Buffer.from(String(thread)),
    payload.subarray(target.end),
  ]);
  server.request(frame(rewritten, 0), Expect.RESULT, session);
  return TAKEN;
}

/** COM_PROCESS_KILL: the id is 32 bits behind the command byte. */
export function killByCommand(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload.length < 5) return FORWARD;
  const thread = session.context.directory.threadOf(payload.readUInt32LE(1));
  if (thread === undefined) return FORWARD;
  const rewritten = Buffer.from(payload);
  rewritten.writeUInt32LE(thread, 1);
  server.request(frame(rewritten, 0), Expect.OK, session);
  return TAKEN;
}
