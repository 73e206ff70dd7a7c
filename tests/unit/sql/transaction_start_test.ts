// transactionStart(): which statements begin a transaction, and which kind.

import { describe, expect, test } from "bun:test";
import { TransactionStart, transactionStart } from "../../../mod/sql/mod.ts";

describe("transactionStart()", () => {
  for (
    const [statement, names] of [
      ["BEGIN", ["BEGINS"]],
      ["begin work;", ["BEGINS"]],
      ["START TRANSACTION", ["BEGINS"]],
      ["/* x */ start /* y */ transaction ; ;", ["BEGINS"]],
      ["START TRANSACTION READ ONLY", ["BEGINS", "READ_ONLY"]],
      ["START TRANSACTION READ WRITE", ["BEGINS", "READ_WRITE"]],
      ["START TRANSACTION WITH CONSISTENT SNAPSHOT", ["BEGINS", "SNAPSHOT"]],
      ["START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", [
        "BEGINS",
        "READ_ONLY",
        "SNAPSHOT",
      ]],
      ["START TRANSACTION READ", []],
      ["START TRANSACTION READ ONLY,", []],
      ["START TRANSACTION ONLY", []],
      ["START SLAVE", []],
      ["BEGIN NOT ATOMIC SELECT 1; END", []],
      ["BEGIN; SELECT 1", []],
      ["START TRANSACTION /*!80000 READ ONLY */", []],
      ["COMMIT", []],
      ["", []],
    ] as const
  ) {
    test(statement, () => {
      const bytes = Buffer.from(statement);
      const bits = transactionStart(bytes, 0, bytes.length, { noBackslashEscapes: false });
      const told = Object.entries(TransactionStart).filter(([, bit]) => (bits & bit) !== 0);
      expect(told.map(([name]) => name)).toEqual([...names]);
    });
  }
});
