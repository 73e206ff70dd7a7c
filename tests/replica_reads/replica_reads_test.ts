// A part of the servers' own test suites on a real replica: what the classifier calls a replica read
// is refused by none and changes nothing. `just suites` plays all of them.

import { describe, expect, test } from "bun:test";
import { serverKinds } from "../servers/mod.ts";
import { Replay } from "./replay.ts";
import { suiteFiles } from "./suites.ts";
import { suiteStatements } from "./suite_statements.ts";

/** Every so many files are played, always the same ones, for so long at most. */
const PART = 120;
const TIME_MS_MAX = 25_000;

test("suiteStatements() leaves out what is the driver's", () => {
  const text = [
    "# a comment",
    "--source include/have_innodb.inc",
    "let $x= 1;",
    "CREATE TABLE t (a INT);",
    "SELECT 'a;b',",
    "  2; SELECT 3; # more",
    "delimiter //;",
    "CREATE PROCEDURE p() BEGIN SELECT 1; END//",
    "delimiter ;//",
    "if ($x)",
    "{",
    "eval SELECT 4;",
    "}",
    "connect (c,localhost,root,,);",
    "SELECT 5",
    ";",
  ].join("\n");
  expect(suiteStatements(text)).toEqual([
    "CREATE TABLE t (a INT)",
    "SELECT 'a;b',\n  2",
    "SELECT 3",
    "CREATE PROCEDURE p() BEGIN SELECT 1; END",
    "SELECT 4",
    "SELECT 5",
  ]);
});

describe.each(serverKinds())("on a replica of %s", (kind) => {
  test("no replica read is refused or writes", async () => {
    const files = suiteFiles();
    expect(files.length).toBeGreaterThan(PART);
    const deadline = performance.now() + TIME_MS_MAX;
    const tally = await Replay.playAll(
      kind,
      files.filter((_, at) => at % PART === 0),
      () => performance.now() > deadline,
    );
    console.log(
      `${kind}: ${tally.files} files, ${tally.reads} replica reads, ${tally.answered} answered`,
    );
    expect(tally.wrong).toEqual([]);
    expect(tally.answered).toBeGreaterThan(100);
  }, 120_000);
});
