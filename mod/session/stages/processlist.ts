// SHOW PROCESSLIST and COM_PROCESS_INFO: rows that are sessions of this proxy get the proxy's ids
// and the client's own addresses, sessions that need no server connection at the moment get rows of
// their own, and shared connections that nobody uses get none.

import type { AnswerSink, ServerConnection } from "../../backend/mod.ts";
import { asksForFullList, isShowProcesslist } from "../../sql/mod.ts";
import {
  Capability,
  Command,
  decodeColumnDefinition,
  Expect,
  frame,
  PacketAssembler,
  PacketReader,
  PacketWriter,
  PAYLOAD_MAX,
} from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import { NO_PEERS, type Presence, type SessionLabel } from "../observing/peers.ts";
import { presenceOf } from "../observing/presence.ts";
import { FORWARD, type StageResult, TAKEN } from "./stage.ts";
import { statementStart } from "../command/statement_start.ts";
import { noteState } from "../state/told_state.ts";

/** A process list longer than this is cut off. */
const LIST_MAX = 64 * 1024 * 1024;
/** Characters of a statement in a list that is not FULL: as servers show them. */
const INFO_MAX = 100;

/** The stage for both forms of the request. */
export function showProcesslist(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  let infoMax = INFO_MAX;
  if (payload[0] === Command.QUERY) {
    const from = session.hasQueryAttributes ? statementStart(payload, 0, payload.length) : 1;
    if (!isShowProcesslist(payload, from, payload.length)) return FORWARD;
    if (asksForFullList(payload, from, payload.length)) infoMax = Infinity;
  } else if (payload[0] !== Command.PROCESS_INFO) return FORWARD;
  const { context } = session;
  const { peers } = context;
  if (peers === NO_PEERS) {
    const presences = [presenceOf(context)];
    const sink = new ProcesslistAnswer(session, server, { presences, infoMax });
    server.request(frame(payload, 0), Expect.RESULT, sink);
    return TAKEN;
  }
  const request = frame(payload, 0);
  session.holdFurther();
  void peers.presence().then((others) => {
    if (session.closed || server.closed || session.server !== server) return;
    const presences = [others, presenceOf(context)];
    const sink = new ProcesslistAnswer(session, server, { presences, infoMax });
    server.request(request, Expect.RESULT, sink);
    session.release();
  });
  return TAKEN;
}

/** A row, and the id that it is sorted by. */
interface Row {
  readonly id: number;
  readonly payload: Uint8Array;
}

/** Collects the answer, which is short, and gives it to the client at its end. */
class ProcesslistAnswer implements AnswerSink {
  readonly #session: ClientSession;
  /** Of statements elsewhere so many characters are shown. */
  readonly #infoMax: number;
  readonly #byThread = new Map<number, SessionLabel>();
  /** Sessions without a server connection, or with one to another server. */
  readonly #elsewhere: SessionLabel[] = [];
  readonly #unused = new Set<number>();
  readonly #packets = new PacketAssembler(LIST_MAX);
  readonly #heads: Uint8Array[] = [];
  readonly #columns: string[] = [];
  readonly #rows: Row[] = [];
  readonly #tail: Uint8Array[] = [];
  /** Packets in front of the rows that are still to come; undefined before the first one. */
  #headsToCome: number | undefined;
  readonly #endsColumns: 0 | 1;
  /** The server shows this client what others do. */
  #seesAll = false;

  constructor(
    session: ClientSession,
    server: ServerConnection,
    { presences, infoMax }: { readonly presences: readonly Presence[]; readonly infoMax: number },
  ) {
    this.#session = session;
    this.#infoMax = infoMax;
    this.#endsColumns = server.facts.capabilities & Capability.DEPRECATE_EOF ? 0 : 1;
    for (const { labels, unused } of presences) {
      for (const label of labels) {
        if (label.thread === undefined || label.server !== server.facts.server) {
          this.#elsewhere.push(label);
        } else this.#byThread.set(label.thread, label);
      }
      for (const thread of unused) this.#unused.add(thread);
    }
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
    for (let payload = this.#packets.next(); payload; payload = this.#packets.next()) {
      this.#take(payload);
    }
  }

