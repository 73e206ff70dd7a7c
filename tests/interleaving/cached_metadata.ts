// Clients with MariaDB's CACHE_METADATA keep the column definitions of a prepared statement, and the
// server leaves them out of an answer as long as they are the same. When it sends them once more
// hangs on caches that all its sessions share (any CREATE FUNCTION empties one); what the client
// takes the columns for does not. So the definitions are put in where they are left out.

import { frame, HEADER_LENGTH, PacketReader, payloadLength } from "../../mod/wire/mod.ts";

/** The column definitions a client has for one prepared statement. */
export class CachedMetadata {
  #definitions: Uint8Array[] = [];

  /** Takes the definitions from the answer to COM_STMT_PREPARE. */
  prepared(bytes: Uint8Array): void {
    const payloads = payloadsOf(bytes);
    const head = new PacketReader(payloads[0]!, 5);
    const columns = head.u16();
    const parameters = head.u16();
    const definitions = payloads.slice(1).filter(isDefinition);
    this.#definitions = definitions.slice(parameters, parameters + columns);
  }

  /** The answer to an execution as the client understands it, its packets numbered anew. */
  expanded(bytes: Uint8Array): Uint8Array {
    const payloads = payloadsOf(bytes);
    const head = payloads[0];
    // A count of columns, and whether their definitions follow.
    if (head === undefined || head.length !== 2 || head[0] === 0 || head[0] >= 0xfb) return bytes;
    const [columns, follow] = head;
    if (follow === 1) this.#definitions = payloads.slice(1, 1 + columns!);
    const rest = payloads.slice(follow === 1 ? 1 + columns! : 1);
    const packets = [Uint8Array.of(columns!, 1), ...this.#definitions, ...rest];
    return Buffer.concat(packets.map((payload, i) => frame(payload, 1 + i)));
  }
}

function isDefinition(payload: Uint8Array): boolean {
  return payload[0] === 3 && payload[1] === 0x64 && payload[2] === 0x65 && payload[3] === 0x66;
}

function payloadsOf(bytes: Uint8Array): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const from = at + HEADER_LENGTH;
    at = from + payloadLength(bytes, at);
    payloads.push(bytes.subarray(from, at));
  }
  return payloads;
}
