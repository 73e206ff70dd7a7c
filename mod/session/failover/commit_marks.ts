// Marks by which a COMMIT can be found on another server: a row that the transaction itself writes,
// just before its COMMIT, in a table that the user has made for that (`failover.commit_marks`).

import { randomBytes } from "node:crypto";
import type { PooledSession } from "../pooled_session.ts";
import { wordsOf } from "../command/statement_text.ts";

/** A row of the table. Its number counts the transactions that were to write it. */
export interface CommitMark {
  readonly id: string;
  number: number;
}

/** Of this process. */
const PROCESS = randomBytes(8).toString("hex");
const free: CommitMark[] = [];
let made = 0;

/** A row for a session to write: as many are made as sessions write at a time. */
export function takeMark(): CommitMark {
  return free.pop() ?? { id: `${PROCESS}-${++made}`, number: 0 };
}

/** The session writes it no more. */
export function returnMark(mark: CommitMark): void {
  free.push(mark);
}

/** The statement that writes a mark. @param table As in the configuration. */
export function markStatement(table: string, { id, number }: CommitMark): string {
  return `REPLACE INTO ${quoted(table)} (id,number) VALUES ('${id}',${number})`;
}

/**
 * The statement that finds one row where the transaction that was to write the mark is there. It waits
 * for one that is still open: its COMMIT may be about to come.
 */
export function findMarkStatement(table: string, { id, number }: CommitMark): string {
  return `SELECT 1 FROM ${quoted(table)} WHERE id='${id}' AND number=${number} FOR UPDATE`;
}

function quoted(table: string): string {
  return table.split(".").map((name) => `\`${name}\``).join(".");
}

/** The command under way is a COMMIT and nothing else: no other transaction begins with it. */
export function isPlainCommit(session: PooledSession): boolean {
  return PLAIN.test(wordsOf(session));
}

const PLAIN = /^COMMIT(?: WORK)?(?: ;)*$/;
