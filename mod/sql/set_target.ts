// What one assignment of a SET statement sets: its scope and name, up to its value.
// Source: "SET Syntax for Variable Assignment" of the MySQL manual and of MariaDB's.

import { Lexeme, Mark, type Scanner } from "./scanner.ts";
import { NO_WORD, word } from "./words.ts";

/** What an assignment sets. */
export type SetScope =
  /** A session's system variable, or with the name "transaction" SET SESSION TRANSACTION. */
  | "session"
  /** The next transaction's isolation or access mode. */
  | "next"
  | "global"
  | "persist"
  | "persist_only"
  /** A user variable. */
  | "user"
  /** SET NAMES. */
  | "names"
  /** SET CHARACTER SET. */
  | "charset"
  /** SET ROLE. */
  | "role"
  /** SET DEFAULT ROLE. */
  | "default_role"
  | "password";

const CHARACTER = word("CHARACTER");
const CHARSET = word("CHARSET");
const DEFAULT = word("DEFAULT");
const GLOBAL = word("GLOBAL");
const LOCAL = word("LOCAL");
const NAMES = word("NAMES");
const PASSWORD = word("PASSWORD");
const PERSIST = word("PERSIST");
const PERSIST_ONLY = word("PERSIST_ONLY");
const ROLE = word("ROLE");
const SESSION = word("SESSION");
const SET = word("SET");
const TRANSACTION = word("TRANSACTION");

const NEXT_ONLY = new Set(
  ["TRANSACTION_ISOLATION", "TRANSACTION_READ_ONLY", "TX_ISOLATION", "TX_READ_ONLY"].map(word),
);

/** Reads the targets of one SET statement, one after the other. One object serves all. */
export class SetTarget {
  scope: SetScope = "session";
  /** The word of the variable's name; `NO_WORD` where it is not known, and for other scopes. */
  variable: number = NO_WORD;
  /** Where the name stands, with its quotes; an empty range where the scope says it all. */
  nameStart = 0;
  nameEnd = 0;
  /** The rest of the statement belongs to this one: no list goes on behind it. */
  isWhole = false;
  /** GLOBAL, once said, holds for the names behind it that say nothing else. */
  #spoken: SetScope = "session";

  /** Goes to the first target of a statement. */
  reset(): void {
    this.#spoken = "session";
  }

  /**
   * Reads the target at hand and goes to the first lexeme of its value.
   *
   * @returns False for a form that is not known; the scanner has then gone on by some lexemes.
   */
  read(scanner: Scanner): boolean {
    this.variable = NO_WORD;
    this.isWhole = false;
    this.nameStart = this.nameEnd = scanner.start;
    if (scanner.mark === Mark.AT) return this.#readAt(scanner) && passEquals(scanner);
    if (scanner.kind !== Lexeme.WORD && scanner.kind !== Lexeme.NAME) return false;
    const { kind, word: first, start, end } = scanner;
    scanner.next();
    const isName = scanner.mark === Mark.EQUALS || scanner.mark === Mark.COLON ||
      scanner.mark === Mark.POINT;
    if (isName || kind === Lexeme.NAME) {
      this.scope = this.#spoken;
      this.#name(first, start, end);
      return this.#readRest(scanner) && passEquals(scanner);
    }
    const spoken = scopeOf(first);
    if (spoken !== undefined) {
      this.#spoken = spoken;
      this.scope = spoken;
      if (scanner.word === TRANSACTION) return this.#transaction(scanner);
      return this.#readName(scanner) && passEquals(scanner);
    }
    return this.#readPhrase(first, scanner);
  }

  /** SET NAMES and other forms without an equals sign. */
  #readPhrase(first: number, scanner: Scanner): boolean {
    switch (first) {
      case TRANSACTION:
        this.scope = "next";
        this.isWhole = true;
        return true;
      case NAMES:
        this.scope = "names";
        return true;
      case CHARACTER:
        if (scanner.word !== SET) return false;
        scanner.next();
        this.scope = "charset";
        return true;
      case CHARSET:
        this.scope = "charset";
        return true;
      case ROLE:
        this.scope = "role";
        this.isWhole = true;
        return true;
      case DEFAULT:
        if (scanner.word !== ROLE) return false;
        scanner.next();
        this.scope = "default_role";
        this.isWhole = true;
        return true;
      case PASSWORD: // SET PASSWORD FOR
        this.scope = "password";
        this.isWhole = true;
        return true;
      default:
        return false;
    }
  }

  #transaction(scanner: Scanner): boolean {
    this.nameStart = scanner.start;
    this.nameEnd = scanner.end;
    this.isWhole = true;
    scanner.next();
    return true;
  }

  /** `@name`, `@@name`, `@@scope.name`. */
  #readAt(scanner: Scanner): boolean {
    if (scanner.end >= scanner.limit || scanner.bytes[scanner.end] !== Mark.AT) {
      scanner.passUserVariable();
      this.scope = "user";
      this.nameStart = scanner.start;
      this.nameEnd = scanner.end;
      scanner.next();
      return true;
    }
    scanner.next();
    scanner.next();
    const spoken = scanner.kind === Lexeme.WORD ? scopeOf(scanner.word) : undefined;
    if (spoken === undefined) {
      // Unlike names without @@, these do not follow a GLOBAL that was said before.
      this.scope = NEXT_ONLY.has(scanner.word) ? "next" : "session";
      return this.#readName(scanner);
    }
    this.scope = spoken;
    scanner.next();
    if (scanner.mark !== Mark.POINT) return false;
    scanner.next();
    return this.#readName(scanner);
  }

  #readName(scanner: Scanner): boolean {
    if (scanner.kind !== Lexeme.WORD && scanner.kind !== Lexeme.NAME) return false;
    this.#name(scanner.word, scanner.start, scanner.end);
    scanner.next();
    return this.#readRest(scanner);
  }

  /** The further parts of a name with points. */
  #readRest(scanner: Scanner): boolean {
    while (scanner.mark === Mark.POINT) {
      scanner.next();
      if (scanner.kind !== Lexeme.WORD && scanner.kind !== Lexeme.NAME) return false;
      this.#name(scanner.word, this.nameStart, scanner.end);
      scanner.next();
    }
    if (this.scope === "session" && this.variable === PASSWORD) {
      this.scope = "password"; // SET PASSWORD = ...
      this.isWhole = true;
    }
    return true;
  }

  #name(variable: number, start: number, end: number): void {
    this.variable = variable;
    this.nameStart = start;
    this.nameEnd = end;
  }
}

function scopeOf(word: number): SetScope | undefined {
  switch (word) {
    case SESSION:
    case LOCAL:
      return "session";
    case GLOBAL:
      return "global";
    case PERSIST:
      return "persist";
    case PERSIST_ONLY:
      return "persist_only";
    default:
      return undefined;
  }
}

/** Passes `=` or `:=`. */
function passEquals(scanner: Scanner): boolean {
  if (scanner.mark === Mark.COLON) scanner.next();
  if (scanner.mark !== Mark.EQUALS) return false;
  scanner.next();
  return true;
}
