// What a statement may do to its session, what it asks of it, and what bars it from replicas. Hot
// path: one pass over the bytes, nothing allocated; statements whose version comments only some
// servers run are read once for each way of running them.

import { Effect, UNKNOWN } from "./effect.ts";
import { EffectReader } from "./effect_reader.ts";
import { type Hint, type HintForms, readHint } from "./hint.ts";
import type { KnownRoutines } from "./known_routines.ts";
import type { LexicalMode } from "./lexical_mode.ts";
import { mentionsAny } from "./mentions.ts";
import { readOtherWays } from "./readings.ts";
import { Bar, SEEING_BARS, SEES_TABLES } from "./replica_bar.ts";
import { Lexeme, Mark } from "./scanner.ts";
import { readStatement } from "./statement_effects.ts";
import { NOT_READS } from "./word_effects.ts";

const reader = new EffectReader();

/** All that is told of a text. */
export interface StatementFacts {
  /** What it may do and asks: a set of `Effect` bits. */
  effects: number;
  /** What bars it from replicas, a set of `Bar` bits; 0: it is a replica read. */
  bars: number;
  /** Where its sender wants it to go; undefined: nothing is said. */
  hint: Hint | undefined;
  /** It may see rows of tables: if not, it shows nothing of how new the server's data is. */
  seesTables: boolean;
}

/** What `readFacts` goes by besides the text. */
export interface FactsOptions {
  /** How the session reads the text. */
  readonly mode: LexicalMode;
  /** Stored functions and views; without it every function that is no built-in is a bar. */
  readonly known?: KnownRoutines | undefined;
  /** Other products' hints that count as well. @default {none} */
  readonly hints?: HintForms;
}

/** The bars of the text read last. */
let bars = 0;

/**
 * Tells what the text at `start` to `end` may do and asks. Never misses anything; may say too much.
 *
 * @param mode How the session reads it.
 * @returns A set of `Effect` bits.
 */
export function effectsOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  mode: LexicalMode,
): number {
  reader.known = undefined;
  return readText(bytes, start, end, mode);
}

/**
 * Tells all of the text in `bytes`: as `effectsOf`, and whether it is a replica read. Hot path:
 * nothing is allocated but for hints and calls of stored functions.
 *
 * @param into Gets the facts.
 */
export function readFacts(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  options: FactsOptions,
  into: StatementFacts,
): void {
  const { known, mode, hints } = options;
  reader.known = known;
  into.effects = readText(bytes, start, end, mode);
  const { commentStart, commentEnd } = reader.scanner;
  into.hint = commentStart < 0 ? undefined : readHint(bytes, commentStart, commentEnd, hints);
  if ((bars & ~SEES_TABLES) === 0 && known !== undefined && known.unsafeNames.size > 0) {
    if (mentionsAny(bytes, { start, end, mode }, known.unsafeNames)) bars |= Bar.UNSAFE_NAME;
  }
  into.seesTables = (bars & (SEES_TABLES | SEEING_BARS)) !== 0;
  into.bars = bars & ~SEES_TABLES;
}

function readText(bytes: Uint8Array, start: number, end: number, mode: LexicalMode): number {
  reader.reset(bytes, start, end, mode);
  bars = 0;
  const found = readAll(reader);
  return reader.scanner.versionsCount === 0 && !reader.scanner.uncertain
    ? found
    : otherReadings(found, start, mode);
}

/** All statements of the text, from where the scanner is. */
function readAll(reader: EffectReader): number {
  const { scanner } = reader;
  let found = 0;
  let reads = 0;
  let parts = 0;
  scanner.next();
  for (;;) {
    while (scanner.mark === Mark.SEMICOLON) scanner.next();
    if (scanner.kind === Lexeme.END) break;
    reader.startPart();
    readStatement(reader);
    found |= reader.found;
    bars |= reader.bars;
    if ((reader.found & NOT_READS) === 0) reads++;
    parts++;
  }
  if (parts === 0) bars |= Bar.EMPTY;
  found &= ~NOT_READS;
  if (parts > 1) found |= Effect.MULTI;
  return parts > 0 && reads === parts ? found | Effect.READS : found;
}

/** Reads again as servers do that do not run all the version comments. */
function otherReadings(first: number, start: number, mode: LexicalMode): number {
  const { scanner } = reader;
  let found = first;
  readOtherWays(scanner, {
    start,
    mode,
    read() {
      const effects = readAll(reader);
      found = ((found | effects) & ~Effect.READS) | (found & effects & Effect.READS);
    },
  });
  if (scanner.uncertain) bars |= Bar.UNCERTAIN;
  return scanner.uncertain ? (found | UNKNOWN | Effect.MULTI) & ~Effect.READS : found;
}
