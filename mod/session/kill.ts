// KILL by the proxy's ids: translated to the server's thread id, and decided upon by the server
// under the client's own privileges.

import type { AnswerSink, ServerConnection } from "../backend/mod.ts";
import { parseKill } from "../sql/mod.ts";
import {
  Command,
  decodeErr,
  encodeErr,
  ERR_HEADER,
  Expect,
  frame,
  PacketAssembler,
} from "../wire/mod.ts";
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
    request(session, server, { kill, thread });
    return TAKEN;
  }
  if (!belongsToPeer(directory, peers, kill.id)) return FORWARD;
  session.holdFurther();
  void peers.threadOf(kill.id).then((found) => {
    if (session.closed || server.closed) return;
    if (found === undefined) server.request(frame(kill.original, 0), kill.expect, session);
    else request(session, server, { kill, thread: found });
    session.release();
  });
  return TAKEN;
}

function request(
  session: ClientSession,
  server: ServerConnection,
  { kill, thread }: { readonly kill: KillRequest; readonly thread: number },
): void {
  const sink = new KillAnswer(session, { shown: kill.id, thread });
  server.request(frame(kill.withThread(thread), 0), kill.expect, sink);
}

const ANSWER_MAX = 64 * 1024;

/** An error names the thread by the server's id: the client asked for another. */
class KillAnswer implements AnswerSink {
  readonly #session: ClientSession;
  readonly #ids: { readonly shown: number; readonly thread: number };
  readonly #packets = new PacketAssembler(ANSWER_MAX);

  constructor(
    session: ClientSession,
    ids: { readonly shown: number; readonly thread: number },
  ) {
    this.#session = session;
    this.#ids = ids;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
    for (let next = this.#packets.next(); next; next = this.#packets.next()) {
      const payload = next[0] === ERR_HEADER ? this.#rename(next) : next;
      this.#session.onAnswerBytes(frame(payload, this.#packets.sequence));
    }
  }

  #rename(payload: Uint8Array): Uint8Array {
    const { shown, thread } = this.#ids;
    const error = decodeErr(payload);
    const message = error.message.replace(new RegExp(`\\b${thread}\\b`), String(shown));
    return encodeErr({ ...error, message });
  }

  onOkPacket(packet: Uint8Array): void {
    this.#session.onOkPacket(packet);
  }

  onAnswerEnd(): void {
    this.#session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }
}
