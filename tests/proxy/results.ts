// Reads results of the text protocol out of packets.

import {
  Capability,
  decodeColumnDefinition,
  decodeOk,
  type OkPacket,
  PacketReader,
  ServerStatus,
} from "../../mod/wire/mod.ts";
import type { Packet } from "./packet_stream.ts";

/** One result: rows, or an OK without any. */
export interface Result {
  readonly columns: readonly string[];
  readonly rows: (string | null)[][];
  readonly ok: OkPacket | undefined;
}

/** All results of an answer without an error in it. */
export function parseResults(packets: readonly Packet[], capabilities: number): Result[] {
  const deprecateEof = (capabilities & Capability.DEPRECATE_EOF) !== 0;
  const results: Result[] = [];
  let at = 0;
  while (at < packets.length) {
    const head = packets[at++]!.payload;
    if (head[0] === 0xfb) continue; // a local file was asked for
    if (head[0] === 0) {
      results.push({ columns: [], rows: [], ok: decodeOk(head, capabilities) });
      continue;
    }
    const count = new PacketReader(head).lenenc();
    const columns: string[] = [];
    for (let i = 0; i < count; i++) columns.push(columnName(packets[at++]!.payload));
    if (!deprecateEof) at++;
    const rows: (string | null)[][] = [];
    for (;;) {
      const { payload } = packets[at++]!;
      if (payload[0] === 0xfe && payload.length < (deprecateEof ? 0xffffff : 9)) {
        results.push({
          columns,
          rows,
          ok: deprecateEof ? decodeOk(payload, capabilities) : undefined,
        });
        break;
      }
      rows.push(textRow(payload, count));
    }
  }
  return results;
}

/** A column definition's name. */
export function columnName(payload: Uint8Array): string {
  return Buffer.from(decodeColumnDefinition(payload).name).toString();
}

function textRow(payload: Uint8Array, count: number): (string | null)[] {
  const reader = new PacketReader(payload);
  const row: (string | null)[] = [];
  for (let i = 0; i < count; i++) {
    if (payload[reader.position] === 0xfb) {
      reader.skip(1);
      row.push(null);
    } else row.push(Buffer.from(reader.lenencView()).toString());
  }
  return row;
}

/** The server's status says that a transaction is open. */
export function inTransaction(result: Result): boolean {
  return ((result.ok?.status ?? 0) & ServerStatus.IN_TRANS) !== 0;
}
