// The end of the event loop's turn, for all lanes at once: then everything that came in it has been
// read, and what was gathered for one connection goes out together.

/** What has something to do at the end of the turn. */
export interface TurnEnd {
  /** It is on the list. Set here. */
  isDue: boolean;
  /**
   * @param now By `performance.now()`.
   * @param turnMs What the turn has taken; 0 where it is not known.
   */
  onTurnEnd(now: number, turnMs: number): void;
}

let due: TurnEnd[] = [];
let spare: TurnEnd[] = [];
let lastEnd = 0;

/** Once in this turn. Hot path: nothing is allocated but one timer a turn, for all. */
export function endOfTurn(who: TurnEnd): void {
  if (who.isDue) return;
  who.isDue = true;
  if (due.push(who) === 1) setImmediate(end);
}

function end(): void {
  const all = due;
  due = spare;
  const now = performance.now();
  const turnMs = lastEnd === 0 ? 0 : now - lastEnd;
  for (const who of all) {
    who.isDue = false;
    who.onTurnEnd(now, turnMs);
  }
  all.length = 0;
  spare = all;
  // Only turns that follow each other have a length.
  lastEnd = due.length > 0 ? now : 0;
}
