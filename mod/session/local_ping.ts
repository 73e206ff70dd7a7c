// COM_PING of a session that holds no server connection: pools of applications send one in front of
// whatever they do, and it says nothing that the proxy does not know.

import { Residue } from "../backend/mod.ts";
import { encodeOk, NO_TRANSACTION, ServerStatus } from "../wire/mod.ts";
import type { PooledSession } from "./pooled_session.ts";

/** Modes that show in the status flags: NO_BACKSLASH_ESCAPES, and ANSI_QUOTES on MariaDB. */
const FLAGGED_MODES = /NO_BACKSLASH_ESCAPES|ANSI/;

/** Answers the COM_PING under way, or has it go to the server. */
export function ping(session: PooledSession): void {
  const { session: client } = session;
  const answer = pingAnswer(session);
  if (answer === undefined) session.placeAgain();
  else {
    client.answerPayload(answer, client.answerSequence);
    session.answeredLocally();
  }
}

/**
 * The OK packet's payload; undefined where the server has to be asked: it would tell of warnings, of
 * a changed state or a transaction, or no server takes writes, which clients ask for so too.
 */
function pingAnswer(session: PooledSession): Uint8Array | undefined {
  const { last, context, pinned } = session;
  if (pinned || context.gate.isShut || session.conditions !== undefined) return undefined;
  if (session.owed !== undefined || session.transactionTold !== NO_TRANSACTION) return undefined;
  if (session.awaited > 0 || session.hasCalled || session.hiddenChange) return undefined;
  if (!/^(?:'ON'|1)$/.test(literalOf(session, "autocommit"))) return undefined;
  if (FLAGGED_MODES.test(literalOf(session, "sql_mode"))) return undefined;
  const isOwn = last?.owner === session;
  if (isOwn && (last.hasConditions || (last.residue & Residue.WARNINGS) !== 0)) return undefined;
  session.rowCount = 0;
  if (isOwn) last.rowCountGone = true;
  return encodeOk({ status: ServerStatus.AUTOCOMMIT }, session.session.capabilities);
}

function literalOf({ state, baseline }: PooledSession, name: string): string {
  return state.variables.get(name) ?? baseline.literals.get(name) ?? "";
}
