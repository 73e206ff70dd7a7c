// Walks over expressions and gathers the effects that words, calls and variables have wherever they
// stand. What a statement as a whole is, is decided in effects.ts.

import { Awaited } from "./awaited.ts";
import { Effect } from "./effect.ts";
import type { LexicalMode } from "./lexical_mode.ts";
import { type KnownRoutines, nameIn } from "./known_routines.ts";
import { Bar, CALL_BARS, NAME_BARS, SIGHT_BARS } from "./replica_bar.ts";
import { Lexeme, Mark, Scanner } from "./scanner.ts";
import {
  CALLS,
  callsOf,
  IS_SPACELESS,
  NAME_SIGHT,
  NOT_READS,
  SIGHT,
  VARIABLE_READ,
} from "./word_effects.ts";
import { NO_WORD, word, WORDS_LIMIT } from "./words.ts";

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
const IN = word("IN");
const INTERSECT = word("INTERSECT");
const LESS = word("LESS");
const ON = word("ON");
const VALUES = word("VALUES");
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
    of `DELETE EXCEPT INTERSECT INTO IN LESS LIMIT MINUS ROLLUP SELECT SHARE TABLE UNION UPDATE VALUE
    VALUES WITH`.split(/\s+/)
) HAS_CONTEXT[word(one)] = 1;

/** No such name. */
const NOWHERE = -1;
/** A name that is not one lexeme, or of more parts than two. */
const UNCLEAR = -2;

const SESSION_TRACK = Buffer.from("session_track");

/** Reads one statement's effects. One object serves all statements. */
export class EffectReader {
  readonly scanner: Scanner = new Scanner();
  /** What has been found so far: `Effect` bits and `NOT_READS`. */
  found = 0;
  /** What bars it from replicas, as far as it has been read: `Bar` bits. */
  bars = 0;
  /** Stored functions that are no bar; undefined: none is known. */
  known: KnownRoutines | undefined;
  /** User variables that are mentioned may be set: behind INTO, in LOAD DATA, CALL and the like. */
  setsMentioned = false;
  /** The text defines something: up to SELECT, a name and `(` make no call. */
  defines = false;
  /** The statement is a query, not one that has a query inside. */
  isQuery = false;
  #definedValues = false;
  /** INSERT and REPLACE, which may take their rows from TABLE. */
  inserts = false;
  /** The kind of the server, if it is known. */
  server: LexicalMode["server"];
  #calls: Int32Array = new Int32Array(0);
  #hasWith = false;
  #isLimited = false;
  /** By UNION, WITH ROLLUP and the like. */
  #isCombined = false;
  readonly #awaited = new Awaited();
  /** The lexeme before the one at hand is `)`. */
  #isBehindClose = false;
  /** The word before the lexeme at hand. */
  #before: number = NO_WORD;
  /** The lexeme before the one at hand is a name, and a point may follow it. */
  #isName = false;
  #behindPoint = false;
  /** What it means if `(` comes next; 0 behind anything that is no name. */
  #call = 0;
  /** Where the word before ends if `(` must follow at once to make it a built-in; else -1. */
  #spacelessEnd = -1;
  /** The name that may be called, and the one before its point; `NOWHERE`, or `UNCLEAR`. */
  #nameStart = NOWHERE;
  #nameEnd = NOWHERE;
  #schemaStart = NOWHERE;
  #schemaEnd = NOWHERE;
  /** The call that may be a list of columns is of a function that is no bar. */
  #isHarmless = false;

  /** Goes in front of a statement. */
  reset(bytes: Uint8Array, start: number, end: number, mode: LexicalMode): void {
    // Before the scanner looks words up: the first call makes them known.
    this.#calls = callsOf(mode.server);
    this.scanner.reset(bytes, start, end, mode);
    this.server = mode.server;
  }

