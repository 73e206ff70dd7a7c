// Lines of the audit log, which are put together byte by byte: each is the JSON that it should be.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AuditLog,
  LineBuffer,
  LogFile,
  LoggedSession,
  type LoggedStatement,
} from "../../../mod/observe/mod.ts";
import { maskPasswords } from "../../../mod/sql/mod.ts";

const STATEMENT: LoggedStatement = {
  db: 'a "db"',
  server: "db1:3306",
  command: "query",
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  parameters: undefined,
  digestText: "",
  totalUs: 17.4,
  queueUs: 0,
  restoreUs: 0,
  consistencyUs: 0,
  executeUs: 0,
  streamUs: 0,
  rowsSent: 3,
  rowsAffected: 0,
  bytesSent: 77,
  retries: 0,
  errorCode: 0,
  outcome: "answered",
};

type Entry = Readonly<Record<string, unknown>>;

/** What the log has of some statements. */
async function logged(
  statements: readonly Partial<LoggedStatement>[],
  { who = new LoggedSession(7, "app", "10.0.0.1:4711"), textMaxBytes = 4096 } = {},
): Promise<Entry[]> {
  const folder = mkdtempSync(join(tmpdir(), "mp-lines-"));
  try {
    const path = join(folder, "audit.log");
    const file = new LogFile({
      path,
      sizeMaxBytes: 1e9,
      ageMaxMs: 0,
      keep: 1,
      bufferMaxBytes: 1e8,
      overflow: "drop",
      onError: (reason) => expect(reason).toBe(""),
    });
    const log = new AuditLog(file, {
      users: [],
      exceptUsers: [],
      samplePercent: 100,
      textMaxBytes,
    });
    for (const each of statements) log.statement({ ...STATEMENT, ...each }, who, false);
    await log.close();
    return readFileSync(path, "utf8").trimEnd().split("\n").map((line) =>
      JSON.parse(line) as Entry
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function textIs(bytes: Uint8Array, before = 0): Partial<LoggedStatement> {
  return { bytes, start: before, end: bytes.length };
}

describe("a line of the audit log", () => {
  test("has all that is known, in the order of its reading", async () => {
    const [entry] = await logged([{
      ...textIs(Buffer.from("\x03SELECT 1"), 1),
      digestText: "SELECT ?",
      queueUs: 5,
      restoreUs: 6.6,
      consistencyUs: 7,
      executeUs: 8.4,
      streamUs: 2,
      retries: 2,
      errorCode: 1054,
    }]);
    const { time, ...facts } = entry!;
    expect(JSON.stringify({ ...facts, digest: "…" })).toBe(JSON.stringify({
      event: "statement",
      session: 7,
      user: "app",
      client: "10.0.0.1:4711",
      db: 'a "db"',
      server: "db1:3306",
      command: "query",
      text: "SELECT 1",
      digest: "…",
      us: 17,
      queue_us: 5,
      restore_us: 7,
      consistency_us: 7,
      execute_us: 8,
      stream_us: 2,
      rows: 3,
      affected: 0,
      bytes: 77,
      retries: 2,
      error: 1054,
    }));
    expect(facts["digest"]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Date(String(time)).getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  test("of the same session goes on as its schema, server and command do", async () => {
    const entries = await logged([
      { db: "one" },
      { db: "two" },
      { db: "two", server: "db2:3306" },
      { db: "two", server: "db2:3306", command: "execute" },
      { db: "one" },
    ]);
    expect(entries.map(({ db, server, command }) => [db, server, command].join())).toEqual([
      "one,db1:3306,query",
      "two,db1:3306,query",
      "two,db2:3306,query",
      "two,db2:3306,execute",
      "one,db1:3306,query",
    ]);
  });

  test("has any text as it was", async () => {
    const texts = [
      "",
      "SELECT 'it''s', \"a\\\"b\", `c\\\\`",
      "SELECT 1\n\t,2\r\n-- comment\n# another",
      "SELECT 'ä€😀'",
      "SELECT '\u0000\u0001\u001f\u007f'",
      "d",
      "dd",
      "passwor",
      "identifie",
      "xpasswore",
    ];
    expect((await logged(texts.map((text) => textIs(Buffer.from(text))))).map(({ text }) => text))
      .toEqual(texts);
    const broken = await logged([textIs(Uint8Array.of(0x41, 0xff, 0x42))]);
    expect(broken[0]!["text"]).toBe("A\ufffdB");
  });

  test("hides strings beside the words password and identified, however written", async () => {
    const texts = [
      "SET PASSWORD = 'secret'",
      'create user x IDENTIFIED by "secret"',
      "password'secret'",
      "SELECT 'secret', 'iDeNtIfIeD'",
    ];
    const entries = await logged(texts.map((text) => ({
      ...textIs(Buffer.from(text)),
      parameters: ["secret", 5n, null],
    })));
    expect(JSON.stringify(entries)).not.toContain("secret");
    expect(entries.map(({ text }) => text)).toEqual(texts.map(maskPasswords));
    expect(entries[0]!["params"]).toEqual(["***", "***", null]);
  });

  test("has parameters, as many as there is room for", async () => {
    const parameters = [
      1n,
      -2n,
      0.5,
      NaN,
      "2026-01-02",
      null,
      Buffer.from('té"xt'),
      Buffer.of(0xff),
    ];
    const [entry, long] = await logged([
      { parameters },
      { parameters: [Buffer.from("x".repeat(3000)), Buffer.from("y".repeat(3000)), "z"] },
    ], {});
    expect(entry!["params"]).toEqual([1, -2, 0.5, "NaN", "2026-01-02", null, 'té"xt', "0xff"]);
    expect(long!["params"]).toEqual(["x".repeat(3000), "y".repeat(1094)]);
    expect(long!["params_count"]).toBe(3);
  });

  test("is cut off behind text_max, and says how long it was", async () => {
    const [entry] = await logged([textIs(Buffer.from(`SELECT '${"é".repeat(100)}'`))], {
      textMaxBytes: 50,
    });
    expect(entry!["text_bytes"]).toBe(209);
    expect(String(entry!["text"]).startsWith("SELECT 'éé")).toBe(true);
  });

  test("has a trace from a comment or from attributes", async () => {
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const attributes = Buffer.from(`\x03.traceparent7${trace}`);
    const entries = await logged([
      textIs(Buffer.from(`SELECT 1 /* traceparent=${trace} */`)),
      textIs(Buffer.from(`-- traceparent ${trace}\nSELECT 1`)),
      textIs(Buffer.concat([attributes, Buffer.from("SELECT 2")]), attributes.length),
      textIs(Buffer.from("SELECT 1 /* nothing */")),
    ]);
    expect(entries.map((entry) => entry["trace"])).toEqual([trace, trace, trace, undefined]);
    expect(entries[2]!["text"]).toBe("SELECT 2");
  });
});

test("whole numbers of any size", () => {
  const values = [
    0,
    1,
    9,
    10,
    99,
    100,
    12_345,
    2 ** 31 - 1,
    2 ** 31,
    1e10,
    Number.MAX_SAFE_INTEGER,
  ];
  for (const value of values) {
    const lines = new LineBuffer(64);
    lines.number(value);
    expect(lines.bytes.toString("latin1", 0, lines.at)).toBe(String(value));
  }
});

test("bytes by chance stay one line of JSON each", async () => {
  const seed = Number(process.env["MYSQLPROXY_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`audit log: MYSQLPROXY_TEST_SEED=${seed}`);
  let state = seed || 1;
  const next = (max: number) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return (state >>> 8) % max;
  };
  const letters = Buffer.from("password identified 'x\"\\\n\t#-*/d\u00e9");
  const texts = Array.from(
    { length: 2000 },
    () =>
      Buffer.from(
        Array.from({ length: next(60) }, () =>
          next(10) === 0 ? next(256) : letters[next(letters.length)]!),
      ),
  );
  const entries = await logged(texts.map((text) => textIs(text)));
  expect(entries.map(({ text }) => text)).toEqual(
    texts.map((text) => maskPasswords(text.toString())),
  );
});
