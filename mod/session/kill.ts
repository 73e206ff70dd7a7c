// KILL by the proxy's ids: translated to the server's thread id, and decided upon by the server
// under the client's own privileges.

import type { ServerConnection } from "../backend/mod.ts";
import { parseKill } from "../sql/mod.ts";
import { Command, Expect, frame } from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { belongsToPeer } from "./peers.ts";
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
  return translate(session, server, {
    id: target.id,
    expect: Expect.RESULT,
    original: payload,
    withThread: (thread) =>
      Buffer.concat([
        payload.subarray(0, target.start),
        Buffer.from(String(thread)),
        payload.subarray(target.end),
      ]),
  });
}

/** COM_PROCESS_KILL: the id is 32 bits behind the command byte. */
export function killByCommand(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload.length < 5) return FORWARD;
  return translate(session, server, {
    id: payload.readUInt32LE(1),
    expect: Expect.OK,
    original: payload,
    withThread(thread) {
      const rewritten = Buffer.from(payload);
      rewritten.writeUInt32LE(thread, 1);
      return rewritten;
    },
  });
}

/** A request to kill, before its id is known to the server. */
interface KillRequest {
  readonly id: number;
  readonly expect: number;
  readonly original: Buffer;
  withThread(thread: number): Buffer;
}

function translate(
  session: ClientSession,
  server: ServerConnection,
  kill: KillRequest,
): StageResult {
  const { directory, peers } = session.context;
  const thread = directory.threadOf(kill.id);
  if (thread !== undefined) {
    server.request(frame(kill.withThread(thread), 0), kill.expect, session);
    return TAKEN;
  }
  if (!belongsToPeer(directory, peers, kill.id)) return FORWARD;
  session.holdFurther();
  void peers.threadOf(kill.id).then((found) => {
    if (session.closed || server.closed) return;
    const request = found === undefined ? kill.original : kill.withThread(found);
    server.request(frame(request, 0), kill.expect, session);
    session.release();
  });
  return TAKEN;
}
