// What the primary tells when it is asked how far it is: whether the answer is news. While it is none
// a server that had all before has all still, so that a read may go there before the answer comes.

import type { Position } from "../cluster/mod.ts";

/** So many answers in a row that have told nothing new make it likely that the next one will not. */
const QUIET_ANSWERS = 4;

/** The answers of one primary after the other, as one worker has had them. */
export class PrimaryNews {
  /** Answers that have told something new. */
  count = 0;
  /** What was told last; undefined: servers are not compared with that. */
  told: Position | undefined;
  /** How many answers in a row have told the same. */
  #same = 0;

  /** The primary has answered. Called for each who has asked: the object tells one answer from others. */
  note(position: Position): void {
    if (position === this.told) return;
    if (isSamePosition(position, this.told)) this.#same++;
    else {
      this.count++;
      this.#same = 0;
    }
    this.told = position;
  }

  /** What it has told is not to be relied on. */
  forget(): void {
    this.count++;
    this.told = undefined;
    this.#same = 0;
  }

  /** It has told the same for a while. */
  get isQuiet(): boolean {
    return this.#same >= QUIET_ANSWERS;
  }
}

/** Whether two positions are told in the same words. Hot path, where it is mostly one object. */
export function isSamePosition(position: Position, other: Position | undefined): boolean {
  if (position === other) return true;
  if (other === undefined) return false;
  if (position.kind === "index") return other.kind === "index" && position.value === other.value;
  return other.kind === position.kind && other.text === position.text;
}
