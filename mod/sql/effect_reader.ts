// Walks over expressions and gathers the effects that words, calls and variables have wherever they
// stand. What a statement as a whole is, is decided in effects.ts.

import { Effect } from "./effect.ts";
import type { LexicalMode } from "./lexical_mode.ts";
import { Lexeme, Scanner } from "./scanner.ts";
import {
  CALL_BOTH,
  CALL_MARIADB,
  CALL_MYSQL,
  CALLS,
  IS_SPACELESS,
  NAME_SIGHT,
  NOT_READS,
  SIGHT,
  VARIABLE_READ,
} from "./word_effects.ts";
import { NO_WORD, word, WORDS_LIMIT } from "./words.ts";

/** Marks by their bytes. */
export const Mark = {
  OPEN: 0x28,
  CLOSE: 0x29,
  COMMA: 0x2c,
  POINT: 0x2e,
  COLON: 0x3a,
  SEMICOLON: 0x3b,
  EQUALS: 0x3d,
  AT: 0x40,
} as const;

/** Where a walk stops before the statement's end. */
export const Stop = { NONE: 0, COMMA: 1, FOR: 2 } as const;

const AS = word("AS");
const FOR = word("FOR");
const INTO = word("INTO");
const LAST_INSERT_ID = word("LAST_INSERT_ID");
const NEXT = word("NEXT");
const NEXTVAL = word("NEXTVAL");
const CURRVAL = word("CURRVAL");
const PREVIOUS = word("PREVIOUS");
const DELETE = word("DELETE");
const EXCEPT = word("EXCEPT");
const INTERSECT = word("INTERSECT");
const LIMIT = word("LIMIT");
const MINUS = word("MINUS");
const ROLLUP = word("ROLLUP");
const SELECT = word("SELECT");
const SHARE = word("SHARE");
const TABLE = word("TABLE");
const UNION = word("UNION");
const UPDATE = word("UPDATE");
const VALUE = word("VALUE");
const WITH = word("WITH");

/** 1 for words whose meaning hangs on what is around them. */
const HAS_CONTEXT = new Uint8Array(WORDS_LIMIT);
for (
  const one
    of `DELETE EXCEPT INTERSECT INTO LIMIT MINUS ROLLUP SELECT SHARE TABLE UNION UPDATE VALUE
    VALUES WITH`.split(/\s+/)
) HAS_CONTEXT[word(one)] = 1;

/** What is awaited, as the lexemes that come next decide about the one before. */
const Awaited = {
  NOTHING: 0,
  /** Whether LAST_INSERT_ID() has an argument. */
  ARGUMENT: 1,
  /** Whether `name (` lists the columns of a common table: then only names come, ... */
  COLUMNS: 2,
  /** ... AS, ... */
  AS: 3,
  /** ... and a parenthesis. */
  QUERY: 4,
  /** The number behind LIMIT, ... */
  LIMIT: 5,
  /** ... and whether that was an offset and a comma follows. */
  OFFSET: 6,
} as const;

const SESSION_TRACK = Buffer.from("session_track");

/** Reads one statement's effects. One object serves all statements. */
export class EffectReader {
  readonly scanner: Scanner = new Scanner();
  /** What has been found so far: `Effect` bits and `NOT_READS`. */
  found = 0;
  /** User variables that are mentioned may be set: behind INTO, in LOAD DATA, CALL and the like. */
  setsMentioned = false;
  /** The text defines something: up to SELECT, a name and `(` make no call. */
  defines = false;
  /** The statement is a query, not one that has a query inside. */
  isQuery = false;
  /** INSERT and REPLACE, which may take their rows from TABLE. */
  inserts = false;
  /** The kind of the server, if it is known. */
  server: LexicalMode["server"];
  #calls: Int32Array = CALL_BOTH;
  #hasWith = false;
  #isLimited = false;
  /** By UNION, WITH ROLLUP and the like. */
  #isCombined = false;
  #awaited: number = Awaited.NOTHING;
  /** The word before the lexeme at hand. */
  #before: number = NO_WORD;
  /** The lexeme before the one at hand is a name, and a point may follow it. */
  #isName = false;
  #behindPoint = false;
  /** What it means if `(` comes next; 0 behind anything that is no name. */
  #call = 0;
  /** Where the word before ends if `(` must follow at once to make it a built-in; else -1. */
  #spacelessEnd = -1;

  /** Goes in front of a statement. */
  reset(bytes: Uint8Array, start: number, end: number, mode: LexicalMode): void {
    this.scanner.reset(bytes, start, end, mode);
    this.server = mode.server;
    if (mode.server === "mysql") this.#calls = CALL_MYSQL;
    else if (mode.server === "mariadb") this.#calls = CALL_MARIADB;
    else this.#calls = CALL_BOTH;
  }

