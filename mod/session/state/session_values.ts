// What a session has set and what its last statement has left, at one moment.

import type { CarriedValues } from "./carried_values.ts";

/** Values that are replaced as a whole, never changed. */
export type SessionValues = Pick<
  CarriedValues,
  | "state"
  | "userVariables"
  | "insertId"
  | "foundRows"
  | "filledRows"
  | "transactionTold"
  | "rowCount"
  | "lastError"
  | "conditions"
  | "counted"
  | "owed"
>;

/** The values of now. */
export function valuesOf(session: SessionValues): SessionValues {
  return {
    state: session.state,
    userVariables: session.userVariables,
    insertId: session.insertId,
    foundRows: session.foundRows,
    filledRows: session.filledRows,
    transactionTold: session.transactionTold,
    rowCount: session.rowCount,
    lastError: session.lastError,
    conditions: session.conditions,
    counted: session.counted,
    owed: session.owed,
  };
}
