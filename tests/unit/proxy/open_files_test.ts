// The room that the limit on open files leaves, from the text the system gives.

import { expect, test } from "bun:test";
import { sessionsByOpenFiles } from "../../../mod/proxy/open_files.ts";

const line = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \n` +
  `Max processes             95000                95000                processes \n` +
  `Max open files            ${soft.padEnd(20)} 1048576              files     \n`;

test("sessionsByOpenFiles() counts two files a session", () => {
  expect(sessionsByOpenFiles(() => line("1024"))).toBe(480);
  expect(sessionsByOpenFiles(() => line("10"))).toBe(0);
});

test("sessionsByOpenFiles() knows no limit where the system tells none", () => {
  expect(sessionsByOpenFiles(() => line("unlimited"))).toBe(Infinity);
  expect(
    sessionsByOpenFiles(() => {
      throw new Error("no such file");
    }),
  ).toBe(Infinity);
});
