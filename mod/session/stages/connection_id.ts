// CONNECTION_ID() is the proxy's id: the call is replaced by that number in the statement, and the
// column that the server names after the number gets its own name back.

import type { AnswerSink, ServerConnection } from "../../backend/mod.ts";
import { findConnectionId, findRowCount } from "../../sql/mod.ts";
import { Command, Expect, frame, ServerStatus } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import { RenamedColumns, type Replacement } from "./renamed_columns.ts";
import { FORWARD, type StageResult, TAKEN } from "./stage.ts";
import { statementStart } from "../command/statement_start.ts";

/** The id that MariaDB's clients give for the statement they have prepared last. */
export const LAST_PREPARED = 0xffffffff;

/** The stage for COM_QUERY, COM_STMT_PREPARE and executions of statements so prepared. */
export function rewriteConnectionId(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload[0] === Command.STMT_EXECUTE) return executeRewritten(session, payload, server);
  if (payload[0] === Command.STMT_CLOSE) {
    if (payload.length >= 5) session.rewritten?.delete(payload.readUInt32LE(1));
    return FORWARD;
  }
  const isQuery = payload[0] === Command.QUERY;
  const rewritten = replaceCalls(session, payload, server);
  if (!rewritten) return FORWARD;
  const { replacements } = rewritten;
  if (!isQuery) (session.rewritten ??= new Map()).set(LAST_PREPARED, replacements);
  const request = frame(rewritten.payload, 0);
  if (isQuery) {
    const sink = new RenamedColumns(session, { replacements, prepared: false });
    server.request(request, Expect.RESULT, sink);
  } else {
    const remembering = new RememberingAnswer(session, server, replacements);
    const sink = new RenamedColumns(remembering, { replacements, prepared: true });
    server.request(request, Expect.PREPARE, sink);
  }
  return TAKEN;
}

/** A statement with the session's id in place of CONNECTION_ID(). */
interface Rewritten {
  readonly payload: Buffer;
  readonly replacements: readonly Replacement[];
}

/**
 * Undefined where there is nothing to replace.
 *
 * @param payload COM_QUERY or COM_STMT_PREPARE.
 * @param rowCount What ROW_COUNT() is to be; undefined: what the server says.
 */
export function replaceCalls(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
  rowCount?: number,
): Rewritten | undefined {
  const isQuery = payload[0] === Command.QUERY;
  const from = isQuery && session.hasQueryAttributes
    ? statementStart(payload, 0, payload.length)
    : 1;
  const text = {
    start: from,
    end: payload.length,
    noBackslashEscapes: (server.tracker.status & ServerStatus.NO_BACKSLASH_ESCAPES) !== 0,
  };
  const id = (blanks: string) => `CAST(${blanks}${session.id} AS UNSIGNED)`;
  const calls = findConnectionId(payload, text).map((call) => ({ ...call, literal: id }));
  if (rowCount !== undefined) {
    const literal = (blanks: string) => `IF(${blanks}1,${rowCount},ROW_COUNT())`;
    calls.push(...findRowCount(payload, text).map((call) => ({ ...call, literal })));
    calls.sort((a, b) => a.start - b.start);
  }
  if (calls.length === 0) return undefined;
  const replacements: Replacement[] = [];
  const parts: Buffer[] = [];
  let at = 0;
  for (const call of calls) {
    const original = payload.toString("latin1", call.start, call.end);
    const { literal } = replacementOf(original, replacements, call.literal);
    parts.push(payload.subarray(at, call.start), Buffer.from(literal));
    at = call.end;
  }
  parts.push(payload.subarray(at));
  return { payload: Buffer.concat(parts), replacements };
}

/**
 * The literal for one spelling of a call. Spellings get literals that differ in blanks only, so
 * that each column's name can be told. The type is that of the function whatever the number's length.
 */
function replacementOf(
  original: string,
  known: Replacement[],
  literalWith: (blanks: string) => string,
): Replacement {
  const found = known.find((each) => each.original === original);
  if (found) return found;
  const replacement = { literal: literalWith(" ".repeat(known.length)), original };
  known.push(replacement);
  return replacement;
}

function executeRewritten(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload.length < 5) return FORWARD;
  const replacements = session.rewritten?.get(payload.readUInt32LE(1)) as
    | readonly Replacement[]
    | undefined;
  if (!replacements) return FORWARD;
  const sink = new RenamedColumns(session, { replacements, prepared: false });
  server.request(frame(payload, 0), Expect.RESULT, sink);
  return TAKEN;
}

/** Remembers a prepared statement's replacements under the id that the server has given it. */
class RememberingAnswer implements AnswerSink {
  readonly #session: ClientSession;
  readonly #server: ServerConnection;
  readonly #replacements: readonly Replacement[];

  constructor(
    session: ClientSession,
    server: ServerConnection,
    replacements: readonly Replacement[],
  ) {
    this.#session = session;
    this.#server = server;
    this.#replacements = replacements;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#session.onAnswerBytes(bytes);
  }

  onOkPacket(packet: Uint8Array): void {
    this.#session.onOkPacket(packet);
  }

  onAnswerEnd(): void {
    const { tracker } = this.#server;
    if (tracker.errorCode === 0) {
      (this.#session.rewritten ??= new Map()).set(tracker.statementId, this.#replacements);
    }
    this.#session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }
}
