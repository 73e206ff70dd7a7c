// MariaDB's "statement prepared last", which a client may name in place of an id.

import { LAST_PREPARED } from "../stages/connection_id.ts";
import type { PooledSession } from "../pooled_session.ts";
import { bringsTypes, statementIdOf } from "./session_statement.ts";
import { runsText } from "../command/statement_text.ts";

/**
 * The command under way executes it without types: MariaDB refuses that, whatever types it was given
 * before, and does so where it is the last one there. Hot path: a comparison for most commands.
 */
export function lacksTypesOfLast(session: PooledSession): boolean {
  const { command, statement } = session;
  if (statement === undefined || statement.parameters === 0) return false;
  if (statementIdOf(command) !== LAST_PREPARED) return false;
  return runsText(session) && !bringsTypes(command, statement, session.session.hasQueryAttributes);
}
