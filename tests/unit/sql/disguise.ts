// Statements in disguise: other blanks, comments between the words, letters of any case.

import { type LexicalMode, Token, Tokenizer } from "../../../mod/sql/mod.ts";
import type { Random } from "../../fuzz/random.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };
const BLANKS = [
  " ",
  "\t",
  "\n",
  "\r\n",
  "\v",
  "\f",
  "/**/",
  "/* it's */",
  '/* " ` */',
  "/*+ x */",
  "-- '\n",
  "# `\n",
  "--\n",
  "/*! */",
  "/*!50000 */",
];

/** Some blanks and comments. */
export function blanksOf(random: Random): string {
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(BLANKS)).join("");
}

/** Around these a blank would make other lexemes of the bytes. */
const TIGHT = /[@.:*/<>=!|&$\\-]/;

/** Blanks between lexemes, and words in any case. */
export function disguised(statement: string, random: Random): string {
  const bytes = Buffer.from(statement, "latin1");
  const tokens = new Tokenizer(bytes, 0, bytes.length, MODE);
  let text = "";
  let end = 0;
  let before = "";
  while (tokens.next() !== Token.END) {
    let token = tokens.text();
    const between = bytes.toString("latin1", end, tokens.start);
    text += between;
    const isTight = TIGHT.test(before.slice(-1)) || TIGHT.test(token[0]) ||
      /["'`]$/.test(before) && /^["'`]/.test(token);
    if (!isTight && between.trim() === "" && random.oneIn(3)) text += blanksOf(random);
    const isWord = tokens.kind === Token.WORD && /^\w+$/.test(token);
    if (isWord && random.oneIn(2)) {
      token = [...token].map((c) => random.oneIn(2) ? c.toUpperCase() : c.toLowerCase()).join("");
    }
    text += token;
    end = tokens.end;
    before = token;
  }
  return text + bytes.toString("latin1", end);
}
