// A session's prepared statements by id. Most sessions have few, and a map of the runtime's takes
// half a kilobyte for one.

import type { SessionStatement } from "./session_statement.ts";

/** Statements in the order of their ids, which is that in which they were made. */
export class StatementList {
  #statements: SessionStatement[] = NONE;

  /** All of them. */
  all(): readonly SessionStatement[] {
    return this.#statements;
  }

  get(id: number): SessionStatement | undefined {
    return this.#statements[this.#find(id)];
  }

  /** The place of an id, found by halving; -1 if there is none. */
  #find(id: number): number {
    const statements = this.#statements;
    let from = 0;
    let to = statements.length - 1;
    while (from <= to) {
      const middle = (from + to) >> 1;
      const found = statements[middle].id;
      if (found === id) return middle;
      if (found < id) from = middle + 1;
      else to = middle - 1;
    }
    return -1;
  }

  /** @param statement With a higher id than all others. */
  add(statement: SessionStatement): void {
    if (this.#statements.length === 0) this.#statements = [statement];
    else this.#statements.push(statement);
  }

  delete({ id }: SessionStatement): void {
    const at = this.#find(id);
    if (at >= 0) this.#statements.splice(at, 1);
  }

  clear(): void {
    this.#statements = NONE;
  }
}

/** Shared by all lists without a statement. Never written to. */
const NONE: SessionStatement[] = [];
