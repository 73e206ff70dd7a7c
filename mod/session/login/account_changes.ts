// Statements that change accounts: when one has succeeded, what the proxy knows of accounts is old.
// Its client is told of the success when the change is known, so that the next login meets it.

import type { AnswerSink, ServerConnection } from "../../backend/mod.ts";
import { changesAccounts } from "../../sql/mod.ts";
import { Command, Expect, frame } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import { FORWARD, HOLD, type StageResult, TAKEN } from "../stages/stage.ts";
import { statementStart } from "../command/statement_start.ts";

/** The stage. Looks only where somebody wants to know: accounts are read from the server. */
export function watchAccounts(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  const { onAccountsChanged } = session.context;
  if (!onAccountsChanged || payload[0] !== Command.QUERY) return FORWARD;
  const from = session.hasQueryAttributes ? statementStart(payload, 0, payload.length) : 1;
  if (!changesAccounts(payload, from, payload.length)) return FORWARD;
  if (server.outstanding > 0) return HOLD;
  session.holdFurther(); // answers of what comes behind may not overtake this one's end
  const sink = new DelayedAnswer(session, server, onAccountsChanged);
  server.request(frame(payload, 0), Expect.RESULT, sink);
  return TAKEN;
}

/** Keeps the end of an answer until the change is known. */
class DelayedAnswer implements AnswerSink {
  readonly #session: ClientSession;
  readonly #server: ServerConnection;
  readonly #onAccountsChanged: () => Promise<void>;
  #end: Uint8Array | undefined;
  #endOk: Uint8Array | undefined;

  constructor(
    session: ClientSession,
    server: ServerConnection,
    onAccountsChanged: () => Promise<void>,
  ) {
    this.#session = session;
    this.#server = server;
    this.#onAccountsChanged = onAccountsChanged;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    if (this.#server.tracker.done) this.#end = bytes;
    else this.#session.onAnswerBytes(bytes);
  }

  onOkPacket(packet: Uint8Array): void {
    if (this.#server.tracker.done) this.#endOk = packet;
    else this.#session.onOkPacket(packet);
  }

  onAnswerEnd(): void {
    if (this.#server.tracker.errorCode !== 0) this.#finish();
    else this.#onAccountsChanged().finally(() => this.#finish());
  }

  #finish(): void {
    if (this.#session.closed) return;
    if (this.#end) this.#session.onAnswerBytes(this.#end);
    if (this.#endOk) this.#session.onOkPacket(this.#endOk);
    this.#session.onAnswerEnd();
    this.#session.release();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }
}
