// What a prepared statement's parameters have been given, which MySQL holds later values to.

import { expect, test } from "bun:test";
import {
  executionsOf,
  historyWith,
  showsParameters,
} from "../../../mod/session/prepared/type_history.ts";

const LONG = "\x03\0";
const STRING = "\xfd\0";
const DATE = "\x0c\0";
const NULL = "\x06\0";

test("executions with the same types count once", () => {
  const once = historyWith("", LONG + STRING);
  expect(once).toBe(LONG + STRING);
  expect(historyWith(once, LONG + STRING)).toBe(once);
});

test("other types stand behind those before", () => {
  expect(historyWith(DATE, LONG)).toBe(DATE + LONG);
  expect(executionsOf(DATE + LONG, 1).map((types) => [...types])).toEqual([[12, 0], [3, 0]]);
});

test("NULL says nothing about a type: neither behind another one nor before", () => {
  expect(historyWith(LONG + STRING, LONG + NULL)).toBe(LONG + STRING);
  expect(historyWith(LONG + NULL, LONG + STRING)).toBe(LONG + STRING);
  expect(historyWith(LONG + NULL, DATE + STRING)).toBe(LONG + NULL + DATE + STRING);
});

test("the oldest are forgotten", () => {
  let history = "";
  for (let i = 0; i < 20; i++) history = historyWith(history, i % 2 === 0 ? LONG : DATE);
  expect(history).toBe((LONG + DATE).repeat(4));
});

test("parameters show among the columns of a query only", () => {
  const shows = (sql: string) => showsParameters(Buffer.from(sql), 0);
  expect(shows("SELECT ? AS x")).toBe(true);
  expect(shows("SELECT id, CONCAT(s, ?) FROM t")).toBe(true);
  expect(shows("SELECT id FROM t WHERE id IN (SELECT ? FROM u)")).toBe(true);
  expect(shows("INSERT INTO t SELECT ?, 2")).toBe(true);
  expect(shows("SELECT id, '?' FROM t WHERE id = ? LIMIT ?")).toBe(false);
  expect(shows("SELECT (SELECT s FROM u WHERE id = ?) FROM t")).toBe(false);
  expect(shows("INSERT INTO t VALUES (?, ?)")).toBe(false);
  expect(shows("UPDATE t SET n = ? WHERE id = ?")).toBe(false);
});
