// SHOW PROCESSLIST and COM_PROCESS_INFO: rows that are sessions of this proxy get the proxy's ids
// and the client's own addresses.

import type { AnswerSink, ServerConnection } from "../backend/mod.ts";
import { isShowProcesslist } from "../sql/mod.ts";
import {
  Command,
  Expect,
  frame,
  PacketAssembler,
  PacketReader,
  PacketWriter,
} from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { NO_PEERS, type SessionLabel } from "./peers.ts";
import { FORWARD, type StageResult, TAKEN } from "./stage.ts";
import { statementStart } from "./statement_start.ts";

/** A process list longer than this is passed on as it is. */
const LIST_MAX = 64 * 1024 * 1024;

/** The stage for both forms of the request. */
export function showProcesslist(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload[0] === Command.QUERY) {
    const from = session.hasQueryAttributes ? statementStart(payload, 0, payload.length) : 1;
    if (!isShowProcesslist(payload, from, payload.length)) return FORWARD;
  } else if (payload[0] !== Command.PROCESS_INFO) return FORWARD;
  const { directory, peers } = session.context;
  if (peers === NO_PEERS) {
    server.request(
      frame(payload, 0),
      Expect.RESULT,
      new ProcesslistAnswer(session, directory.byThread()),
    );
    return TAKEN;
  }
  const request = frame(payload, 0);
  session.holdFurther();
  void peers.sessions().then((others) => {
    if (session.closed || server.closed) return;
    const all = new Map<number, SessionLabel>([...others, ...directory.byThread()]);
    server.request(request, Expect.RESULT, new ProcesslistAnswer(session, all));
    session.release();
  });
  return TAKEN;
}

/** Collects the answer, which is short, and rewrites its rows at the end. */
class ProcesslistAnswer implements AnswerSink {
  readonly #session: ClientSession;
  readonly #labels: ReadonlyMap<number, SessionLabel>;
  readonly #packets = new PacketAssembler(LIST_MAX);
  readonly #written: Uint8Array[] = [];
  #index = 0;
  #rowsFrom = Infinity;

  constructor(session: ClientSession, labels: ReadonlyMap<number, SessionLabel>) {
    this.#session = session;
    this.#labels = labels;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
    for (let payload = this.#packets.next(); payload; payload = this.#packets.next()) {
      const sequence = this.#packets.sequence;
      this.#written.push(frame(this.#rewrite(payload), sequence));
    }
  }

  onOkPacket(packet: Uint8Array): void {
    this.#session.onOkPacket(packet);
  }

  onAnswerEnd(): void {
    this.#session.onAnswerBytes(Buffer.concat(this.#written));
    this.#session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }

  #rewrite(payload: Uint8Array): Uint8Array {
    const index = this.#index++;
    if (index === 0 && payload[0] > 0 && payload[0] < 0xfb) {
      // Column definitions follow; rows cannot be mistaken for what comes between them.
      this.#rowsFrom = payload[0] + 1;
    }
    if (index < this.#rowsFrom || payload[0] >= 0xfb || payload[0] === 0) return payload;
    return rewriteRow(payload, this.#labels);
  }
}

/** A text row whose first value is a thread id and whose third is a host. */
function rewriteRow(
  payload: Uint8Array,
  labels: ReadonlyMap<number, SessionLabel>,
): Uint8Array {
  const reader = new PacketReader(payload);
  const id = Buffer.from(reader.lenencView()).toString("latin1");
  const session = /^\d+$/.test(id) ? labels.get(Number(id)) : undefined;
  if (!session) return payload;
  const user = reader.lenencView();
  reader.lenencView();
  const host = session.address === "" ? "localhost" : `${session.address}:${session.port}`;
  return new PacketWriter(payload.length + 32)
    .lenencBytes(Buffer.from(String(session.id)))
    .lenencBytes(user)
    .lenencBytes(Buffer.from(host))
    .raw(reader.rest())
    .done();
}
