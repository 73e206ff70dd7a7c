// What of the command under way decides whether it may run once more. Not on the hot path: read when
// something has gone wrong.

import type { PooledConnection } from "../../backend/mod.ts";
import { type CommandFacts, type LossOutcome, outcomeOfLoss } from "../../route/mod.ts";
import {
  Bar,
  clusterStatementStart,
  Effect,
  PINS,
  readFacts,
  type StatementFacts,
} from "../../sql/mod.ts";
import { Command, HEADER_LENGTH, ServerStatus } from "../../wire/mod.ts";
import { setsOwnLiterals } from "../state/known_assignments.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import type { PooledSession } from "../pooled_session.ts";
import { runsText, startsWith, textOf } from "../command/statement_text.ts";
import { isSetStatement } from "../state/passing_settings.ts";

/** Statements of which an error may leave a part done or set. */
const IN_PARTS = PINS | Effect.CALLS | Effect.MULTI | Effect.SETS_VARIABLE |
  Effect.SETS_USER_VARIABLE | Effect.SETS_ROLE | Effect.CHANGES_SCHEMA;

/** MySQL's name, MariaDB's. */
const READ_ONLY = ["transaction_read_only", "tx_read_only"];

/** What routing's rules of repetition go by. */
export function commandFacts(session: PooledSession): CommandFacts {
  return {
    isRead: isRead(session),
    isInParts: (session.effects & IN_PARTS) !== 0,
    isHeld: session.inTransaction || session.pinned,
    isReadOnlySession: READ_ONLY.some((name) =>
      /^'?(?:1|on)'?$/i.test(session.state.variables.get(name) ?? "")
    ),
  };
}

/** Commands without a text that are the same twice as once. */
const HARMLESS = new Set<number>([Command.PING, Command.STMT_PREPARE, Command.INIT_DB]);
/** Statements that are, where no transaction is open. */
const BOUNDARIES = ["BEGIN", "START", "COMMIT", "ROLLBACK"];

/** The command only reads, and may be read anywhere; or it does nothing at all. Reads its text. */
export function isRead(session: PooledSession): boolean {
  if (!runsText(session)) return HARMLESS.has(session.command[HEADER_LENGTH]);
  const isBoundary = (session.effects & (Effect.MULTI | Effect.CALLS)) === 0 &&
    BOUNDARIES.some((word) => startsWith(session, word));
  if (isBoundary) return !session.inTransaction;
  return barsOf(session) === 0;
}

/** What keeps the text of the command under way from replicas: a set of `Bar`. */
function barsOf(session: PooledSession): number {
  const { bytes, start } = textOf(session);
  const facts: StatementFacts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
  const mode = lexicalModeOf(session.state, session.context);
  readFacts(bytes, { start, end: bytes.length }, { mode }, facts);
  return facts.bars;
}

/** Of these a read asks what a session has wherever it is, or what a server tells of itself. */
const CHANGES_NOTHING = Bar.SYSTEM_VARIABLE | Bar.INSERT_ID | Bar.CONNECTION | Bar.SERVER_FACT |
  Bar.INFORMATION_SCHEMA | Bar.SERVER_SCHEMA | Bar.KEEPS_FOUND_ROWS;

/** The command under way may be said twice, if not anywhere: it reads, or sets its session alone. */
function isHarmlessTwice(session: PooledSession): boolean {
  if (!runsText(session)) return false;
  return (barsOf(session) & ~CHANGES_NOTHING) === 0 || setsOwnLiterals(session);
}

/** The command is an order or a question about the servers, which need not be there for it. */
export function isClusterStatement(session: PooledSession): boolean {
  if (session.command[HEADER_LENGTH] !== Command.QUERY) return false;
  const { bytes, start } = textOf(session);
  return clusterStatementStart(bytes, start, bytes.length) >= 0;
}

/** Statements that end no transaction by themselves. */
const ENDS_NOTHING = "INSERT UPDATE DELETE REPLACE SELECT WITH SAVEPOINT RELEASE".split(" ");

/** SET, but of what commits where it is turned on. */
function setsHarmlessly(session: PooledSession): boolean {
  // SET STATEMENT ... FOR may run anything.
  const { bytes, start } = textOf(session);
  if (!startsWith(session, "SET") || isSetStatement(bytes, start)) return false;
  return !/autocommit/i.test(Buffer.from(bytes).toString("latin1", start));
}

/** The command under way may commit. */
export function endsTransaction(session: PooledSession): boolean {
  if (!runsText(session)) return true;
  if (startsWith(session, "ROLLBACK")) return false;
  if ((session.effects & (Effect.MULTI | Effect.CALLS)) !== 0) return true;
  return !ENDS_NOTHING.some((word) => startsWith(session, word)) && !setsHarmlessly(session);
}

/** What becomes of the command under way whose connection has just ended. */
export function lossOutcome(
  session: PooledSession,
  { connection }: PooledConnection,
  { wasSent, hasForwarded }: { readonly wasSent: boolean; readonly hasForwarded: boolean },
): LossOutcome {
  const status = connection.tracker.status;
  const isOpen = (status & ServerStatus.IN_TRANS) !== 0 || (status & ServerStatus.AUTOCOMMIT) === 0;
  const facts = commandFacts(session);
  const commits = endsTransaction(session);
  return outcomeOfLoss({ wasSent, hasForwarded }, {
    ...facts,
    isRead: facts.isRead || (isHarmlessTwice(session) && !(isOpen && commits)),
    isInTransaction: isOpen,
    commits,
  });
}
