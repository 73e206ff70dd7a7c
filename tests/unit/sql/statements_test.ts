// The closer looks at statements: KILL, SHOW PROCESSLIST, CONNECTION_ID(), account statements.

import { describe, expect, test } from "bun:test";
import {
  changesAccounts,
  findConnectionId,
  isShowProcesslist,
  killsConnection,
  parseKill,
} from "../../../mod/sql/mod.ts";

function whole(statement: string): [Buffer, number, number] {
  const bytes = Buffer.from(statement, "latin1");
  return [bytes, 0, bytes.length];
}

describe("parseKill()", () => {
  const cases: readonly [statement: string, id: number | undefined][] = [
    ["KILL 5", 5],
    ["kill 5;", 5],
    ["KILL QUERY 1073741825", 1073741825],
    ["Kill Connection 12", 12],
    ["KILL HARD CONNECTION 7", 7],
    ["KILL SOFT QUERY 7 ;  ", 7],
    ["/* a */ KILL/**/8 -- b", 8],
    ["/*!50000 KILL 9 */", 9],
    ["KILL 4294967295", 4294967295],
    ["KILL 99999999999", undefined],
    ["KILL -5", undefined],
    ["KILL '5'", undefined],
    ["KILL @id", undefined],
    ["KILL 5 + 1", undefined],
    ["KILL 5; SELECT 1", undefined],
    ["KILL USER root", undefined],
    ["KILL QUERY ID 5", undefined],
    ["KILL 0x10", undefined],
    ["KILL 5e1", undefined],
    ["KILL", undefined],
    ["KILLS 5", undefined],
    ["'KILL' 5", undefined],
    ["SELECT 5", undefined],
    ["", undefined],
  ];
  for (const [statement, id] of cases) {
    test(JSON.stringify(statement), () => {
      const target = parseKill(...whole(statement));
      expect(target?.id).toBe(id!);
      if (!target) return;
      expect(statement.slice(target.start, target.end)).toBe(String(id));
      expect(target.queryOnly).toBe(/QUERY/i.test(statement));
    });
  }
});

describe("killsConnection()", () => {
  const cases: readonly [statement: string, does: boolean][] = [
    ["KILL 5", true],
    ["KILL CONNECTION_ID()", true],
    ["kill hard connection @id; SELECT 1", true],
    ["/*!50000 KILL */ USER root", true],
    ["KILL QUERY CONNECTION_ID()", false],
    ["KILL SOFT QUERY 5", false],
    ["SELECT 'KILL 5'", false],
    ["", false],
  ];
  for (const [statement, does] of cases) {
    test(JSON.stringify(statement), () => expect(killsConnection(...whole(statement))).toBe(does));
  }
});

describe("isShowProcesslist()", () => {
  const cases: readonly [statement: string, is: boolean][] = [
    ["SHOW PROCESSLIST", true],
    ["show full processlist;", true],
    ["/*x*/SHOW/*y*/PROCESSLIST--", true],
    ["SHOW PROCESSLIST; SELECT 1", false],
    ["SHOW PROCESSLIST WHERE 1", false],
    ["SHOW FULL TABLES", false],
    ["SHOW `PROCESSLIST`", false],
    ["SELECT 1", false],
    ["SHOW", false],
    ["", false],
  ];
  for (const [statement, is] of cases) {
    test(JSON.stringify(statement), () => expect(isShowProcesslist(...whole(statement))).toBe(is));
  }
});

function callsIn(statement: string, noBackslashEscapes = false): string[] {
  const [bytes, start, end] = whole(statement);
  return findConnectionId(bytes, { start, end, noBackslashEscapes })
    .map((call) => statement.slice(call.start, call.end));
}

