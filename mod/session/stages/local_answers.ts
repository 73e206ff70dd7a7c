// Commands of a session that holds no server connection, which the proxy answers itself since they say
// nothing that it does not know: COM_PING, which pools of applications send in front of whatever they
// do, and BEGIN. That one goes to the server in front of the first statement of its transaction, in
// the same write where that only reads: InnoDB begins nothing before it either.

import { isMariadb, OFF, Residue } from "../../backend/mod.ts";
import { TransactionStart } from "../../sql/mod.ts";
import {
  Capability,
  Command,
  encodeOk,
  encodeSessionState,
  HEADER_LENGTH,
  NO_TRANSACTION,
  type OkPacket,
  ServerStatus,
  transactionEntry,
} from "../../wire/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { textOf } from "../command/statement_text.ts";
import { noteTimes } from "../observing/statement_times.ts";
import { beginText, maySplit, transactionBegunBy } from "../failover/transaction_opening.ts";

/** Modes that show in the status flags: NO_BACKSLASH_ESCAPES, and ANSI_QUOTES on MariaDB. */
const FLAGGED_MODES = /NO_BACKSLASH_ESCAPES|ANSI/;
/** Longer texts begin no transaction, in bytes. */
const BEGIN_MAX = 64;
const LETTERS_BE = 0x6265;
const LETTERS_ST = 0x7374;
const LOWER_CASE = 0x2020;
/** MySQL's name, MariaDB's. */
const READ_ONLY = ["transaction_read_only", "tx_read_only"];
/** With these on an OK packet tells more. */
const TOLD = ["session_track_transaction_info", "session_track_state_change"];
/** What a server says to BEGIN. */
const BEGUN = ServerStatus.AUTOCOMMIT | ServerStatus.IN_TRANS;
/** What MySQL tells of its transaction's state then, whether that is tracked or not. */
const TRANSACTION = "T_______";
const BEGUN_AND_TOLD: Partial<OkPacket> = {
  status: BEGUN | ServerStatus.SESSION_STATE_CHANGED,
  sessionState: encodeSessionState([transactionEntry(TRANSACTION)]),
};
/** What is noted of that answer: one for all. */
const answered = {
  tracker: { status: BEGUN, errorCode: 0, rows: 0, affectedRows: 0 },
  facts: { server: "" },
};

/**
 * Answers the command under way, if it needs no server. Hot path: a look at the command, and at two
 * letters of a short statement.
 *
 * @returns False where it does need one.
 */
export function answersItself(session: PooledSession): boolean {
  const { command } = session;
  switch (command[HEADER_LENGTH]) {
    case Command.PING:
      if (!saysNothingElse(session)) return false;
      tellOk(session, { status: session.begin === undefined ? ServerStatus.AUTOCOMMIT : BEGUN });
      return true;
    case Command.QUERY:
      return command.length <= BEGIN_MAX && mayBegin(session) && beginsLater(session);
    default:
      return false;
  }
}

/** BE or ST, in any case. */
function mayBegin(session: PooledSession): boolean {
  const { bytes, start } = textOf(session);
  const letters = (bytes[start] ?? 0) << 8 | (bytes[start + 1] ?? 0) | LOWER_CASE;
  return letters === LETTERS_BE || letters === LETTERS_ST;
}

/** Has the transaction begin with its first statement. */
function beginsLater(session: PooledSession): boolean {
  const begins = transactionBegunBy(session);
  if (begins !== TransactionStart.BEGINS || session.records) return false;
  const { route, context, session: { capabilities } } = session;
  if (route !== undefined && maySplit(session, begins, route.state.consistency)) return false;
  // It would show in the status flags.
  if (!READ_ONLY.some((name) => OFF.has(literalOf(session, name)))) return false;
  const isTold = TOLD.some((name) => !OFF.has(literalOf(session, name)));
  if (isTold && (capabilities & Capability.SESSION_TRACK) !== 0) return false;
  if (!saysNothingElse(session)) return false;
  session.begin = beginText(begins);
  session.opening.beginsAnew();
  session.counted = "all";
  route?.noteBegun(BEGUN);
  answered.facts.server = context.server.name;
  noteTimes(session, answered);
  if ((capabilities & Capability.SESSION_TRACK) === 0 || isMariadb(context.server.identity!)) {
    tellOk(session, { status: BEGUN });
  } else {
    session.transactionTold = TRANSACTION;
    tellOk(session, BEGUN_AND_TOLD);
  }
  return true;
}

/**
 * An OK packet is all that a server would answer: else it would tell of warnings, of a changed state or
 * a transaction; or no server takes writes, which clients ask for so too.
 */
function saysNothingElse(session: PooledSession): boolean {
  const { last, context, pinned } = session;
  if (pinned || context.gate.isShut || session.conditions !== undefined) return false;
  if (session.owed !== undefined || session.transactionTold !== NO_TRANSACTION) return false;
  if (session.awaited > 0 || session.hasCalled || session.hiddenChange) return false;
  if (!/^(?:'ON'|1)$/.test(literalOf(session, "autocommit"))) return false;
  if (FLAGGED_MODES.test(literalOf(session, "sql_mode"))) return false;
  if (last?.owner !== session) return true;
  return !last.hasConditions && (last.residue & Residue.WARNINGS) === 0;
}

function tellOk(session: PooledSession, ok: Partial<OkPacket>): void {
  const { last, session: client } = session;
  session.rowCount = 0;
  if (last?.owner === session) last.rowCountGone = true;
  client.answerPayload(encodeOk(ok, client.capabilities), client.answerSequence);
  session.answeredLocally();
}

function literalOf({ state, baseline }: PooledSession, name: string): string {
  return state.variables.get(name) ?? baseline.literals.get(name) ?? "";
}
