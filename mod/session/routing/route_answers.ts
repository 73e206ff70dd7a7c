// What the proxy answers itself about where statements go: EXPLAIN ROUTE, SHOW ROUTES, its own
// variables. None of it reaches a server.

import {
  addRoutes,
  explainRoute,
  formatToken,
  type OwnVariableStatement,
  ownVariableStatement,
  readToken,
  routesResult,
  routeStatement,
} from "../../route/mod.ts";
import { Bar } from "../../sql/mod.ts";
import {
  Command,
  encodeErr,
  encodeOk,
  encodeTextResult,
  frame,
  HEADER_LENGTH,
  type SqlError,
  type TextResult,
} from "../../wire/mod.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import { NO_PEERS } from "../observing/peers.ts";
import type { PooledSession } from "../pooled_session.ts";
import type { RoutedFacts } from "./routing.ts";
import { textOf } from "../command/statement_text.ts";

type LocalAnswer = TextResult | "ok" | SqlError;

/** Statements with none of these bars are none of the proxy's own. */
const OWN_BARS = Bar.SYSTEM_VARIABLE | Bar.SESSION | Bar.UNKNOWN;

/**
 * Answers the statement under way if it is one about routing. Hot path: a look at the facts, and for
 * few statements at the text.
 *
 * @returns false where it is not.
 */
export function answerAboutRoutes(session: PooledSession, { bars }: RoutedFacts): boolean {
  if (session.command[HEADER_LENGTH] !== Command.QUERY) return false;
  const { bytes, start } = textOf(session);
  if ((bars & OWN_BARS) === 0 && !explainsOrShows(bytes, start)) return false;
  const answer = ownAnswer(session, bytes, start);
  if (answer === undefined) return false;
  if (answer instanceof Promise) void answer.then((late) => tell(session, late));
  else tell(session, answer);
  return true;
}

function tell(session: PooledSession, answer: LocalAnswer): void {
  if (session.session.closed) return;
  session.session.onAnswerBytes(encoded(session, answer));
  session.answeredLocally();
}

/** EXPLAIN or SHOW may come: a look at two letters. */
function explainsOrShows(bytes: Uint8Array, start: number): boolean {
  const first = (bytes[start] ?? 0) | 0x20;
  const second = (bytes[start + 1] ?? 0) | 0x20;
  return first === 0x65 || (first === 0x73 && second === 0x68);
}

function ownAnswer(
  session: PooledSession,
  bytes: Uint8Array,
  start: number,
): LocalAnswer | Promise<LocalAnswer> | undefined {
  const mode = lexicalModeOf(session.state, session.context);
  const place = { start, end: bytes.length };
  const about = routeStatement(bytes, place, mode);
  if (about?.kind === "show") return showRoutes(session);
  if (about?.kind === "explain") return explain(session, bytes, about.start);
  const own = ownVariableStatement(bytes, place, mode);
  if (own?.kind === "read" && own.variable === "position") return position(session, own.column);
  return own && ownVariable(session, own);
}

/** Where the session's writes are. Where no answer has told it the primary is asked. */
function position(
  session: PooledSession,
  column: string,
): LocalAnswer | Promise<LocalAnswer> {
  const { state } = session.route!;
  const { positions } = session.context.routing!.router;
  const told = () => ({
    columns: [column],
    rows: [[formatToken(state.position.needs, positions)]],
  });
  // Causal clusters number nothing, and of others nothing can be asked.
  if (!state.position.isUnknown || !positions.canAsk) return told();
  return learnPosition(session).then((isKnown) => isKnown ? told() : UNKNOWN_POSITION);
}

/** Asks the primary where the session's writes are. @returns False where that cannot be had. */
function learnPosition({ context, route }: PooledSession): Promise<boolean> {
  const routing = context.routing!;
  const { primary: server, positions } = routing.router;
  if (server === undefined) return Promise.resolve(false);
  const askedMs = Date.now();
  return new Promise((resolve) => {
    routing.ask(server, {
      positionIs: (position) => {
        resolve(
          position !== undefined &&
            positions.noteAsked(route!.state.position, { server, position, askedMs }),
        );
      },
    });
  });
}

/** Better none than one without what was written. */
const UNKNOWN_POSITION: SqlError = {
  code: 1105,
  sqlState: "HY000",
  message:
    "The position of what this session has written is not known: the primary cannot be asked",
};

function showRoutes({ context }: PooledSession): TextResult | Promise<TextResult> {
  const own = context.routing!.counts.rows();
  const { peers } = context;
  if (peers === NO_PEERS) return routesResult(own);
  return peers.routes().then((others) => routesResult(addRoutes([own, others])));
}

function explain(session: PooledSession, bytes: Uint8Array, start: number): TextResult {
  const { context, route, pooled } = session;
  const routing = context.routing!;
  const { facts } = routing;
  const hits = facts.hits;
  const mode = lexicalModeOf(session.state, context);
  session.facts = facts.of(bytes, start, bytes.length, mode);
  const isCached = facts.hits > hits;
  const { state } = route!;
  const { isTransactionUnsent } = state;
  state.pinnedTo = session.pinned ? route!.server : undefined;
  state.inTransaction = session.session.hasBegun;
  route!.decide();
  state.pinnedTo = undefined;
  state.inTransaction = false;
  state.isTransactionUnsent = isTransactionUnsent;
  const rows = explainRoute(routing.decision, {
    rules: routing.rules,
    hint: session.facts.hint,
    isCached,
    pinnedBy: pooled === undefined ? "" : session.pins.reasons.join(", "),
  });
  return { columns: ["Property", "Value"], rows };
}

function ownVariable(session: PooledSession, statement: OwnVariableStatement): LocalAnswer {
  const { state } = session.route!;
  const routing = session.context.routing!;
  const { positions } = routing.router;
  switch (statement.kind) {
    case "wrong":
      return { code: 1193, sqlState: "HY000", message: statement.message };
    case "read": {
      const value = state.consistency ?? session.context.config.route.consistency;
      return { columns: [statement.column], rows: [[value]] };
    }
    case "set-consistency":
      state.consistency = statement.level;
      return "ok";
    case "set-position":
      try {
        positions.noteNeed(state.position, readToken(statement.token, positions), Date.now());
        return "ok";
      } catch (error) {
        return { code: 1231, sqlState: "42000", message: (error as Error).message };
      }
  }
}

function encoded(session: PooledSession, answer: LocalAnswer): Uint8Array {
  const { capabilities } = session.session;
  const { status } = session.route!;
  if (answer === "ok") return frame(encodeOk({ status }, capabilities), 1);
  if ("code" in answer) return frame(encodeErr(answer), 1);
  const { mariadbCapabilities } = session.context.tables.kinds.get(session.kind)!.login;
  return encodeTextResult(answer, { capabilities, mariadbCapabilities, status });
}
