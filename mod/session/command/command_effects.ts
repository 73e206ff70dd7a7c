// What a command may do to its session and asks of it.

import { Effect, effectsOf, UNKNOWN } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import { lexicalModeOf } from "./lexical_mode.ts";
import type { PooledSession } from "../pooled_session.ts";
import type { RoutedFacts, Routing } from "../routing/routing.ts";
import { wantsCursor } from "../prepared/session_statement.ts";
import { statementStart } from "./statement_start.ts";
import { startsWith, wordsOf } from "./statement_text.ts";

/** What routes its statements; undefined where they go to the server that takes writes. */
function routingOf({ route, context }: PooledSession): Routing | undefined {
  return route !== undefined && context.routing!.isOn ? context.routing : undefined;
}

/**
 * The facts of a prepared statement, where they may lead it elsewhere: a cursor stays on its
 * connection, and so does what is at the server already.
 */
function executionFacts(session: PooledSession, packet: Buffer): RoutedFacts | undefined {
  const routing = routingOf(session);
  const statement = session.statement!;
  if (routing === undefined || wantsCursor(packet) || statement.longDataPassed) return undefined;
  const { packet: text, state } = statement;
  const mode = lexicalModeOf(state, session.context);
  return routing.facts.of(text, HEADER_LENGTH + 1, text.length, mode);
}

/**
 * The effects of a command, a set of `Effect`. Hot path: one pass over a statement's bytes.
 *
 * @param isLong Of a long one only the start is given: it may do anything, but it looks at the
 *   proxy's own settings only where the start says so.
 */
export function commandEffects(session: PooledSession, packet: Buffer, isLong: boolean): number {
  const command = packet.length > HEADER_LENGTH ? packet[HEADER_LENGTH] : Command.SLEEP;
  switch (command) {
    case Command.QUERY:
    case Command.STMT_PREPARE: {
      const start = command === Command.QUERY && session.session.hasQueryAttributes
        ? statementStart(packet, HEADER_LENGTH, packet.length)
        : HEADER_LENGTH + 1;
      const mode = lexicalModeOf(session.state, session.context);
      const routing = routingOf(session);
      if (routing !== undefined && !isLong) {
        session.facts = routing.facts.of(packet, start, packet.length, mode);
        const { effects } = session.facts;
        return executesNothing(session, effects) ? 0 : effects;
      }
      const found = effectsOf(packet, start, packet.length, mode);
      if (isLong) return found | (UNKNOWN & ~Effect.ASKS_VARIABLES);
      return executesNothing(session, found) ? 0 : found;
    }
    case Command.STMT_EXECUTE:
      if (session.statement !== undefined) session.facts = executionFacts(session, packet);
      return session.statement?.effects ?? Effect.ASKS_WARNINGS;
    case Command.STMT_BULK_EXECUTE:
      return session.statement?.effects ?? Effect.ASKS_WARNINGS; // its error comes beside others
    case Command.STMT_FETCH: // and that of a cursor that there is not
      return (session.statement?.effects ?? 0) | Effect.ASKS_WARNINGS;
    case Command.INIT_DB: // its OK tells the number of warnings there are
      return Effect.CHANGES_SCHEMA | Effect.ASKS_WARNINGS;
    case Command.FIELD_LIST: // MySQL adds to those there are that it is deprecated
    case Command.PING:
    case Command.SET_OPTION:
    case Command.STMT_RESET:
    case Command.DEBUG:
      return Effect.ASKS_WARNINGS;
    default:
      return 0;
  }
}

/**
 * EXECUTE of a statement that there is not, since none was prepared by name on the connection that the
 * session holds, or it holds none: an error, and nothing else. Hot path: one comparison for most.
 */
function executesNothing(session: PooledSession, effects: number): boolean {
  if ((effects & (Effect.CALLS | Effect.MULTI)) !== Effect.CALLS) return false;
  if (session.command[HEADER_LENGTH] !== Command.QUERY) return false;
  if (session.pooled !== undefined && mayHaveNamed(session)) return false;
  return startsWith(session, "EXECUTE") && !wordsOf(session).startsWith("EXECUTE IMMEDIATE");
}

/** A statement may have been prepared by name, be it by code out of a statement's text. */
function mayHaveNamed({ pins, hasCalled, hiddenChange, isUncounted }: PooledSession): boolean {
  return pins.mayHold("named statement") || hasCalled || hiddenChange || isUncounted;
}
