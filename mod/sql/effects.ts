// What a statement may do to its session and what it asks of it. Hot path: one pass over the bytes,
// nothing allocated; statements whose version comments only some servers run are read once for each
// way of running them.

import { Effect, UNKNOWN } from "./effect.ts";
import { EffectReader } from "./effect_reader.ts";
import type { LexicalMode } from "./lexical_mode.ts";
import { readOtherWays } from "./readings.ts";
import { Lexeme, Mark } from "./scanner.ts";
import { readStatement } from "./statement_effects.ts";
import { NOT_READS } from "./word_effects.ts";

const reader = new EffectReader();

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
  reader.reset(bytes, start, end, mode);
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
    if ((reader.found & NOT_READS) === 0) reads++;
    parts++;
  }
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
  return scanner.uncertain ? (found | UNKNOWN | Effect.MULTI) & ~Effect.READS : found;
}
