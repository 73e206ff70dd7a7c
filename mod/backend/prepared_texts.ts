// Texts of prepared statements: thousands of sessions prepare the same few. Each is kept once, with
// a name that is shorter than the text.

import { HEADER_LENGTH } from "../wire/mod.ts";
import type { SessionState } from "./session_state.ts";

/** A statement's text, which may be shared by many sessions. */
export interface PreparedText {
  /** COM_STMT_PREPARE with its header. Never changed. */
  readonly packet: Uint8Array;
  /** Equal for equal texts, as long as the table has not been made anew. */
  readonly name: string;
}

/** Longer texts, in bytes, are each session's own and their own names. */
const SHARED_MAX = 8 * 1024;
/** Texts kept to be shared, in bytes; when there are more, sharing starts anew. */
const BYTES_MAX = 16 * 1024 * 1024;

/** Makes texts, each once. */
export class PreparedTexts {
  readonly #texts = new Map<string, PreparedText>();
  #bytes = 0;
  #last = 0;

  /** The text of a packet, which is copied where it is new. */
  of(packet: Uint8Array): PreparedText {
    const { buffer, byteOffset, length } = packet;
    const text = Buffer.from(buffer, byteOffset, length).toString("latin1", HEADER_LENGTH + 1);
    const known = this.#texts.get(text);
    if (known) return known;
    const copy = Buffer.from(Uint8Array.from(packet).buffer);
    if (length > SHARED_MAX) return { packet: copy, name: text };
    if (this.#bytes + length > BYTES_MAX) {
      this.#texts.clear();
      this.#bytes = 0;
    }
    this.#bytes += length;
    const made = { packet: copy, name: `#${++this.#last}` };
    this.#texts.set(text, made);
    return made;
  }
}

/** What a connection calls a text that was prepared in a state, which decides what it means. */
export function keyOf({ name }: PreparedText, state: SessionState): string {
  return `${state.id} ${name}`;
}
