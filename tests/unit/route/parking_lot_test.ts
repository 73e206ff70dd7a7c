// Commands that wait: in order, within their bounds, until they are called or late.

import { expect, test } from "bun:test";
import { ParkingLot } from "../../../mod/route/mod.ts";

const LIMITS = { countMax: 3, bytesMax: 100 };

test("ParkingLot takes the first first, and those that are due", () => {
  const lot = new ParkingLot<string>(LIMITS);
  lot.park("a", { bytes: 1, dueMs: 50, lateMs: 1000 });
  lot.park("b", { bytes: 1, dueMs: 10, lateMs: 1000 });
  lot.park("c", { bytes: 1, dueMs: 50, lateMs: 1000 });
  expect(lot.takeDue(9, 9)).toEqual([]);
  expect(lot.takeDue(10, 9)).toEqual(["b"]);
  expect(lot.takeDue(50, 1)).toEqual(["a"]);
  expect(lot.takeDue(50, 1)).toEqual(["c"]);
  expect(lot.size).toBe(0);
  expect(lot.bytes).toBe(0);
});

test("ParkingLot has room for so many, and for so many bytes", () => {
  const lot = new ParkingLot<number>(LIMITS);
  const ticket = { bytes: 40, dueMs: 0, lateMs: 1000 };
  expect(lot.park(1, ticket)).toBe(true);
  expect(lot.park(2, ticket)).toBe(true);
  expect(lot.park(3, ticket)).toBe(false);
  expect(lot.park(3, { ...ticket, bytes: 20 })).toBe(true);
  expect(lot.park(4, { ...ticket, bytes: 0 })).toBe(false);
  expect(lot.bytes).toBe(100);
  expect(lot.leave(1)).toBe(true);
  expect(lot.leave(1)).toBe(false);
  expect(lot.park(4, { ...ticket, bytes: 0 })).toBe(true);
});

test("ParkingLot knows who is there once, however often it is parked", () => {
  const lot = new ParkingLot<number>(LIMITS);
  for (let times = 0; times < 5; times++) {
    expect(lot.park(1, { bytes: 60, dueMs: Infinity, lateMs: 1000 })).toBe(true);
  }
  expect(lot.size).toBe(1);
  expect(lot.bytes).toBe(60);
});

test("ParkingLot lets all go that are there when they are called, some at a time", () => {
  const lot = new ParkingLot<number>(LIMITS);
  const ticket = { bytes: 0, dueMs: Infinity, lateMs: 1000 };
  for (const each of [1, 2, 3]) lot.park(each, ticket);
  expect(lot.takeDue(500, 9)).toEqual([]);
  lot.call(true);
  expect(lot.takeDue(500, 2)).toEqual([1, 2]);
  lot.call(false);
  expect(lot.takeDue(500, 2)).toEqual([]);
  lot.call(true);
  expect(lot.takeDue(500, 2)).toEqual([3]);
  // Who comes afterwards was not called.
  lot.park(4, ticket);
  expect(lot.takeDue(500, 2)).toEqual([]);
  expect(lot.takeLate(999)).toEqual([]);
  expect(lot.takeLate(1000)).toEqual([4]);
});
