// What happens to a command before it goes to the server: a short list, in order.
// Most commands meet no stage and are forwarded as the bytes that came.

import type { ServerConnection } from "../../backend/mod.ts";
import { Attention, attention } from "../../sql/mod.ts";
import { Command, Expect, expectedAnswer } from "../../wire/mod.ts";
import { watchAccounts } from "../login/account_changes.ts";
import { changeUser } from "../login/change_user.ts";
import type { ClientSession } from "../client_session.ts";
import { askCluster } from "../routing/cluster_statement.ts";
import { LAST_PREPARED, rewriteConnectionId } from "./connection_id.ts";
import { killByCommand, rewriteKill } from "./kill.ts";
import { OwnPin } from "../pins/own_pin.ts";
import { showProcesslist } from "./processlist.ts";
import { UNKNOWN_COMMAND } from "../session_errors.ts";
import { FORWARD, HOLD, type Stage, type StageResult, TAKEN } from "./stage.ts";
import { statementStart } from "../command/statement_start.ts";

/** The stages that a statement's text may call for, in order. */
const TEXT_STAGES: readonly { readonly on: number; readonly stage: Stage }[] = [
  { on: Attention.KILL, stage: rewriteKill },
  { on: Attention.PROCESSLIST, stage: showProcesslist },
  { on: Attention.CLUSTER, stage: askCluster },
  { on: Attention.CONNECTION_ID, stage: rewriteConnectionId },
  { on: Attention.ACCOUNTS, stage: watchAccounts },
];
const TEXT_ATTENTION = TEXT_STAGES.reduce((all, { on }) => all | on, 0);
/** Where nobody reads accounts, SET, CREATE and the like need no second look. */
const WITHOUT_ACCOUNTS = TEXT_ATTENTION & ~Attention.ACCOUNTS;

/**
 * The stage for a command that lies at `start` to `end`, or undefined where there is none.
 * Hot path: one pass over a statement's bytes, nothing allocated.
 */
export function stageOf(
  session: ClientSession,
  bytes: Buffer,
  start: number,
  end: number,
): Stage | undefined {
  const command = start < end ? bytes[start] : Command.SLEEP;
  switch (command) {
    case Command.QUERY:
    case Command.STMT_PREPARE: {
      const text = session.hasQueryAttributes && command === Command.QUERY
        ? statementStart(bytes, start, end)
        : start + 1;
      if (command === Command.STMT_PREPARE) session.rewritten?.delete(LAST_PREPARED);
      const wanted = session.context.onAccountsChanged ? TEXT_ATTENTION : WITHOUT_ACCOUNTS;
      return (attention(bytes, text, end) & wanted) === 0 ? undefined : byText;
    }
    case Command.STMT_EXECUTE:
    case Command.STMT_CLOSE:
      return session.rewritten === undefined ? undefined : rewriteConnectionId;
    case Command.QUIT:
      return quit;
    case Command.CHANGE_USER:
      return changeUser;
    case Command.SET_OPTION:
      return setOption;
    case Command.PROCESS_KILL:
      return killByCommand;
    case Command.PROCESS_INFO:
      return showProcesslist;
    default:
      break;
  }
  const expect = expectedAnswer(command);
  if (expect === Expect.UNKNOWN) return unknownCommand;
  if (expect === Expect.STREAM) return replicationStream;
  return undefined;
}

/** Asks each stage that the text may call for until one deals with it. */
function byText(session: ClientSession, payload: Buffer, server: ServerConnection): StageResult {
  for (const { stage } of TEXT_STAGES) {
    const result = stage(session, payload, server);
    if (result !== FORWARD) return result;
  }
  return FORWARD;
}

function quit(session: ClientSession, _payload: Buffer, server: ServerConnection): StageResult {
  if (server.outstanding > 0) return HOLD;
  session.quit();
  return TAKEN;
}

/** Several statements in one text or not: the session stays where that is not as at the login. */
function setOption(session: ClientSession, payload: Buffer, server: ServerConnection): StageResult {
  const option = payload.length < OPTION_END ? undefined : payload.readUInt16LE(1);
  if (option !== MULTI_STATEMENTS_ON && option !== MULTI_STATEMENTS_OFF) return FORWARD;
  server.multiStatements = option === MULTI_STATEMENTS_ON;
  const { pooled } = session;
  if (pooled === undefined) return FORWARD;
  if (server.optionChanged) pooled.ownPins |= OwnPin.OPTION;
  else pooled.ownPins &= ~OwnPin.OPTION;
  return FORWARD;
}

/** COM_SET_OPTION: the command and two bytes. */
const OPTION_END = 3;
const MULTI_STATEMENTS_ON = 0;
const MULTI_STATEMENTS_OFF = 1;

function unknownCommand(
  session: ClientSession,
  _payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (server.outstanding > 0) return HOLD;
  session.answerError(UNKNOWN_COMMAND, 1);
  return TAKEN;
}

/** The rest of the connection is a replication stream: bytes pass as they are from here on. */
function replicationStream(
  session: ClientSession,
  _payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (server.outstanding > 0) return HOLD;
  session.splice();
  return FORWARD;
}