  /** Goes in front of one of several statements, which the scanner has reached. */
  startPart(): void {
    this.found = 0;
    this.setsMentioned = false;
    this.defines = false;
    this.isQuery = false;
    this.inserts = false;
    this.#isLimited = false;
    this.#isCombined = false;
    this.#hasWith = false;
    this.#awaited = Awaited.NOTHING;
    this.#forget();
  }

  /**
   * Walks from the lexeme at hand to the statement's end or `;`.
   *
   * @param stop Where else to stop, outside of parentheses; a value of `Stop`.
   */
  walk(stop: number): void {
    const { scanner } = this;
    let depth = 0;
    this.#forget();
    for (;;) {
      if (this.#awaited !== Awaited.NOTHING) this.#await();
      switch (scanner.kind) {
        case Lexeme.END:
          return;
        case Lexeme.WORD:
          if (stop === Stop.FOR && depth <= 0 && scanner.word === FOR) return;
          this.#word();
          break;
        case Lexeme.NAME:
          this.found |= NAME_SIGHT[scanner.word];
          this.#name(CALLS);
          break;
        case Lexeme.STRING:
          this.#forget();
          break;
        default:
          switch (scanner.mark) {
            case Mark.SEMICOLON:
              return;
            case Mark.COMMA:
              if (stop === Stop.COMMA && depth <= 0) return;
              this.#forget();
              break;
            case Mark.OPEN:
              depth++;
              this.#open();
              break;
            case Mark.CLOSE:
              depth--;
              this.#forget();
              break;
            case Mark.POINT: {
              const qualifies = this.#isName;
              this.#forget();
              this.#behindPoint = qualifies;
              break;
            }
            case Mark.AT:
              this.readVariable();
              this.#forget();
              continue;
            case Mark.COLON:
              this.#colon();
              this.#forget();
              break;
            default:
              this.#forget();
          }
      }
      scanner.next();
    }
  }

  /** Reads a variable's name behind `@` or `@@`, which the scanner is at, and goes past it. */
  readVariable(): void {
    const { scanner } = this;
    if (scanner.bytes[scanner.end] === Mark.AT && scanner.end < scanner.limit) {
      scanner.next();
      scanner.next();
      this.#systemVariable();
      return;
    }
    this.found |= Effect.ASKS_USER_VARIABLE;
    if (this.setsMentioned) this.found |= Effect.SETS_USER_VARIABLE | NOT_READS;
    scanner.passUserVariable();
    scanner.next();
  }

  /** The name at `start` is that of a variable that a proxy sets for itself. */
  mentionsTrackers(start: number): boolean {
    const { bytes, limit } = this.scanner;
    const from = isLetter(bytes[start]) ? start : start + 1;
    if (from + SESSION_TRACK.length > limit) return false;
    for (let i = 0; i < SESSION_TRACK.length; i++) {
      if ((bytes[from + i] | 0x20) !== (SESSION_TRACK[i] | 0x20)) return false;
    }
    return true;
  }

  #systemVariable(): void {
    const { scanner } = this;
    while (scanner.kind === Lexeme.WORD || scanner.kind === Lexeme.NAME) {
      this.found |= VARIABLE_READ[scanner.word];
      if (this.mentionsTrackers(scanner.start)) this.found |= Effect.ASKS_VARIABLES;
      if (scanner.next() !== Lexeme.MARK || scanner.mark !== Mark.POINT) return;
      scanner.next();
    }
  }

