// Reads effects.txt: statements under headings that name their effects.

import { readFileSync } from "node:fs";

/** A statement and what is to be told of it: names of bits in their order, "NONE" where none is. */
export interface EffectCase {
  readonly statement: string;
  readonly mysql: string;
  readonly mariadb: string;
}

/** All cases, in the order of the file. */
export function effectCases(): EffectCase[] {
  const lines = readFileSync(new URL("effects.txt", import.meta.url), "latin1").split("\n");
  let mysql = "";
  let mariadb = "";
  const cases: EffectCase[] = [];
  for (const line of lines) {
    if (line.startsWith("==> ")) {
      [mysql, mariadb = mysql] = line.slice(4).split(" | ");
    } else if (line !== "") cases.push({ statement: line, mysql, mariadb });
  }
  return cases;
}
