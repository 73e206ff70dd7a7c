// Statements that change accounts: when one has succeeded, what the proxy knows of accounts is old.

import type { AnswerSink, ServerConnection } from "../backend/mod.ts";
import { changesAccounts } from "../sql/mod.ts";
import { Command, Expect, frame } from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { FORWARD, type StageResult, TAKEN } from "./stage.ts";
import { statementStart } from "./statement_start.ts";

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
  const sink: AnswerSink = {
    onAnswerBytes: (bytes) => session.onAnswerBytes(bytes),
    onAnswerEnd() {
      if (server.tracker.errorCode === 0) onAccountsChanged();
      session.onAnswerEnd();
    },
    onServerLost: (reason) => session.onServerLost(reason),
  };
  server.request(frame(payload, 0), Expect.RESULT, sink);
  return TAKEN;
}
