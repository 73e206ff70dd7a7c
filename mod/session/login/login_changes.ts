// Statements after which a server may answer logins otherwise: what is known of them is forgotten.

import { Effect } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { textOf } from "../command/statement_text.ts";

/** Global variables, accounts, schemas: a set of `Effect`, for a quick look. */
export const CHANGES_LOGINS = Effect.SETS_GLOBAL | Effect.CONCERNS_PROXY | Effect.CHANGES_SCHEMA;

/**
 * A statement with one of these effects has been answered. What code that is not in the text has
 * changed is found out by asking the server again after a while, as what others change.
 */
export function noteLoginChanges(session: PooledSession): void {
  const { effects, command, context } = session;
  const isCertain = (effects & (Effect.SETS_GLOBAL | Effect.CONCERNS_PROXY)) !== 0;
  if (!isCertain) {
    if ((effects & Effect.CALLS) !== 0 || command[HEADER_LENGTH] === Command.INIT_DB) return;
    const { bytes, start } = textOf(session);
    const word = Buffer.from(bytes.subarray(start, start + WORD_LENGTH)).toString("latin1");
    if (/^\s*USE\b/i.test(word)) return;
  }
  context.servers.forgetLogins();
  context.peers.forgetLogins();
}

const WORD_LENGTH = 16;
