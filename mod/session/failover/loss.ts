// What has been lost with a server connection, and what its client is told.

import { compact, LASTING_RESIDUE, type PooledConnection, Residue } from "../../backend/mod.ts";
import type { LossOutcome } from "../../route/mod.ts";
import type { SqlError } from "../../wire/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { lossOutcome } from "./repeatable.ts";
import { lostConnection } from "../session_errors.ts";

/** What was there when the connection ended. */
export interface Loss {
  readonly outcome: LossOutcome;
  /** A transaction was open. */
  readonly transaction: boolean;
  /** What else lay on the connection, in words; empty: nothing. */
  readonly held: string;
}

/** How far a command has got. */
export interface Progress {
  readonly wasSent: boolean;
  /** Something of its answer has gone to the client, or of it to the server. */
  readonly hasForwarded: boolean;
}

/** Looks at a session whose connection has just ended, before it forgets what it had. */
export function lossOf(
  session: PooledSession,
  pooled: PooledConnection,
  progress: Progress,
): Loss {
  return {
    outcome: session.busy ? lossOutcome(session, pooled, progress) : "lost",
    transaction: session.inTransaction,
    held: session.pins.reasons.join(", "),
  };
}

/** The same with more that is lost: the command cannot run again without. */
export function withLost(loss: Loss, held: string): Loss {
  if (held === "") return loss;
  const { outcome } = loss;
  return {
    ...loss,
    outcome: outcome === "again" ? "lost" : outcome,
    held: loss.held === "" ? held : `${loss.held}, ${held}`,
  };
}

/**
 * Forgets user variables whose values lay on a connection that has ended.
 *
 * @param names Those of settings and, with their `@`, of user variables.
 * @returns What is lost, in words; undefined if other settings have gone too, and the session with them.
 */
export function forgetVariables(
  session: { userVariables: ReadonlyMap<string, string> },
  names: readonly string[],
): string | undefined {
  if (names.length === 0) return "";
  if (names.some((name) => !name.startsWith("@"))) return undefined;
  const variables = new Map(session.userVariables);
  for (const name of names) variables.delete(name);
  session.userVariables = compact(variables);
  return `user variables ${names.join(", ")}`;
}

/** The settings and user variables that a connection has and nobody else knows. */
export function unknownSettings({ dirty, residue }: PooledConnection): string[] {
  if ((residue & LASTING_RESIDUE) === 0) return [];
  return [...dirty ?? [], ...(residue & Residue.ROLE ? ["role"] : [])];
}

/** The error that says so. Drivers and frameworks begin a transaction anew after SQLSTATE 40001. */
export function lossError(reason: string, { outcome, transaction, held }: Loss): SqlError {
  const also = held === "" ? "" : `; lost with it: ${held}`;
  if (outcome === "unknown") {
    const { message, ...error } = lostConnection(reason);
    return { ...error, message: `${message}: it is unknown whether it has run${also}` };
  }
  if (!transaction) {
    const { message, ...error } = lostConnection(reason);
    return { ...error, message: message + also };
  }
  return {
    code: 1213,
    sqlState: "40001",
    message: `The transaction was rolled back, since its server was lost (${reason}); ` +
      `try restarting transaction${also}`,
  };
}
