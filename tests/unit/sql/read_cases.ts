// Reads replica_reads.txt: statements under headings that name what bars them from replicas.

import { readFileSync } from "node:fs";

/** A statement and what bars it: names of bars, REPLICA where none does. */
export interface ReadCase {
  readonly statement: string;
  readonly mysql: string;
  readonly mariadb: string;
}

/** All cases, in the order of the file. */
export function readCases(): ReadCase[] {
  const lines = readFileSync(new URL("replica_reads.txt", import.meta.url), "latin1").split("\n");
  let mysql = "";
  let mariadb = "";
  const found: ReadCase[] = [];
  for (const line of lines) {
    if (line.startsWith("==> ")) [mysql, mariadb = mysql] = line.slice(4).split(" | ");
    else if (line !== "") found.push({ statement: line, mysql, mariadb });
  }
  return found;
}