describe("findConnectionId()", () => {
  const cases: readonly [statement: string, ...calls: string[]][] = [
    ["SELECT CONNECTION_ID()", "CONNECTION_ID()"],
    ["select connection_id ( ) , 1", "connection_id ( )"],
    ["SELECT Connection_Id(/**/)", "Connection_Id(/**/)"],
    ["SELECT CONNECTION_ID()+CONNECTION_ID()", "CONNECTION_ID()", "CONNECTION_ID()"],
    ["SELECT CONNECTION_ID() CONNECTION_ID", "CONNECTION_ID()"],
    ["SELECT CONNECTION_ID", ...[]],
    ["SELECT CONNECTION_ID(1)", ...[]],
    ["SELECT 'CONNECTION_ID()'", ...[]],
    ['SELECT "CONNECTION_ID()"', ...[]],
    ["SELECT 1 /* CONNECTION_ID() */", ...[]],
    ["SELECT 1 -- CONNECTION_ID()", ...[]],
    ["SELECT 1 /*!50000 , CONNECTION_ID() */", "CONNECTION_ID()"],
    ["SELECT 'it''s', CONNECTION_ID()", "CONNECTION_ID()"],
    ["SELECT 'it\\'s', CONNECTION_ID()", "CONNECTION_ID()"],
    ["SELECT my_connection_id()", ...[]],
    ["SELECT `Connection_ID` ()", "`Connection_ID` ()"],
    ["SELECT mine.connection_id(), 1.connection_id()", ...[]],
    ["SELECT mine . `connection_id`(), CONNECTION_ID()", "CONNECTION_ID()"],
    ["((SELECT CONNECTION_ID()))", "CONNECTION_ID()"],
    ["WITH a AS (SELECT CONNECTION_ID()) SELECT * FROM a", "CONNECTION_ID()"],
    ["INSERT INTO t VALUES (CONNECTION_ID())", "CONNECTION_ID()"],
    ["CALL p(CONNECTION_ID())", "CONNECTION_ID()"],
    ["SET @a = CONNECTION_ID()", "CONNECTION_ID()"],
    ["CREATE VIEW v AS SELECT CONNECTION_ID()", ...[]],
    ["CREATE TABLE t AS SELECT CONNECTION_ID()", ...[]],
    ["ALTER EVENT e DO SELECT CONNECTION_ID()", ...[]],
    ["SELECT * FROM information_schema.processlist WHERE id = CONNECTION_ID()", ...[]],
    ["SELECT * FROM performance_schema.threads WHERE 1 = CONNECTION_ID()", ...[]],
    ["", ...[]],
  ];
  for (const [statement, ...calls] of cases) {
    test(JSON.stringify(statement), () => {
      expect(callsIn(statement)).toEqual(calls);
    });
  }

  test("NO_BACKSLASH_ESCAPES", () => {
    const inString = "SELECT '\\', 'CONNECTION_ID()'";
    expect(callsIn(inString, true)).toEqual([]);
    expect(callsIn("SELECT '\\', CONNECTION_ID()", true)).toEqual(["CONNECTION_ID()"]);
  });

  test("a character whose last byte is a backslash, as sjis has it", () => {
    const character = "\x95\x5c";
    expect(callsIn(`SELECT '${character}', 'CONNECTION_ID()'`)).toEqual([]);
    expect(callsIn(`SELECT CONNECTION_ID(), '${character}'`)).toEqual(["CONNECTION_ID()"]);
    expect(callsIn("SELECT '\xc3\xa9', CONNECTION_ID()")).toEqual(["CONNECTION_ID()"]);
  });
});

describe("changesAccounts()", () => {
  const cases: readonly [statement: string, changes: boolean][] = [
    ["CREATE USER a IDENTIFIED BY 'b'", true],
    ["create user if not exists a", true],
    ["CREATE OR REPLACE USER a", true],
    ["CREATE ROLE r", true],
    ["ALTER USER a ACCOUNT LOCK", true],
    ["DROP USER IF EXISTS a", true],
    ["DROP ROLE r", true],
    ["RENAME USER a TO b", true],
    ["GRANT SELECT ON *.* TO a", true],
    ["REVOKE SELECT ON *.* FROM a", true],
    ["SET PASSWORD FOR a = 'b'", true],
    ["SET DEFAULT ROLE r TO a", true],
    ["FLUSH PRIVILEGES", true],
    ["FLUSH NO_WRITE_TO_BINLOG PRIVILEGES", true],
    ["/*! CREATE USER a */", true],
    ["-- x\nGRANT r TO a", true],
    ["CREATE TABLE user (a INT)", false],
    ["CREATE OR REPLACE TABLE user (a INT)", false],
    ["ALTER TABLE user ADD a INT", false],
    ["DROP TABLE user", false],
    ["RENAME TABLE a TO b", false],
    ["SET NAMES utf8mb4", false],
    ["SET @password = 1", false],
    ["FLUSH TABLES", false],
    ["REPLACE INTO user VALUES (1)", false],
    ["SELECT 1", false],
    ["", false],
  ];
  for (const [statement, changes] of cases) {
    test(
      JSON.stringify(statement),
      () => expect(changesAccounts(...whole(statement))).toBe(changes),
    );
  }
});
