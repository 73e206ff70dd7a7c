// Numbers and texts as the screens show them.

import { expect, test } from "bun:test";
import {
  bytes,
  count,
  cut,
  duration,
  elapsed,
  fit,
  micros,
  millis,
  percent,
  plain,
  rate,
  UNKNOWN,
  widthOf,
  wrap,
} from "../../../tui/format.ts";

test("counts keep three digits", () => {
  const shown = [0, 7, 812, 999, 1000, 4211, 12_449, 812_000, 999_949, 1_300_000, 2e12].map(count);
  expect(shown).toEqual(
    ["0", "7", "812", "999", "1.00k", "4.21k", "12.4k", "812k", "1.00M", "1.30M", "2.00T"],
  );
  expect(Math.max(...shown.map((text) => text.length))).toBeLessThanOrEqual(5);
});

test("what is not known is a dash everywhere", () => {
  for (const show of [count, rate, bytes, micros, millis, duration, percent]) {
    expect(show(null)).toBe(UNKNOWN);
    expect(show(undefined)).toBe(UNKNOWN);
  }
  expect(elapsed(null)).toBe("");
});

test("slow rates are told from none", () => {
  expect([0, 0.01, 0.4, 9.4, 12, 4211].map(rate)).toEqual(
    ["0", "<0.1", "0.4", "9.4", "12", "4.21k"],
  );
});

test("times in the unit that says most", () => {
  expect([0, 0.4, 85, 340, 2100, 12_000, 120_000, 1_240_000, 12_400_000].map(micros)).toEqual(
    ["0", "1µs", "85µs", "340µs", "2.1ms", "12ms", "120ms", "1.2s", "12s"],
  );
  expect([5, 65, 184, 3600, 7500, 90_000, 35_596_800].map(duration)).toEqual(
    ["5s", "1m05s", "3m04s", "1h00m", "2h05m", "1d01h", "412d"],
  );
  expect(elapsed(184)).toBe("3m04s");
  // What is rounded up does not get a digit too many.
  expect([999.6, 9.96e3, 999_600].map(micros)).toEqual(["1.0ms", "10ms", "1.0s"]);
});

test("parts as percent", () => {
  expect([0, 0.00001, 0.0002, 0.031, 0.42, 1].map(percent)).toEqual(
    ["0%", "<.01%", "0.02%", "3.1%", "42%", "100%"],
  );
});

test("bytes in powers of 1024", () => {
  expect([0, 512, 4096, 121_634_816].map(bytes)).toEqual(["0B", "512B", "4.0K", "116M"]);
});

test("texts have exactly the width, whatever is in them", () => {
  for (const text of ["", "a", "abcdefgh", "日本語の表", "añb", "●up"]) {
    for (const width of [1, 2, 3, 5, 9]) {
      expect(widthOf(fit(text, width))).toBe(width);
      expect(widthOf(fit(text, width, "right"))).toBe(width);
      expect(widthOf(cut(text, width))).toBeLessThanOrEqual(width);
    }
  }
  expect(fit("abcdefgh", 5)).toBe("abcd…");
  expect(fit("ab", 4, "right")).toBe("  ab");
});

test("a client's text can neither move the cursor nor colour anything", () => {
  expect(plain("SELECT\n\t1")).toBe("SELECT 1");
  expect(plain("a\x1b[31mred\x07\u202e")).toBe("a·[31mred··");
  expect(plain("größe 日本")).toBe("größe 日本");
});

test("long texts break at blanks, and within words where they must", () => {
  expect(wrap("SELECT a, b FROM t", 9)).toEqual(["SELECT a,", "b FROM t"]);
  expect(wrap("abcdefghij kl", 4).every((line) => widthOf(line) <= 4)).toBe(true);
  expect(wrap("abcdefghij", 4).join("")).toBe("abcdefghij");
  expect(wrap("", 4)).toEqual([""]);
});
