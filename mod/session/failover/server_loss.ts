// What becomes of a session whose server connection has ended while it held it: its transaction or its
// command runs elsewhere, or its client is told what is lost.

import { LASTING_RESIDUE, type PooledConnection } from "../../backend/mod.ts";
import { isClosedForInactivity } from "../state/inactivity.ts";
import { forgetVariables, lossOf, type Progress, unknownSettings, withLost } from "./loss.ts";
import { rollBack } from "../pooled_leaving.ts";
import type { PooledSession } from "../pooled_session.ts";
import { heldCommand, Replay } from "./replay.ts";
import { noteLost } from "../observing/statement_times.ts";
import { lostTransaction } from "./transaction_record.ts";

/** How far a command was when its server was lost. */
export interface Interruption extends Progress {
  /** Its client has got its answer; none is under way any more. */
  readonly wasAnswered: boolean;
  /** It was to go out in pieces, and had not begun to. */
  readonly isLong: boolean;
  /** What lay on the connection of earlier commands: a set of `Residue`. */
  readonly unread: number;
}

/** @param why The connection has ended for that. */
export function loseServer(session: PooledSession, pooled: PooledConnection, why: string): void {
  const { session: client, retries } = session;
  const { facts: { server }, tracker } = pooled.connection;
  pooled.owner = undefined;
  session.seat.failFlight();
  noteLost(client);
  if (session.replay !== undefined) {
    forgetConnection(session, pooled);
    if (!client.closed) session.replay.again(why);
    return;
  }
  const { wasAnswered, wasSent, hasForwarded, isLong, unread } = session.interrupt(pooled);
  const sequence = Math.max(client.answerSequence, tracker.sequence + 1);
  let loss = lossOf(session, pooled, { wasSent, hasForwarded });
  const unknown = (unread & LASTING_RESIDUE) === 0 ? [] : unknownSettings(pooled);
  const { reason, transaction, mark } = lostTransaction(session, { why, loss, hasForwarded });
  if (transaction === undefined) {
    const variables = forgetVariables(session, unknown);
    if (variables === undefined) session.endsWithConnection = true;
    else loss = withLost(loss, variables);
  }
  forgetConnection(session, pooled);
  session.noteLoss(loss);
  if (client.closed) return;
  client.onServerDrained(); // what it did not take is in its client's way no more
  if (transaction !== undefined) {
    session.lost.clear();
    const replay = new Replay(session, { transaction, reason, loss, unknown, mark });
    session.replay = replay;
    replay.doubt(server);
    if (session.busy) replay.hold(heldCommand(session, isLong));
  } else if (!session.busy) {
    if (session.endsWithConnection || isClosedForInactivity(client)) session.endWithState();
    else session.lost.note(reason, loss);
  } else if (loss.outcome === "again" && !session.endsWithConnection) {
    if (wasSent) retries.ifServerIsGone(server, { reason, loss });
    else retries.again(reason);
  } else loseCommand(session, { isLong, error: client.lostError(reason, loss), sequence });
  // What came meanwhile was held back for its sake.
  if (wasAnswered) client.release();
}

/**
 * A server has refused a command for what the server is, in a transaction that can be run again: it
 * is elsewhere, and the command behind it. The session has left the connection.
 */
export function replayRefused(
  session: PooledSession,
  pooled: PooledConnection,
  reason: string,
): void {
  const held = heldCommand(session, false);
  const { transaction } = session.record!;
  const replay = new Replay(session, {
    transaction: transaction!,
    reason,
    loss: { outcome: "lost", transaction: true, held: "" },
    unknown: unknownSettings(pooled),
  });
  pooled.disown();
  rollBack(pooled, session);
  session.replay = replay;
  replay.settle(true);
  replay.hold(held);
}

/** What held the session on it goes with it. */
function forgetConnection(session: PooledSession, pooled: PooledConnection): void {
  session.leaveConnection();
  session.pool.lost(pooled);
  if (session.last === pooled) session.last = undefined;
  session.pins.clear();
  session.ownPins = 0;
  session.statements.forgetAtServer();
}

/** The command under way is over: its client is told so, or its session ends. */
function loseCommand(session: PooledSession, { isLong, error, sequence }: {
  readonly isLong: boolean;
  /** The payload of an ERR packet, and its number. */
  readonly error: Uint8Array;
  readonly sequence: number;
}): void {
  const { command, session: client } = session;
  session.idle();
  if (session.endsWithConnection) client.endLost();
  else if (isLong) client.passOver(command, error);
  else {
    client.answerPayload(error, sequence);
    client.release();
  }
}
