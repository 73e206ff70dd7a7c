// What becomes of a shared connection whose client has left while it held it.

import {
  type AccountPool,
  type ConnectionHolder,
  makeFresh,
  type PooledConnection,
  resetConnection,
  Residue,
  runStatement,
  schemaAfterReset,
  UNKNOWN,
} from "../backend/mod.ts";
import { carryOver } from "./state/preparation.ts";
import type { PooledSession } from "./pooled_session.ts";

/** The client has gone. @param wasIdle No command was under way. */
export function leaveForGood(session: PooledSession, wasIdle: boolean): void {
  session.unsettle();
  session.retry?.end();
  session.replay?.end();
  session.record?.close();
  if (session.pooled === undefined) session.pool.cancel(session);
  // What is being read for the session before must come: `prepared` sees to the connection.
  else if (!session.preparing) leaveBehind(session.leaveConnection()!, session, wasIdle);
}

/** @param wasIdle No command was under way. */
export function leaveBehind(
  pooled: PooledConnection,
  session: PooledSession,
  wasIdle: boolean,
): void {
  const { pool, server } = session;
  const { connection } = pooled;
  if (connection.closed) pool.lost(pooled);
  else if (!wasIdle || connection.outstanding > 0) {
    server.discard(connection);
    pool.lost(pooled);
  } else if (!connection.reusable || connection.optionChanged) pool.drop(pooled);
  else void resetAndRelease(pooled, session);
}

/** Ends a transaction and frees locks, for the next session. Never rejects. */
async function resetAndRelease(
  pooled: PooledConnection,
  { pool, baseline, context }: PooledSession,
): Promise<void> {
  pooled.connection.holder = new ResettingHolder(pool, pooled);
  pool.tally.reset++;
  if (await resetConnection(pooled.connection)) {
    try {
      const { states } = context.tables;
      const state = await makeFresh(pooled.connection, { baseline, states });
      pooled.becomeFresh(states.with(state, schemaAfterReset(state.schema)));
      pool.release(pooled);
      return;
    } catch {
      // It is of no use any more.
    }
  }
  if (!pooled.connection.closed) pool.drop(pooled);
}

/** A command's answer is on its way on a connection that its session has left: nobody gets it. */
export function dropAnswer(pooled: PooledConnection, pool: AccountPool): void {
  const { connection } = pooled;
  connection.holder = new ResettingHolder(pool, pooled);
  pooled.touch();
  pooled.foundRows = UNKNOWN;
  pooled.hasConditions = true; // it may have left some
  pooled.residue = Residue.NONE;
  connection.divert({
    onAnswerBytes() {},
    onOkPacket() {},
    onAnswerEnd: () => pool.release(pooled),
    onServerLost() {},
  });
}

/**
 * Ends a transaction that has written nothing, on a connection that its session leaves for another
 * one; what lies on it is read for the session before.
 */
export function leaveTransaction(
  pooled: PooledConnection,
  session: PooledSession,
): void {
  if (session.begin === undefined) session.route?.moveOn();
  rollBack(pooled, session);
}

/** Ends a transaction; what lies on its connection is read for the owner before. */
export function rollBack(pooled: PooledConnection, session: PooledSession): void {
  const { pool, context } = session;
  const { connection } = pooled;
  connection.holder = new ResettingHolder(pool, pooled);
  const read = pooled.residue === Residue.NONE
    ? Promise.resolve()
    : carryOver(pooled, context.counters);
  read.then(() => runStatement(connection, "ROLLBACK")).then(({ errorCode }) => {
    pooled.owner = undefined;
    pooled.touch();
    if (errorCode === 0) pool.release(pooled);
    else if (!connection.closed) pool.drop(pooled);
  }, () => {
    if (!connection.closed) pool.drop(pooled);
  });
}

/** A connection that is being reset, or left: its end is the pool's to know. */
class ResettingHolder implements ConnectionHolder {
  readonly #pool: AccountPool;
  readonly #pooled: PooledConnection;

  constructor(pool: AccountPool, pooled: PooledConnection) {
    this.#pool = pool;
    this.#pooled = pooled;
  }

  onUnasked(): void {
    this.#pooled.connection.abandon();
    this.onServerClosed();
  }

  onServerDrained(): void {}

  onServerClosed(): void {
    this.#pool.lost(this.#pooled);
  }
}