  /** Goes in front of one of several statements, which the scanner has reached. */
  startPart(): void {
    this.found = 0;
    this.bars = 0;
    this.setsMentioned = false;
    this.defines = false;
    this.isQuery = false;
    this.inserts = false;
    this.#isLimited = false;
    this.#isCombined = false;
    this.#hasWith = false;
    this.#awaited.reset();
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
      if (this.#awaited.isSome) this.#decide();
      switch (scanner.kind) {
        case Lexeme.END:
          return;
        case Lexeme.WORD:
          if (stop === Stop.FOR && depth <= 0 && scanner.word === FOR) return;
          this.#word();
          break;
        case Lexeme.NAME:
          this.found |= NAME_SIGHT[scanner.word];
          this.bars |= NAME_BARS[scanner.word];
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
              this.#isBehindClose = true;
              break;
            case Mark.POINT: {
              const qualifies = this.#isName;
              this.#forget();
              this.#behindPoint = qualifies;
              if (qualifies) this.#qualify();
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

  /** Goes to the statement's end or `;` where what stands there is not run. */
  pass(): void {
    const { scanner } = this;
    while (scanner.kind !== Lexeme.END && scanner.mark !== Mark.SEMICOLON) scanner.next();
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
    this.bars |= Bar.SYSTEM_VARIABLE;
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
    this.#isBehindClose = false;
    this.#behindPoint = false;
    this.#call = 0;
    this.#spacelessEnd = -1;
  }

  #word(): void {
    const { scanner } = this;
    const { word: id } = scanner;
    if (this.#behindPoint) {
      this.found |= NAME_SIGHT[id];
      this.bars |= NAME_BARS[id];
      if (id === NEXTVAL || id === CURRVAL) this.#sequence(0);
    } else {
      this.found |= SIGHT[id];
      this.bars |= SIGHT_BARS[id];
      if (HAS_CONTEXT[id] !== 0) this.#context(id);
    }
    this.#name(scanner.glued ? CALLS : 0);
    if (scanner.glued) this.#nameStart = UNCLEAR;
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
      // AS name (...), (SELECT ...) name (...): the columns of a derived table. No call stands there,
      // nor in MATCH (...) AGAINST (...).
      const isAlias = this.#before === AS || this.#isBehindClose;
      if (isAlias && (this.#call & Effect.CALLS) !== 0) this.#call = 0;
    }
    this.#spacelessEnd = IS_SPACELESS[id] === 1 && !this.defines ? scanner.end : -1;
    this.#before = id;
    if (!this.#behindPoint) this.#schemaStart = NOWHERE;
    this.#nameStart = scanner.start;
    this.#nameEnd = scanner.end;
    this.#isName = true;
    this.#isBehindClose = false;
    this.#behindPoint = false;
  }

  /** The name at hand is followed by a point. */
  #qualify(): void {
    this.#schemaStart = this.#schemaStart === NOWHERE ? this.#nameStart : UNCLEAR;
    this.#schemaEnd = this.#nameEnd;
  }

  /** The function called is a stored one that is no bar. */
  #isKnown(): boolean {
    const { known } = this;
    if (known === undefined || this.#nameStart < 0 || this.#schemaStart === UNCLEAR) return false;
    const { bytes } = this.scanner;
    const name = nameIn(bytes, this.#nameStart, this.#nameEnd);
    return this.#schemaStart === NOWHERE
      ? known.isHarmless(name)
      : known.isHarmless(name, nameIn(bytes, this.#schemaStart, this.#schemaEnd));
  }

  /** What the lexeme at hand tells of a call that may have been none. */
  #decide(): void {
    const decided = this.#awaited.decide(this.scanner);
    this.found |= decided;
    if ((decided & Effect.CALLS) !== 0 && !this.#isHarmless) this.bars |= Bar.STORED_FUNCTION;
  }

  #open(): void {
    const { scanner } = this;
    let call = this.#call;
    if (this.#spacelessEnd >= 0 && this.#spacelessEnd !== scanner.start) call |= CALLS;
    const isStored = (call & Effect.CALLS) !== 0;
    const isHarmless = isStored && this.#isKnown();
    const mayListColumns = this.#hasWith && isStored;
    if (this.#before === LAST_INSERT_ID) this.#awaited.argument();
    else if (mayListColumns && !this.#awaited.isSome) {
      call &= ~CALLS;
      this.#isHarmless = isHarmless;
      this.#awaited.columns();
    } else if (isStored && !isHarmless) this.bars |= Bar.STORED_FUNCTION;
    this.found |= call;
    if (this.#isName && !this.#behindPoint) this.bars |= CALL_BARS[this.#before];
    this.#forget();
  }

  #colon(): void {
    const { scanner } = this;
    if (scanner.end < scanner.limit && scanner.bytes[scanner.end] === Mark.EQUALS) {
      this.found |= Effect.SETS_USER_VARIABLE | NOT_READS;
      this.bars |= Bar.ASSIGNS;
    }
  }

  #sequence(more: number): void {
    this.found |= Effect.SEQUENCE | NOT_READS | more;
    this.bars |= Bar.SEQUENCE;
  }

  #context(id: number): void {
    const before = this.#before;
    switch (id) {
      case UPDATE:
        this.found |= NOT_READS;
        this.bars |= before === FOR ? Bar.LOCKS_ROWS : Bar.WRITES;
        if (before !== FOR && before !== ON) this.#changeRows();
        break;
      case DELETE:
        this.found |= NOT_READS;
        this.bars |= Bar.WRITES;
        if (before !== ON) this.#changeRows();
        break;
      case SHARE:
        if (before !== FOR) break;
        this.found |= NOT_READS;
        this.bars |= Bar.LOCKS_ROWS;
        break;
      case VALUE:
        if (before === NEXT) this.#sequence(0);
        if (before === PREVIOUS) this.#sequence(Effect.ASKS_LAST_INSERT_ID);
        break;
      case INTO:
        this.setsMentioned = true;
        break;
      case LIMIT:
        if (this.#isCombined || this.#awaited.isSome) this.found |= Effect.LEAVES_FOUND_ROWS;
        else this.#awaited.limit();
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
      case VALUES:
        this.#definedValues = this.defines;
        this.defines = false;
        break;
      case IN:
      case LESS:
        // PARTITION p VALUES IN (...): no query after all.
        if (before === VALUES && this.#definedValues) this.defines = true;
        break;
      default:
    }
  }

  /** UPDATE and DELETE: behind WITH, and behind ON DUPLICATE KEY. */
  #changeRows(): void {
    this.found |= Effect.RUNS_TRIGGERS;
    if (this.isQuery) this.found |= Effect.LEAVES_FOUND_ROWS;
  }

  /** CREATE TABLE ... SELECT may fill an AUTO_INCREMENT column. */
  #effectsOfInnerQuery(): number {
    return Effect.LEAVES_FOUND_ROWS | (this.defines ? Effect.LEAVES_INSERT_ID : 0);
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}
