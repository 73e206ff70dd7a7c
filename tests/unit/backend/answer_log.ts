// Sinks and holders that keep what a server connection tells them, for tests of it.

import type { AnswerSink, ConnectionHolder, ServerConnection } from "../../../mod/backend/mod.ts";

/** What a sink was told: bytes (those in a row as one), packets and the end. */
export type AnswerEvent = `bytes ${string}` | `ok ${string}` | "end" | `lost ${string}`;

/** Keeps all answers it gets, one after the other; local files are taken as sent at once. */
export class AnswerLog implements AnswerSink {
  readonly events: AnswerEvent[] = [];
  /** What the tracker said at each answer's end, as one line each. */
  readonly facts: string[] = [];
  /** The chunks as they came. */
  readonly chunks: Uint8Array[] = [];
  connection!: ServerConnection;

  onAnswerBytes(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    const hex = Buffer.from(bytes).toString("hex");
    const last = this.events.at(-1);
    if (last?.startsWith("bytes ")) this.events[this.events.length - 1] = `${last}${hex}` as "end";
    else this.events.push(`bytes ${hex}`);
    this.connection.tracker.localFileSent();
  }

  onBytesBeforeOk?(bytes: Uint8Array): void;

  onOkPacket?(packet: Uint8Array): void {
    this.events.push(`ok ${Buffer.from(packet).toString("hex")}`);
  }

  onAnswerEnd(): void {
    this.events.push("end");
    this.facts.push(factsOf(this.connection));
  }

  onServerLost(reason: string): void {
    this.events.push(`lost ${reason}`);
  }
}

/** What a tracker has to say about the answer that has ended last. */
export function factsOf({ tracker }: ServerConnection): string {
  const { status, errorCode, warnings, affectedRows, sawRows, columnsSeen, rows } = tracker;
  const { insertId, hasInsertId, sequence, atBoundary, stopped, done } = tracker;
  return JSON.stringify({
    ...{ status, errorCode, warnings, affectedRows, sawRows, columnsSeen, rows },
    ...{ insertId: String(insertId), hasInsertId, sequence, atBoundary, stopped, done },
  });
}

/** Keeps what came without being asked. */
export class HolderLog implements ConnectionHolder {
  readonly unasked: string[] = [];
  readonly closed: string[] = [];

  onUnasked(bytes: Uint8Array): void {
    this.unasked.push(Buffer.from(bytes).toString("hex"));
  }

  onServerDrained(): void {}

  onServerClosed(reason: string): void {
    this.closed.push(reason);
  }
}
