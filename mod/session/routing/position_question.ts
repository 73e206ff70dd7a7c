// A session's question how far a server is, which has to be told before a read may run there, or
// before its client may have the answer of one that has run already.

import type { ToldPosition } from "../../cluster/mod.ts";
import type { Asker, CountedDecision, RouteServer } from "../../route/mod.ts";

/** Who waits for the answer. */
interface Questioner {
  positionIs(position: ToldPosition | undefined, question: PositionQuestion): void;
}

/** One question; used again for the session's next one. */
export class PositionQuestion implements Asker {
  /** It was asked and not answered yet. */
  isOut = false;
  /** Who is asked. */
  asked!: RouteServer;
  /** It was the primary then; by the time it answers another one may be. */
  isToPrimary = false;
  /** It is asked for all that was written anywhere, which only the primary can tell. */
  isForAll = false;
  /** When it was put, in milliseconds since 1970. */
  askedMs = 0;
  /** Of a command that went out on a guess: what news there had been, and by what it was routed. */
  newsBefore = 0;
  reason = 0;
  rule = -1;
  /** Where that went. */
  server: RouteServer | undefined;
  #questioner: Questioner | undefined;

  constructor(questioner: Questioner) {
    this.#questioner = questioner;
  }

  /** Puts it. @param isForAll See the field. */
  put(asked: RouteServer, isToPrimary: boolean, isForAll: boolean): void {
    this.isOut = true;
    this.asked = asked;
    this.isToPrimary = isToPrimary;
    this.isForAll = isForAll;
    this.askedMs = Date.now();
  }

  /** The command goes out meanwhile. @param newsBefore Answers of the primary that have told news. */
  guess({ server, reason, rule }: CountedDecision, newsBefore: number): void {
    this.newsBefore = newsBefore;
    this.server = server;
    this.reason = reason;
    this.rule = rule;
  }

  /** Nobody waits for its answer any more; the next question is another object. */
  abandon(): void {
    this.#questioner = undefined;
  }

  positionIs(position: ToldPosition | undefined): void {
    this.isOut = false;
    this.#questioner?.positionIs(position, this);
  }
}
