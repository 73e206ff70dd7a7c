// The end of the event loop's turn, for all lanes at once: then everything that came in it has been
// read, and what was gathered for one connection goes out together.
//
// Servers send answer by answer. A proxy that gets up for each of them takes the processor from who
// makes the next one, on a busy machine from the server itself. So where the servers have plenty to do,
// and a turn has brought few answers, it lies down for a moment: then several answers are there, and
// are passed on at once. Where they come many at a time by themselves nobody waits.

/** What has something to do at the end of the turn. */
export interface TurnEnd {
  /** It is on the list. Set here. */
  isDue: boolean;
  /** Statements that were answered in the turn. */
  readonly answered: number;
  /**
   * @param now By `performance.now()`.
   * @param turnMs What the turn has taken; 0 where it is not known.
   * @returns Statements that its server has to do yet.
   */
  onTurnEnd(now: number, turnMs: number): number;
}

/** How long it lies down, in milliseconds. The kernel may add its timer slack, 50 microseconds. */
const NAP_MS = 0.15;
/**
 * Where every server that has answered in the turn has so many statements more to do at least: with
 * fewer it may be idle before the proxy is back.
 */
const PLENTY = 8;
/** A turn that brought so many answers was worth getting up for. */
const ENOUGH = 4;
/** Nobody ever wakes it. */
const cell = new Int32Array(new SharedArrayBuffer(4));

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
  let least = Infinity;
  let answered = 0;
  for (const who of all) {
    who.isDue = false;
    answered += who.answered;
    least = Math.min(least, who.onTurnEnd(now, turnMs));
  }
  all.length = 0;
  spare = all;
  // Only turns that follow each other have a length.
  lastEnd = due.length > 0 ? now : 0;
  const isFew = answered < ENOUGH && least >= PLENTY;
  if (isFew && due.length === 0) Atomics.wait(cell, 0, 0, NAP_MS);
}
