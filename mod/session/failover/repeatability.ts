// Whether a statement in a transaction can be run once more on another server, so that its answer and
// what it leaves are as they were, or its answer shows that they are not.

import { Bar, Effect, readFacts, type StatementFacts } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import type { PooledSession } from "../pooled_session.ts";
import { wantsCursor } from "../prepared/session_statement.ts";
import { runsText, startsWith, textOf } from "../command/statement_text.ts";

/** What a command is for the transaction that it is in. */
export type Repeatability =
  /** It is part of it, and can be run again. */
  | "again"
  /** It is none of its business. */
  | "beside"
  /** It cannot: in words. */
  | { readonly reason: string };

const AGAIN = "again";
const BESIDE = "beside";

/** Effects that rule it out, and what they are called. */
const RULED_OUT: readonly (readonly [number, string])[] = [
  [Effect.TEMPORARY_TABLE, "temporary table"],
  [Effect.TABLE_LOCK, "locked tables"],
  [Effect.USER_LOCK, "user lock"],
  [Effect.HANDLER, "handler"],
  [Effect.XA, "XA transaction"],
  [Effect.NAMED_STATEMENT, "named statement"],
  [Effect.SEQUENCE, "sequence"],
  [Effect.NEXT_TRANSACTION | Effect.ONE_SHOT, "setting for one statement"],
  [Effect.PROFILING, "profile"],
  [Effect.MULTI, "several statements in one text"],
  [Effect.CALLS, "stored code"],
  [Effect.SETS_GLOBAL, "global variable"],
  [Effect.ENDS_SESSION, "end of the session"],
  [Effect.CONCERNS_PROXY, "statement about sessions or accounts"],
].map(([effect, name]) => [effect as number, name as string]);
const ALL_RULED_OUT = RULED_OUT.reduce((all, [effect]) => all | effect, 0);

/** Bars of replicas that do not bar a second run. */
const HARMLESS = Bar.LOCKS_ROWS | Bar.ASSIGNS | Bar.INSERT_ID | Bar.DIAGNOSTICS |
  Bar.KEEPS_FOUND_ROWS | Bar.CONNECTION | Bar.SYSTEM_VARIABLE | Bar.SERVER_SCHEMA |
  Bar.INFORMATION_SCHEMA | Bar.SERVER_FACT | Bar.UNSAFE_NAME;

const CHANGES_ROWS = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
/** About the transaction itself, or the session. */
const OTHERS = ["SAVEPOINT", "ROLLBACK", "RELEASE", "COMMIT", "BEGIN", "START", "SET", "USE"];

/** INTO a file, rather than a variable. */
const FILE = /\b(?:OUT|DUMP)FILE\b/i;

const facts: StatementFacts = { effects: 0, bars: 0, hint: undefined, seesTables: false };

/** Judges the command under way, which is about to be sent. */
export function repeatabilityOf(session: PooledSession): Repeatability {
  const { effects, command, statement } = session;
  if (!runsText(session)) {
    switch (command[HEADER_LENGTH]) {
      case Command.INIT_DB:
        return AGAIN;
      case Command.PING:
      case Command.STMT_PREPARE:
      case Command.STMT_RESET:
      case Command.STATISTICS:
        return BESIDE;
      default:
        return { reason: "command of another kind" };
    }
  }
  if (statement !== undefined) {
    if (wantsCursor(command)) return { reason: "cursor" };
    if (statement.longData !== undefined || statement.longDataPassed) {
      return { reason: "long data" };
    }
    if (statement.replacements !== undefined) return { reason: "connection id in a statement" };
  } else if (command[HEADER_LENGTH] !== Command.QUERY) return { reason: "unknown statement" };
  if ((effects & ALL_RULED_OUT) !== 0) {
    const [, reason] = RULED_OUT.find(([effect]) => (effects & effect) !== 0)!;
    return { reason };
  }
  if ((effects & Effect.READS) !== 0) {
    // It shows what the statement before has left, of which the answer told the number.
    return (effects & Effect.ASKS_WARNINGS) !== 0 ? BESIDE : AGAIN;
  }
  if ((effects & Effect.ASKS_WARNINGS) !== 0) return { reason: "diagnostics" };
  if (CHANGES_ROWS.some((word) => startsWith(session, word))) return AGAIN;
  if (OTHERS.some((word) => startsWith(session, word))) return AGAIN;
  return byBars(session);
}

/** What locks rows, and what only the words of the whole text tell. */
function byBars(session: PooledSession): Repeatability {
  const { bytes, start } = textOf(session);
  const mode = lexicalModeOf(session.state, session.context);
  readFacts(bytes, { start, end: bytes.length }, { mode }, facts);
  const { bars } = facts;
  if ((bars & Bar.INTO) !== 0 && FILE.test(Buffer.from(bytes).toString("latin1", start))) {
    return { reason: "file" };
  }
  if ((bars & ~(HARMLESS | Bar.INTO)) === 0) return AGAIN;
  return { reason: startsWith(session, "LOAD") ? "file" : "statement of another kind" };
}
