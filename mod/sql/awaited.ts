// What the next lexemes decide about the ones before: whether a call has an argument, whether a list
// in parentheses is one of columns, whether LIMIT has an offset.

import { Effect } from "./effect.ts";
import { Lexeme, Mark, type Scanner } from "./scanner.ts";
import { CALLS, NOT_READS } from "./word_effects.ts";
import { word } from "./words.ts";

const AS = word("AS");

const NOTHING = 0;
const ARGUMENT = 1;
const COLUMNS = 2;
const COLUMNS_AS = 3;
const COLUMNS_QUERY = 4;
const LIMIT = 5;
const LIMIT_COMMA = 6;

/** One question at a time about what comes next. */
export class Awaited {
  #state: number = NOTHING;

  /** There is a question. */
  get isSome(): boolean {
    return this.#state !== NOTHING;
  }

  /** Drops the question. */
  reset(): void {
    this.#state = NOTHING;
  }

  /** LAST_INSERT_ID and `(` were read: is there an argument? */
  argument(): void {
    this.#state = ARGUMENT;
  }

  /** A name and `(` were read: is it a call, or `WITH name (column, ...) AS (`? */
  columns(): void {
    this.#state = COLUMNS;
  }

  /** LIMIT was read: is it an offset that comes first? */
  limit(): void {
    this.#state = LIMIT;
  }

  /**
   * Looks at the lexeme that the scanner is at, which may be the end.
   *
   * @returns What that tells of the statement: `Effect` bits and `NOT_READS`.
   */
  decide(scanner: Scanner): number {
    const { mark } = scanner;
    switch (this.#state) {
      case ARGUMENT:
        this.#state = NOTHING;
        return mark === Mark.CLOSE ? 0 : Effect.LEAVES_INSERT_ID | NOT_READS;
      case COLUMNS:
        if (mark === Mark.CLOSE) this.#state = COLUMNS_AS;
        else if (mark !== Mark.COMMA && !isName(scanner)) return this.#itCalls();
        return 0;
      case COLUMNS_AS:
        if (scanner.word !== AS) return this.#itCalls();
        this.#state = COLUMNS_QUERY;
        return 0;
      case COLUMNS_QUERY:
        if (mark !== Mark.OPEN) return this.#itCalls();
        this.#state = NOTHING;
        return 0;
      case LIMIT:
        this.#state = LIMIT_COMMA;
        return 0;
      default:
        this.#state = NOTHING;
        return mark === Mark.COMMA ? Effect.LEAVES_FOUND_ROWS : 0;
    }
  }

  #itCalls(): number {
    this.#state = NOTHING;
    return CALLS;
  }
}

function isName({ kind }: Scanner): boolean {
  return kind === Lexeme.WORD || kind === Lexeme.NAME;
}
