// How quick a statement is on a server: learned from its executions, and forgotten where one of them
// shows otherwise. Only what is known to be quick may stand in front of other sessions' statements.

/** A quick statement keeps a server busy for less than this, in microseconds. */
const QUICK_US = 1000;
/** Executions alone, one after the other quick and leaving nothing, that make a statement known. */
const PROOFS_MIN = 8;
/** The same after it has turned out otherwise time and again. */
const PROOFS_MAX = 4096;
/** An execution that was not quick takes so many proofs back. */
const DISPROOF = 4;
/**
 * On shared connections one of so many executions may be slow (a machine has its moments), and there
 * may be so many slow ones close together.
 */
const SLOW_ONE_OF = 20;
const SLOW_MAX = 3;
/** So many executions on shared connections, as a multiple of the proofs, take half a proof back. */
const TRUST = 64;
/** More statements than this at the same time do not make one of them quicker than it seems. */
const CROWD_MAX = 32;
/** Behind as many rows an answer is no small one. */
const ROWS_MAX = 500;

/** What one execution on a connection of its own has shown. */
export interface SoloRun {
  /** From sending it to the end of its answer, in microseconds. */
  readonly us: number;
  /** Statements that were at the server at that time, this one included. */
  readonly beside: number;
  readonly rows: number;
  /** No error, no warning, no change of its session. */
  readonly clean: boolean;
}

/** One statement, by its normal form or prepared, in one state of its sessions. */
export class StatementPace {
  /** By its text it may share a connection: it reads, and neither leaves nor asks anything. */
  readonly mayShare: boolean;
  /** It is known to be quick. */
  quick = false;
  /** Kept here by who measures it: its digest's record, or -1. */
  record = -1;
  #proofs = 0;
  #proofsWanted = PROOFS_MIN;
  #shared = 0;
  /** Rises with each slow execution, falls with the others. */
  #slow = 0;

  constructor(mayShare: boolean) {
    this.mayShare = mayShare;
  }

  /** It has run on a connection of its own. */
  noteSolo({ us, beside, rows, clean }: SoloRun): void {
    const own = us / Math.min(Math.max(beside, 1), CROWD_MAX);
    if (!clean || rows > ROWS_MAX) this.#proofs = 0;
    else if (own > QUICK_US) this.#proofs = Math.max(0, this.#proofs - DISPROOF);
    else if (++this.#proofs >= this.#proofsWanted) {
      this.quick = true;
      this.#shared = this.#slow = 0;
    }
  }

  /** It was answered on a shared connection, as expected. Hot path. */
  noteShared(): void {
    if (this.#slow > 0) this.#slow--;
    if (++this.#shared < TRUST * this.#proofsWanted) return;
    this.#shared = 0;
    this.#proofsWanted = Math.max(PROOFS_MIN, this.#proofsWanted >> 1);
  }

  /** It was slow on a shared connection. */
  noteSlow(): void {
    this.#slow += SLOW_ONE_OF;
    if (this.#slow > SLOW_MAX * SLOW_ONE_OF) this.distrust();
  }

  /** It is no quick one, or it was large, or left something: it has to prove itself anew, for longer each time. */
  distrust(): void {
    if (!this.quick) return;
    this.quick = false;
    this.#proofs = 0;
    this.#proofsWanted = Math.min(PROOFS_MAX, this.#proofsWanted * 2);
  }
}

/** Of what may never share a connection. */
export const EXCLUSIVE: StatementPace = new StatementPace(false);
