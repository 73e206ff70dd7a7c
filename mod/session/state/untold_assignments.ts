// MariaDB tells of SET SESSION x and of SET @@SESSION.x, but not of SET @@x: what was set so is set
// once more, in a way that is told.

import { isMariadb } from "../../backend/mod.ts";
import { Effect } from "../../sql/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { textOf } from "../command/statement_text.ts";

const ASSIGNED = /@@\s*`?(\w+)`?\s*:?=/g;

/** To set them once more would change something. */
const NOT_AGAIN = new Set([
  "insert_id",
  "last_insert_id",
  "identity",
  "pseudo_thread_id",
  "rand_seed1",
  "rand_seed2",
  "tx_isolation",
  "tx_read_only",
  "transaction_isolation",
  "transaction_read_only",
]);

/** Names that servers warn of, and those to be said in their place. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ["storage_engine", "default_storage_engine"],
]);

/** SET timestamp = DEFAULT, or 0: the clock runs again. @param text The statement. */
export function setsDefaultTimestamp(text: string): boolean {
  return /timestamp\W*(?::?=)\s*(?:default|'?0+(?:\.0*)?'?\s*(?:[,;]|$))/i.test(text);
}

/** The statement that makes the server tell; undefined where there is nothing to be told. */
export function untoldAssignments(session: PooledSession): string | undefined {
  const { effects, baseline, context } = session;
  if ((effects & Effect.SETS_VARIABLE) === 0 || !isMariadb(context.server.identity!)) return;
  const { bytes, start } = textOf(session);
  const text = Buffer.from(bytes.subarray(start)).toString("latin1");
  const names = new Set<string>();
  for (const [, name] of text.matchAll(ASSIGNED)) {
    const told = name.toLowerCase();
    const variable = ALIASES.get(told) ?? told;
    if (NOT_AGAIN.has(variable) || variable.startsWith("session_track_")) continue;
    if (variable === "timestamp") {
      // Set once more, a clock that runs would stand.
      if (setsDefaultTimestamp(text)) {
        session.setState(context.tables.states.with(session.state, [["timestamp", undefined]]));
      } else names.add(variable);
      continue;
    }
    if (!baseline.literals.has(variable) && !baseline.empty.has(variable)) continue;
    // The charset alone would bring its default collation.
    names.add(variable === "character_set_connection" ? "collation_connection" : variable);
  }
  if (names.size === 0) return undefined;
  return `SET ${[...names].map((name) => `@@SESSION.${name}=@@SESSION.${name}`).join(",")}`;
}
