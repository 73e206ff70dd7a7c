// Log files: what is written is there, files are put aside, nothing waits without bounds.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { LogFile, type LogFileOptions } from "../../../mod/observe/mod.ts";
import { maskPasswords } from "../../../mod/sql/mod.ts";

const OPTIONS = {
  sizeMaxBytes: 1e9,
  ageMaxMs: 0,
  keep: 3,
  bufferMaxBytes: 1e6,
  overflow: "drop",
} as const;

function subject(options: Partial<LogFileOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mp-log-"));
  const path = join(folder, "audit.log");
  const errors: string[] = [];
  const file = new LogFile({
    ...OPTIONS,
    path,
    onError: (reason) => errors.push(reason),
    ...options,
  });
  return {
    file,
    errors,
    folder,
    path,
    text: () => readFileSync(path, "utf8"),
    aside: () => readdirSync(folder).filter((name) => name !== "audit.log").sort(),
    [Symbol.dispose]() {
      void file.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function until(ask: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!ask()) {
    if (Date.now() > deadline) throw new Error("Not within 10 s");
    await Bun.sleep(5);
  }
}

describe("LogFile", () => {
  test("lines come in order, behind what was there, and all of them at the end", async () => {
    using log = subject({ head: "head\n" });
    for (let i = 0; i < 1000; i++) log.file.write(`${i}\n`);
    await until(() => log.text().endsWith("999\n"));
    log.file.write("last\n");
    await log.file.close();
    const lines = ["head", ...Array.from({ length: 1000 }, (_, i) => String(i)), "last", ""];
    expect(log.text()).toBe(lines.join("\n"));
    expect(log.file.dropped).toBe(0);
  });

  test("files are put aside by size, compressed, and only so many kept; no line is lost", async () => {
    using log = subject({ sizeMaxBytes: 5000, keep: 100 });
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 10; j++) log.file.write(`${i * 10 + j} ${"x".repeat(50)}\n`);
      await Bun.sleep(20);
    }
    await until(() => log.aside().length >= 3 && log.aside().every((name) => name.endsWith(".gz")));
    await log.file.close();
    const old = log.aside().map((name) =>
      gunzipSync(readFileSync(join(log.folder, name))).toString()
    );
    const numbers = (old.join("") + log.text()).trim().split("\n").map((line) => parseInt(line));
    expect(numbers).toEqual(Array.from({ length: 400 }, (_, i) => i));
  });

  test("a file has its age from before it was opened", async () => {
    using first = subject();
    first.file.write("old\n");
    await first.file.close();
    await Bun.sleep(120);
    const { path } = first;
    const again = new LogFile({ ...OPTIONS, path, ageMaxMs: 100, onError: () => {} });
    again.write("new\n");
    // The one that is not compressed goes when the other one is whole.
    await until(() => first.aside().join().endsWith("Z.gz") && first.aside().length === 1);
    await again.close();
    const [name] = first.aside();
    expect(gunzipSync(readFileSync(join(first.folder, name!))).toString()).toBe("old\nnew\n");
    expect(first.text()).toBe("");
  });

  test("who closes it finds what was put aside compressed, and no part of it", async () => {
    using log = subject({ sizeMaxBytes: 100, keep: 2 });
    const part = join(log.folder, "audit.log.20260101T000000000Z.gz.part");
    writeFileSync(part, "of a process that was killed");
    log.file.write(`${"x".repeat(200_000)}\n`);
    log.file.write(`${"y".repeat(200_000)}\n`); // it goes out at once
    await until(() => log.aside().some((name) => !name.startsWith(basename(part))));
    await log.file.close();
    expect(log.aside().map((name) => name.replace(/\d{8}T\d{9}Z/, "TIME"))).toEqual([
      "audit.log.TIME.gz",
    ]);
  });

  test("old files beyond the number go", async () => {
    using log = subject({ sizeMaxBytes: 100, keep: 2 });
    for (let i = 0; i < 8; i++) {
      log.file.write(`${"x".repeat(200)}\n`);
      await Bun.sleep(80);
    }
    await until(() => log.aside().length === 2 && log.aside().every((it) => it.endsWith(".gz")));
  });

  test("one that is closed in the middle of a write leaves nothing open", async () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let i = 0; i < 20; i++) {
      using other = subject();
      other.file.write("x".repeat(300_000));
      expect(open()).toBe(before + 1);
      other.file.write("behind it");
      const closed = other.file.close();
      other.file.write("too late");
      await closed;
      expect(open()).toBe(before);
      expect(other.text()).toBe(`${"x".repeat(300_000)}behind it`);
    }
  });

  test("too much at once: dropped and counted, or written at once", async () => {
    using dropping = subject({ bufferMaxBytes: 1000 });
    for (let i = 0; i < 100; i++) dropping.file.write(`${"x".repeat(99)}\n`);
    expect(dropping.file.dropped).toBe(90);
    using blocking = subject({ bufferMaxBytes: 1000, overflow: "block" });
    for (let i = 0; i < 100; i++) blocking.file.write(`${"x".repeat(99)}\n`);
    await blocking.file.close();
    expect(blocking.file.dropped).toBe(0);
    expect(blocking.text().length).toBe(10_000);
  });
});

test("where nothing may be dropped, lines stay in order behind a write that takes its time", async () => {
  using place = subject();
  const pipe = join(place.folder, "pipe");
  const copy = join(place.folder, "copy");
  await Bun.spawn(["mkfifo", pipe]).exited;
  // A pipe takes 64 KiB, and then no more until somebody reads.
  const reader = Bun.spawn(["sh", "-c", `exec 3<${pipe}; sleep 0.3; cat <&3 >${copy}`]);
  const options = { path: pipe, bufferMaxBytes: 1000, overflow: "block" } as const;
  const file = new LogFile({ ...OPTIONS, ...options, onError: () => {} });
  file.write(`${"x".repeat(300_000)}\n`);
  await Bun.sleep(10); // where it is another thread's, that one is at it
  for (let i = 0; i < 100; i++) file.write(`${i} ${"y".repeat(90)}\n`);
  await file.close();
  await reader.exited;
  const [first, ...others] = readFileSync(copy, "utf8").trimEnd().split("\n");
  expect(first).toBe("x".repeat(300_000));
  expect(others.map((line) => parseInt(line))).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

describe("maskPasswords()", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["CREATE USER a IDENTIFIED BY 'se\\'cret'", "CREATE USER a IDENTIFIED BY '***'"],
    ["SET PASSWORD = \"it''s\"", "SET PASSWORD = '***'"],
    [
      "CHANGE MASTER TO MASTER_PASSWORD='x', MASTER_HOST='h'",
      "CHANGE MASTER TO MASTER_PASSWORD='***', MASTER_HOST='***'",
    ],
    ["ALTER USER a IDENTIFIED WITH b AS 'cut of", "ALTER USER a IDENTIFIED WITH b AS '***'"],
    ["SELECT 'plain'", "SELECT 'plain'"],
  ];
  for (const [text, expected] of cases) {
    test(text, () => expect(maskPasswords(text)).toBe(expected));
  }
});
