// What a session's client is told of the end of its server connection: once, with its next command.

import { ERR_HEADER, HEADER_LENGTH } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { Loss } from "./loss.ts";

/** The end of a connection that a session has held, until its client knows of it. */
export class ConnectionEnd {
  /** Why the connection has ended while no command was under way; undefined: it has not. */
  reason: string | undefined;
  /** The same in the server's own words: the payload of an ERR packet. */
  #words: Uint8Array | undefined;

  #loss: Loss | undefined;

  /** The connection has ended. */
  note(reason: string, loss: Loss): void {
    this.reason = reason;
    this.#loss = loss;
  }

  /** The server says something before it closes the connection. */
  hear(bytes: Uint8Array): void {
    if (bytes[HEADER_LENGTH] === ERR_HEADER) this.#words = bytes.slice(HEADER_LENGTH);
  }

  /** Nobody is told: its client has lost nothing. */
  clear(): void {
    this.#words = this.reason = this.#loss = undefined;
  }

  /** The ERR packet's payload that tells of it. */
  tell(session: ClientSession): Uint8Array {
    const { reason = "" } = this;
    const words = this.#words;
    const loss = this.#loss;
    this.clear();
    return words ?? session.lostError(reason, loss);
  }
}
