// What an answer tells of itself, kept for as long as it may not be passed on: its connection goes on
// with others' meanwhile.

import type { AnswerFacts } from "./whole_answer.ts";
import type { Answered } from "../observing/statement_times.ts";

/** The facts of one answer without errors or warnings; used again for the session's next one. */
export class HeldAnswer implements Answered, AnswerFacts {
  sawRows = false;
  rows = 0;
  affectedRows = 0;
  status = 0;
  readonly errorCode = 0;
  facts: Answered["facts"] = { server: "" };

  get tracker(): this {
    return this;
  }

  /** Keeps those of the answer that has just ended on a connection. */
  take(
    { tracker, facts }: { readonly tracker: Answered["tracker"] & AnswerFacts } & Answered,
  ): void {
    this.sawRows = tracker.sawRows;
    this.rows = tracker.rows;
    this.affectedRows = tracker.affectedRows;
    this.status = tracker.status;
    this.facts = facts;
  }
}
