// The digest of an answer as its client gets it, whatever the pieces in which it comes: two servers
// that say the same of a statement give the same. Hot path while a transaction is recorded.

import { ServerStatus, statementFacts } from "../../wire/mod.ts";

/** So many bytes are hashed at a time. */
const BLOCK_LENGTH = 2048;

/**
 * Status flags that are part of an answer. The others tell of the server: that no index was used,
 * that it took long, that something has changed of which the client is told in a form of its own.
 */
const FLAGS = ServerStatus.IN_TRANS | ServerStatus.AUTOCOMMIT | ServerStatus.MORE_RESULTS_EXISTS |
  ServerStatus.CURSOR_EXISTS | ServerStatus.LAST_ROW_SENT | ServerStatus.NO_BACKSLASH_ESCAPES |
  ServerStatus.PS_OUT_PARAMS;

/** Takes one answer after the other. */
export class AnswerDigest {
  /** The client does not get the answer: it has got the like of it before. */
  isMuted = false;
  /** Bytes of the answer so far. */
  length = 0;
  readonly #block = new Uint8Array(BLOCK_LENGTH);
  #filled = 0;
  #hash = 0n;

  /** Forgets what has come of an answer. */
  clear(): void {
    this.length = this.#filled = 0;
    this.#hash = 0n;
  }

  /** Takes bytes of the answer that are in no OK or EOF packet. */
  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const taken = Math.min(bytes.length - at, BLOCK_LENGTH - this.#filled);
      this.#block.set(
        at === 0 && taken === bytes.length ? bytes : bytes.subarray(at, at + taken),
        this.#filled,
      );
      at += taken;
      this.#filled += taken;
      if (this.#filled === BLOCK_LENGTH) this.#hashBlock();
    }
  }

  /** Takes an OK or EOF packet. @param packet As the server has sent it, with its header. */
  addOk(packet: Uint8Array): void {
    this.add(statementFacts(packet, FLAGS));
  }

  /** The digest of the answer, which is complete; the next one begins. */
  end(): bigint {
    if (this.#filled > 0) this.#hashBlock();
    const hash = this.#hash;
    this.clear();
    return hash;
  }

  #hashBlock(): void {
    const { buffer } = this.#block;
    this.#hash = Bun.hash.wyhash(new Uint8Array(buffer, 0, this.#filled), this.#hash);
    this.#filled = 0;
  }
}
