// MariaDB makes the lists of SHOW COLUMNS, SHOW TABLES and the like while it sends them: what is not
// there is an error then, and ROW_COUNT() stays what it was.

import { isMariadb } from "../../backend/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { runsText, wordsOf } from "../command/statement_text.ts";

/** `ER_NO_SUCH_TABLE`, `ER_BAD_DB_ERROR`. */
const NOT_THERE = new Set([1146, 1049]);

const LISTS =
  /^(?:SHOW (?:FULL )?(?:COLUMNS|FIELDS|INDEX|INDEXES|KEYS|TABLES|TRIGGERS|EVENTS|TABLE STATUS|OPEN TABLES)|(?:DESC|DESCRIBE|EXPLAIN)(?! (?:SELECT|INSERT|REPLACE|UPDATE|DELETE|WITH|VALUES|EXTENDED|PARTITIONS|FORMAT|FOR|\()(?: |$)))(?: |$)/;

/** A statement has failed and left ROW_COUNT() what it was. @param errorCode The error's number. */
export function failsInList(session: PooledSession, errorCode: number): boolean {
  return NOT_THERE.has(errorCode) && isMariadb(session.context.server.identity!) &&
    runsText(session) && LISTS.test(wordsOf(session));
}
