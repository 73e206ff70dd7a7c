// Prepared statements on the admin port, by drivers that prepare on the server.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mariadb from "mariadb";
import {
  type Connection,
  createConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from "mysql2/promise";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { kinds, subject } from "./subjects.ts";

let folder: string;
let proxy: ProxyProcess;
let port: number;

beforeAll(async () => {
  const { server } = await subject(kinds[0]!);
  folder = mkdtempSync(join(tmpdir(), "mp-prepared-"));
  const file = join(folder, "proxy.toml");
  writeFileSync(
    file,
    '[auth]\nmode = "static"\n[[user]]\nname = "a"\npassword = "a"\n[admin]\npassword = "p"\n',
  );
  proxy = await startProxy({ backends: [server], args: ["-c", file, "--admin", "127.0.0.1:0"] });
  port = await proxy.loggedPort("admin port");
});

afterAll(async () => {
  await proxy?.stop();
  rmSync(folder, { recursive: true });
});

const login = () => ({ host: "127.0.0.1", port, user: "admin", password: "p", database: "main" });
/** What would end a literal, or begin a comment, if it were put in without care. */
const ODD = ["it's", 'a "b"', "C:\\", "\\'; -- x", "/* no */", "né 🐬", "a?b", "", "x\u0000y"];

describe("mysql2", () => {
  let client: Connection;

  beforeAll(async () => {
    client = await createConnection(login());
  });

  afterAll(() => client?.destroy());

  test("values of all kinds come back as they were given", async () => {
    const sql = "SELECT ? AS i, ? AS r, ? AS n, ? AS t, 17 AS whole, 1.5 AS real, 'x?' AS quoted";
    for (const text of ODD) {
      const [rows] = await client.execute<RowDataPacket[]>(sql, [42, 1.25, null, text]);
      expect(rows).toEqual([
        { i: 42, r: 1.25, n: null, t: text, whole: 17, real: 1.5, quoted: "x?" },
      ] as RowDataPacket[]);
    }
    const [dates] = await client.execute<RowDataPacket[]>("SELECT ? AS d", [
      new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
    ]);
    expect(dates[0]!["d"]).toMatch(/^2026-01-0[123] \d\d:\d4:05\.678000$/);
    const [big] = await client.execute<RowDataPacket[]>("SELECT ? AS v", ["x".repeat(70_000)]);
    expect(big[0]!["v"]).toHaveLength(70_000);
  });

  test("tables, commands and writes", async () => {
    const [rows] = await client.execute<RowDataPacket[]>(
      "SELECT name, value, live FROM properties WHERE name IN (?, ?) -- no ? here\nORDER BY name",
      ["limits.clients_max", "workers"],
    );
    expect(rows).toEqual([
      { name: "limits.clients_max", value: "10000", live: 1 },
      { name: "workers", value: "1", live: 1 },
    ] as RowDataPacket[]);
    const [shown] = await client.execute<RowDataPacket[]>("SHOW PROPERTIES LIKE ?", ["work%"]);
    expect(shown.map((row) => row["Property"])).toEqual(["workers"]);
    const [{ affectedRows }] = await client.execute<ResultSetHeader>(
      "INSERT INTO mysql_users (username, password) VALUES (?, ?)",
      ["b", "C:\\ it's"],
    );
    expect(affectedRows).toBe(1);
    await client.execute("LOAD MYSQL USERS TO RUNTIME");
    await client.execute("SET limits.clients_max = ?", [50]);
    const text = 'backends = ["127.0.0.1:1"]\n# it\'s C:\\\n[limits]\nclients_max = 60\n';
    const [changes] = await client.execute<RowDataPacket[]>("CONFIG DIFF ?", [text]);
    expect(changes.find((row) => row["key"] === "limits.clients_max")).toMatchObject({
      before: "50",
      after: "60",
    });
    // Values are in the log where the statement is, passwords are not.
    expect(proxy.log()).not.toContain("C:\\");
  });

  test("errors come with the execution, and the connection goes on", async () => {
    const number = (sql: string, values: readonly (string | number)[] = []) =>
      client.execute(sql, [...values]).then(() => 0, (error: { errno: number }) => error.errno);
    expect(await number("SELECT * FROM nowhere WHERE a = ?", [1])).toBe(1146);
    expect(await number("KILL ?", [1])).toBe(1094);
    expect(await number("NONSENSE ?", [1])).toBe(1064);
    expect(await number("SELECT 1")).toBe(0);
    const statement = await client.prepare("SELECT ? + 1 AS v");
    for (let i = 0; i < 3; i++) {
      const [rows] = await statement.execute([i]) as unknown as [RowDataPacket[]];
      expect(rows[0]!["v"]).toBe(i + 1);
    }
    await statement.close();
    await client.reset();
    expect(await number("SELECT ?", [1])).toBe(0);
  });
});

/** Runs a program of another language; what it prints. */
async function printed(...command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe" });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${errors}${output}`);
  return output;
}

test("PHP's mysqli, which learns of columns with the rows", async () => {
  const program = `
    mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
    $db = new mysqli("127.0.0.1", "admin", "p", "main", ${port});
    $st = $db->prepare("SELECT name, live FROM properties WHERE name LIKE ? AND live = ? ORDER BY 1");
    $st->execute(["log.%", 1]);
    foreach ($st->get_result() as $row) echo $row["name"], "=", $row["live"], " ";
    $st = $db->prepare("SHOW PROPERTIES LIKE 'workers'");
    $st->execute();
    echo $st->get_result()->fetch_row()[1];
  `;
  expect(await printed("php", "-r", program)).toBe("log.format=1 log.level=1 log.levels=1 1");
});

test("Perl's DBD::MariaDB, by the C library", async () => {
  const program = `
    use DBI;
    my $db = DBI->connect("dbi:MariaDB:database=main;host=127.0.0.1;port=${port};mariadb_server_prepare=1",
      "admin", "p", { RaiseError => 1 });
    my $st = $db->prepare("SELECT value, ? AS own FROM properties WHERE name = ?");
    for my $name ("workers", "log.level") {
      $st->execute(7, $name);
      print join(",", @{$st->fetchrow_arrayref}), " ";
      $st->finish;
    }
  `;
  expect(await printed("perl", "-e", program)).toBe("1,7 info,7 ");
});

test("the mariadb driver", async () => {
  const client = await mariadb.createConnection(login());
  const rows = await client.execute("SELECT ? AS t, ? AS i, ? AS n", ["it's \\", 7, null]);
  expect(rows[0]).toMatchObject({ t: "it's \\", n: null });
  expect(Number(rows[0].i)).toBe(7);
  const found = await client.execute("SELECT name FROM properties WHERE name LIKE ?", ["log.%"]);
  expect(found.map((row: { name: string }) => row.name)).toEqual([
    "log.level",
    "log.levels",
    "log.format",
  ]);
  const prepared = await client.prepare("SELECT count(*) AS c FROM properties WHERE live = ?");
  for (const live of [0, 1]) {
    expect(Number((await prepared.execute([live]))[0].c)).toBeGreaterThan(3);
  }
  prepared.close();
  await client.end();
});
