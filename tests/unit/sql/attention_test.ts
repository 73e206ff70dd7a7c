// attention() may say too much but never too little: whatever a closer look finds, it has flagged.

import { describe, expect, test } from "bun:test";
import {
  Attention,
  attention,
  changesAccounts,
  clusterStatementStart,
  findConnectionId,
  isShowProcesslist,
  type Occurrence,
  parseKill,
} from "../../../mod/sql/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";

const ROUNDS = 20_000;
const BLANKS = [
  " ",
  "\t",
  "\n",
  "\r\n",
  "\v",
  "\f",
  "/**/",
  "/* it's */",
  "-- x\n",
  "# '\n",
  "--\n",
];
const random = new Random(testSeed("attention"));

/** The text in letters of any case, blanks and comments in front and between words. */
function disguised(text: string): string {
  const blank = () =>
    Array.from({ length: 1 + random.below(3) }, () => random.pick(BLANKS)).join("");
  const words = text.split(" ").map((word) =>
    [...word].map((c) => random.oneIn(2) ? c.toLowerCase() : c.toUpperCase()).join("")
  );
  const front = random.oneIn(2) ? blank() : "";
  return front + words.join(random.oneIn(2) ? " " : blank()) + (random.oneIn(3) ? blank() : "");
}

/** Flags for a statement in the middle of other bytes. */
function flags(statement: string): number {
  const before = random.below(5);
  const bytes = Buffer.concat([
    Buffer.alloc(before, "_id"),
    Buffer.from(statement, "latin1"),
    Buffer.alloc(random.below(5), "_id"),
  ]);
  return attention(bytes, before, before + statement.length);
}

/** Fails with the statement where it lacks a flag. */
function expectFlag(statement: string, flag: number): void {
  if ((flags(statement) & flag) !== flag) throw new Error(`Missed: ${JSON.stringify(statement)}`);
}

function whole(statement: string): [Buffer, number, number] {
  const bytes = Buffer.from(statement, "latin1");
  return [bytes, 0, bytes.length];
}

function callsIn(statement: string): Occurrence[] {
  const [bytes, start, end] = whole(statement);
  return findConnectionId(bytes, { start, end, noBackslashEscapes: false });
}

describe("attention() never misses", () => {
  test("KILL", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const target = random.pick(["", "QUERY ", "CONNECTION ", "HARD ", "SOFT QUERY "]);
      const statement = disguised(`KILL ${target}${random.below(1e9)}`);
      expect(parseKill(...whole(statement))).toBeDefined();
      expectFlag(statement, Attention.KILL);
      expectFlag(`/*!${random.pick(["", "50000 "])}${statement}*/`, Attention.KILL);
    }
  });

  test("SHOW PROCESSLIST", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const statement = disguised(random.pick(["SHOW PROCESSLIST", "SHOW FULL PROCESSLIST"]));
      expect(isShowProcesslist(...whole(statement))).toBe(true);
      expectFlag(statement, Attention.PROCESSLIST);
    }
  });

  test("CONNECTION_ID() anywhere", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const statement = disguised(random.pick([
        "SELECT CONNECTION_ID()",
        "SELECT 1 , 'CONNECTION_ID()' , CONNECTION_ID ( )",
        "SET @a = CONNECTION_ID()",
        "SELECT `CONNECTION_ID` ( )",
        "( SELECT CONNECTION_ID() )",
        "DO CONNECTION_ID()",
        "INSERT INTO t VALUES ( CONNECTION_ID() )",
      ]));
      expect(callsIn(statement)).toHaveLength(1);
      expectFlag(statement, Attention.CONNECTION_ID);
    }
  });

  test("statements that change accounts", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const statement = disguised(random.pick([
        "CREATE USER a",
        "CREATE OR REPLACE USER a",
        "CREATE ROLE a",
        "ALTER USER a",
        "DROP USER a",
        "DROP ROLE a",
        "RENAME USER a TO b",
        "GRANT ALL ON *.* TO a",
        "REVOKE ALL ON *.* FROM a",
        "SET PASSWORD = 'a'",
        "SET DEFAULT ROLE a",
        "FLUSH PRIVILEGES",
        "FLUSH LOCAL PRIVILEGES",
      ]));
      expect(changesAccounts(...whole(statement))).toBe(true);
      expectFlag(statement, Attention.ACCOUNTS);
    }
  });

  test("statements about the cluster", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const statement = disguised(random.pick([
        "SHOW CLUSTER",
        "SHOW CLUSTER EVENTS",
        "SHOW RW",
        "SHOW RO WHERE 1",
        "SHOW TOPOLOGY",
        "DRAIN SERVER 'a'",
        "ENABLE SERVER 'a'",
        "SET SERVER 'a' WEIGHT 5",
      ]));
      expect(clusterStatementStart(...whole(statement))).toBeGreaterThanOrEqual(0);
      expectFlag(statement, Attention.CLUSTER);
    }
  });

  test("of SET only what may be about a server gets a second look", () => {
    for (const text of ["SET autocommit=0", "SET NAMES utf8mb4", "set session x=1", "SET @a=1"]) {
      expect(flags(text) & Attention.CLUSTER).toBe(0);
    }
  });

  test("what a closer look finds in random text", () => {
    const words = ["KILL", "SHOW", "FULL", "PROCESSLIST", "SELECT", "CONNECTION_ID()", "CREATE"];
    const more = [
      "USER",
      "CLUSTER",
      "SERVER",
      "RW",
      "DRAIN",
      "SET",
      "PASSWORD",
      "GRANT",
      "5",
      "(",
      ")",
      ";",
      "'",
      "*/",
      "/*!",
      "/*",
    ];
    const counts = { kill: 0, list: 0, id: 0, accounts: 0, cluster: 0 };
    for (let round = 0; round < ROUNDS * 3; round++) {
      const text = Array.from(
        { length: 1 + random.below(5) },
        () => random.pick(random.oneIn(2) ? words : more),
      ).join(random.pick(["", " "]));
      const statement = disguised(text);
      const found = flags(statement);
      const complain = (flag: number) => {
        if ((found & flag) === 0) throw new Error(`Missed: ${JSON.stringify(statement)}`);
      };
      if (parseKill(...whole(statement))) counts.kill++, complain(Attention.KILL);
      if (isShowProcesslist(...whole(statement))) counts.list++, complain(Attention.PROCESSLIST);
      if (callsIn(statement).length > 0) {
        counts.id++;
        complain(Attention.CONNECTION_ID);
      }
      if (clusterStatementStart(...whole(statement)) >= 0) {
        counts.cluster++;
        complain(Attention.CLUSTER);
      }
      if (changesAccounts(...whole(statement))) counts.accounts++, complain(Attention.ACCOUNTS);
    }
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(10);
  });
});

describe("attention() lets pass", () => {
  for (
    const statement of [
      "",
      "S",
      "SELECT 1",
      "select * from t where a = 'kill'",
      "INSERT INTO t VALUES (1)",
      "UPDATE t SET a = 1",
      "DELETE FROM t",
      "BEGIN",
      "COMMIT",
      "SELECT n_i FROM t",
      "INSERT INTO t (user_id, connection) VALUES (1, 2)",
    ]
  ) {
    test(
      JSON.stringify(statement),
      () => expect(attention(...whole(statement))).toBe(Attention.NONE),
    );
  }
});