  /** The packet that ends the answer, with changes of the session's state. */
  onOkPacket(packet: Uint8Array): void {
    const { pooled } = this.#session;
    this.onAnswerBytes(pooled ? noteState(pooled, packet) : packet);
  }

  onAnswerEnd(): void {
    const session = this.#session;
    if (this.#columns.length > 0) this.#addSessionsElsewhere();
    this.#rows.sort((one, other) => one.id - other.id);
    const payloads = [...this.#heads, ...this.#rows.map(({ payload }) => payload), ...this.#tail];
    const framed: Uint8Array[] = [];
    let sequence = 1;
    for (const payload of payloads) {
      framed.push(frame(payload, sequence));
      sequence += 1 + Math.floor(payload.length / PAYLOAD_MAX);
    }
    session.onAnswerBytes(Buffer.concat(framed));
    session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }

  #take(payload: Uint8Array): void {
    const isRowOrHead = payload[0] > 0 && payload[0] < NO_VALUE;
    if (this.#headsToCome === undefined && isRowOrHead) {
      this.#headsToCome = payload[0] + this.#endsColumns;
      this.#heads.push(payload);
    } else if (this.#headsToCome) {
      this.#headsToCome--;
      this.#heads.push(payload);
      if (isRowOrHead) this.#columns.push(nameOf(payload));
    } else if (isRowOrHead) this.#takeRow(payload);
    else this.#tail.push(payload);
  }

  /** A text row whose first three values are a thread id, a user and a host. */
  #takeRow(payload: Uint8Array): void {
    const reader = new PacketReader(payload);
    const id = Number(Buffer.from(reader.lenencView()).toString("latin1"));
    const user = reader.lenencView();
    if (Buffer.from(user).toString("latin1") !== this.#session.user) this.#seesAll = true;
    if (this.#unused.has(id)) return;
    const label = this.#byThread.get(id);
    if (!label) {
      this.#rows.push({ id, payload });
      return;
    }
    reader.lenencView();
    const rewritten = new PacketWriter(payload.length + 32)
      .lenencBytes(Buffer.from(String(label.id)))
      .lenencBytes(user)
      .lenencBytes(Buffer.from(hostOf(label)))
      .raw(reader.rest())
      .done();
    this.#rows.push({ id: label.id, payload: rewritten });
  }

  #addSessionsElsewhere(): void {
    for (const label of this.#elsewhere) {
      if (!this.#seesAll && label.user !== this.#session.user) continue;
      this.#rows.push({ id: label.id, payload: rowOf(label, this.#columns, this.#infoMax) });
    }
  }
}

/** Rows begin with the length of an id, what is no row with 0, this or more. */
const NO_VALUE = 0xfb;
const NULL_VALUE = Uint8Array.of(NO_VALUE);

function nameOf(definition: Uint8Array): string {
  return Buffer.from(decodeColumnDefinition(definition).name).toString();
}

/** The row that a server would show. Columns that it has for more than others have do not count. */
function rowOf(label: SessionLabel, columns: readonly string[], infoMax: number): Uint8Array {
  const writer = new PacketWriter(128);
  for (const column of columns) {
    const value = valueOf(label, column.toLowerCase(), infoMax);
    if (value === undefined) writer.raw(NULL_VALUE);
    else writer.lenencBytes(typeof value === "string" ? Buffer.from(value) : value);
  }
  return writer.done();
}

function valueOf(
  label: SessionLabel,
  column: string,
  infoMax: number,
): string | Uint8Array | undefined {
  switch (column) {
    case "id":
      return String(label.id);
    case "user":
      return Buffer.from(label.user, "latin1");
    case "host":
      return hostOf(label);
    case "db":
      return label.schema === "" ? undefined : label.schema;
    case "command":
      return label.command ?? "Sleep";
    case "time":
      return String(Math.floor(label.idleMs / 1000));
    case "state":
      if (label.server !== undefined) return `On ${label.server}`;
      return label.isWaiting ? "Waiting for a server connection" : "";
    case "progress":
      return "0.000";
    case "info":
      return label.statement?.slice(0, infoMax);
    default:
      return "0";
  }
}

function hostOf({ address, port }: SessionLabel): string {
  return address === "" ? "localhost" : `${address}:${port}`;
}