  #forget(): void {
    this.#before = NO_WORD;
    this.#isName = false;
    this.#behindPoint = false;
    this.#call = 0;
    this.#spacelessEnd = -1;
  }

  #word(): void {
    const { scanner } = this;
    const { word: id } = scanner;
    if (this.#behindPoint) {
      if (id === NEXTVAL || id === CURRVAL) this.found |= Effect.SEQUENCE | NOT_READS;
    } else {
      this.found |= SIGHT[id];
      if (HAS_CONTEXT[id] !== 0) this.#context(id);
    }
    this.#name(scanner.glued ? CALLS : 0);
    if (isDigit(scanner.bytes[scanner.start])) this.#isName = false;
  }

  /** The lexeme is a name. @param call What it means by its kind if `(` follows. */
  #name(call: number): void {
    const { scanner } = this;
    const { word: id } = scanner;
    if (this.defines) this.#call = 0;
    else if (this.#behindPoint) this.#call = CALLS;
    else {
      this.#call = call | this.#calls[id];
      // AS name (...): the columns of a derived table.
      if (this.#before === AS && (this.#call & Effect.CALLS) !== 0) this.#call = 0;
    }
    this.#spacelessEnd = IS_SPACELESS[id] === 1 && !this.defines ? scanner.end : -1;
    this.#before = id;
    this.#isName = true;
    this.#behindPoint = false;
  }

  #open(): void {
    const { scanner } = this;
    let call = this.#call;
    if (this.#spacelessEnd >= 0 && this.#spacelessEnd !== scanner.start) call |= CALLS;
    const mayListColumns = this.#hasWith && (call & Effect.CALLS) !== 0;
    if (this.#before === LAST_INSERT_ID) this.#awaited = Awaited.ARGUMENT;
    else if (mayListColumns && this.#awaited === Awaited.NOTHING) {
      call &= ~CALLS;
      this.#awaited = Awaited.COLUMNS;
    }
    this.found |= call;
    this.#forget();
  }

  #colon(): void {
    const { scanner } = this;
    if (scanner.end < scanner.limit && scanner.bytes[scanner.end] === Mark.EQUALS) {
      this.found |= Effect.SETS_USER_VARIABLE | NOT_READS;
    }
  }

  #context(id: number): void {
    const before = this.#before;
    switch (id) {
      case UPDATE:
        this.found |= NOT_READS;
        if (before !== FOR) this.found |= Effect.RUNS_TRIGGERS;
        if (before !== FOR && this.isQuery) this.found |= Effect.LEAVES_FOUND_ROWS;
        break;
      case DELETE:
        this.found |= Effect.RUNS_TRIGGERS | NOT_READS;
        if (this.isQuery) this.found |= Effect.LEAVES_FOUND_ROWS;
        break;
      case SHARE:
        if (before === FOR) this.found |= NOT_READS;
        break;
      case VALUE:
        if (before === NEXT) this.found |= Effect.SEQUENCE | NOT_READS;
        if (before === PREVIOUS) {
          this.found |= Effect.SEQUENCE | Effect.ASKS_LAST_INSERT_ID | NOT_READS;
        }
        break;
      case INTO:
        this.setsMentioned = true;
        break;
      case LIMIT:
        if (this.#isCombined || this.#awaited !== Awaited.NOTHING) {
          this.found |= Effect.LEAVES_FOUND_ROWS;
        } else this.#awaited = Awaited.LIMIT;
        this.#isLimited = true;
        break;
      case UNION:
      case EXCEPT:
      case INTERSECT:
      case MINUS:
      case ROLLUP:
        if (this.#isLimited) this.found |= Effect.LEAVES_FOUND_ROWS;
        this.#isCombined = true;
        break;
      case TABLE:
        if (this.inserts) this.found |= Effect.LEAVES_FOUND_ROWS;
        break;
      case WITH:
        this.#hasWith = true;
        this.defines = false;
        break;
      case SELECT:
        if (!this.isQuery) this.found |= this.#effectsOfInnerQuery();
        this.defines = false;
        break;
      default: // VALUES
        this.defines = false;
    }
  }

  /** CREATE TABLE ... SELECT may fill an AUTO_INCREMENT column. */
  #effectsOfInnerQuery(): number {
    return Effect.LEAVES_FOUND_ROWS | (this.defines ? Effect.LEAVES_INSERT_ID : 0);
  }

  #await(): void {
    const { scanner } = this;
    switch (this.#awaited) {
      case Awaited.ARGUMENT:
        this.#awaited = Awaited.NOTHING;
        if (scanner.mark !== Mark.CLOSE) this.found |= Effect.LEAVES_INSERT_ID | NOT_READS;
        return;
      case Awaited.COLUMNS:
        if (scanner.mark === Mark.CLOSE) this.#awaited = Awaited.AS;
        else if (
          scanner.mark !== Mark.COMMA && scanner.kind !== Lexeme.WORD &&
          scanner.kind !== Lexeme.NAME
        ) this.#failAwaited();
        return;
      case Awaited.LIMIT:
        this.#awaited = Awaited.OFFSET;
        return;
      case Awaited.OFFSET:
        this.#awaited = Awaited.NOTHING;
        if (scanner.mark === Mark.COMMA) this.found |= Effect.LEAVES_FOUND_ROWS;
        return;
      case Awaited.AS:
        if (scanner.word === AS) this.#awaited = Awaited.QUERY;
        else this.#failAwaited();
        return;
      default:
        if (scanner.mark === Mark.OPEN) this.#awaited = Awaited.NOTHING;
        else this.#failAwaited();
    }
  }

  /** The list was that of a call's arguments. */
  #failAwaited(): void {
    this.found |= CALLS;
    this.#awaited = Awaited.NOTHING;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}
