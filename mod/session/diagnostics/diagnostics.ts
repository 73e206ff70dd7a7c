// FOUND_ROWS(), warnings and errors of a session on a connection that others have used meanwhile:
// what brings them back there, and the answer to those who ask for what no server can be brought to
// say.

import { isMariadb, type PooledConnection, UNKNOWN } from "../../backend/mod.ts";
import { Effect } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import {
  answerShow,
  CLEAR,
  isExact,
  ONE_MORE_ERROR,
  raise,
  type Raising,
  rowsOf,
} from "./conditions.ts";
import { withoutLimits } from "../state/lifted_limits.ts";
import { keepsFoundRows, type Needs } from "../state/needs.ts";
import type { PooledSession } from "../pooled_session.ts";
import { runsText, wordsOf } from "../command/statement_text.ts";

/** Leaves the conditions, but commands behind it do not tell of them. */
const COUNT_NO_MORE = "SHOW WARNINGS LIMIT 0";

/** What gives the connection the session's FOUND_ROWS(), warnings and errors. */
export function diagnosticsOf(
  session: PooledSession,
  pooled: PooledConnection,
  needs: Needs,
): Raising {
  const { conditions } = session;
  const mariadb = isMariadb(session.context.server.identity!);
  const rows = rowsFound(session);
  const commands: (string | Uint8Array)[] = [];
  // What clears conditions is a SELECT, too.
  const foundRows = needs.foundRows || (needs.conditions && keepsFoundRows(session));
  if (foundRows) pooled.foundRows = `${rows}`;
  if (needs.conditions && conditions) {
    const { state: { schema } } = session;
    const counts = !runsText(session) && !mariadb;
    const lastOnly = counts && session.counted === "last" && conditions.list.length > 1;
    const first = lastOnly ? { ...conditions, list: conditions.list.slice(0, -1) } : conditions;
    const found = foundRows ? rows : undefined;
    commands.push(...raise(first, { foundRows: found, mariadb, counts, schema }));
    // What stands in for conditions is a query, too.
    if (!foundRows && commands.some(isQuery)) pooled.foundRows = UNKNOWN;
    if (lastOnly) commands.push(ONE_MORE_ERROR);
    else if (counts && session.counted === "none") commands.push(COUNT_NO_MORE);
  } else if (foundRows) commands.push(`SELECT 1 FROM ${rowsOf(rows)}`);
  else if (needs.conditions) {
    commands.push(CLEAR);
    pooled.foundRows = "1";
  }
  if (needs.conditions) {
    pooled.hasConditions = conditions !== undefined;
    pooled.hasOnlyOwnWarnings = false;
    pooled.hasStandIns = conditions !== undefined && !isExact(conditions, mariadb);
  }
  return commands.map((each) => typeof each === "string" ? withoutLimits(each, session) : each);
}

function isQuery(command: string | Uint8Array): boolean {
  return typeof command === "string" && command.startsWith("SELECT");
}

/** What writes, or may: what the server was still to tell of a new table it would tell then. */
function rowsFound({ foundRows, filledRows, effects }: PooledSession): number {
  return (effects & (Effect.CALLS | Effect.RUNS_TRIGGERS)) !== 0 && filledRows !== undefined
    ? filledRows
    : Number(foundRows);
}

/**
 * The answer to SHOW WARNINGS and SHOW ERRORS where the session's are such that no statement can
 * bring them back; undefined for other commands.
 */
export function showConditions(session: PooledSession): Uint8Array[] | undefined {
  const { conditions, effects, command } = session;
  if (!conditions || (effects & Effect.ASKS_WARNINGS) === 0) return undefined;
  if (conditions.head.length === 0) return undefined; // no server has shown them yet
  const code = command[HEADER_LENGTH];
  if (code !== Command.QUERY && code !== Command.STMT_EXECUTE) return undefined;
  const mariadb = isMariadb(session.context.server.identity!);
  if (isExact(conditions, mariadb)) return undefined;
  const binary = code === Command.STMT_EXECUTE;
  return answerShow(wordsOf(session), conditions, { binary, mariadb });
}
