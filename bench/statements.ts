// What it costs to tell what a statement does: nanoseconds for each of some typical statements.
// Run with `bun bench/statements.ts`; needs no server.

import { attention, effectsOf, type LexicalMode } from "../mod/sql/mod.ts";

const ROUNDS = 15;
const CALLS = 20_000;
const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false, server: "mysql" };

const STATEMENTS: Readonly<Record<string, string>> = {
  "point select": "SELECT c FROM sbtest1 WHERE id=12345",
  "prepared point select": "SELECT c FROM sbtest1 WHERE id=?",
  "100 bytes":
    "SELECT id, name, price, created_at FROM products WHERE category_id = 42 AND active = 1 " +
    "ORDER BY name",
  "sum of a range": "SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN 5010 AND 5109",
  "of an object mapper": "SELECT `t0`.`id` AS `t0_id`, `t0`.`name` AS `t0_name`, `t0`.`email` AS " +
    "`t0_email` FROM `users` `t0` WHERE `t0`.`email` = 'someone@example.com' LIMIT 1",
  "join": "SELECT o.id, o.total, c.name, COUNT(*) AS items FROM orders o JOIN customers c ON " +
    "c.id = o.customer_id LEFT JOIN order_items i ON i.order_id = o.id WHERE o.created_at > " +
    "'2024-01-01 00:00:00' AND c.region IN (1,2,3) GROUP BY o.id HAVING COUNT(*) > 2 LIMIT 50",
  "update by key": "UPDATE sbtest1 SET k=k+1 WHERE id=5023",
  "insert":
    `INSERT INTO sbtest1 (id, k, c, pad) VALUES (5013, 4993, '${"68487932199-".repeat(10)}', ` +
    `'${"22195207048-".repeat(5)}')`,
  "begin": "BEGIN",
  "commit": "COMMIT",
  "set names": "SET NAMES utf8mb4",
  "version comment": "/*!40101 SET NAMES utf8 */",
  "uncertain version comment": "SELECT /*!80000 SQL_NO_CACHE */ * FROM t WHERE id = 5",
  "1,000 rows": `INSERT INTO t VALUES ${"(1234,'a text of some length'),".repeat(999)}(1,'')`,
  "256 KiB value": `INSERT INTO t VALUES ('${"x".repeat(256 * 1024)}')`,
};

let sum = 0; // keeps the calls from being left out

/** The fastest round's nanoseconds a call. */
function measure(look: (bytes: Uint8Array) => number, bytes: Uint8Array): number {
  const calls = Math.max(5, Math.min(CALLS, Math.round(CALLS * 100 / bytes.length)));
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = Bun.nanoseconds();
    for (let call = 0; call < calls; call++) sum += look(bytes);
    best = Math.min(best, (Bun.nanoseconds() - start) / calls);
  }
  return best;
}

const entries = Object.entries(STATEMENTS).map(([name, text]) =>
  [name, Buffer.from(text)] as const
);
const looks = {
  effects: (bytes: Uint8Array) => effectsOf(bytes, 0, bytes.length, MODE),
  attention: (bytes: Uint8Array) => attention(bytes, 0, bytes.length),
};
for (const [, bytes] of entries) for (const look of Object.values(looks)) measure(look, bytes);

console.log(
  `${"".padEnd(26)}${"bytes".padStart(8)}${"effectsOf()".padStart(14)}` +
    `${"a 100 bytes".padStart(14)}${"attention()".padStart(14)}`,
);
for (const [name, bytes] of entries) {
  const effects = measure(looks.effects, bytes);
  const first = measure(looks.attention, bytes);
  const cells = [effects, effects / bytes.length * 100, first].map((ns) =>
    `${Math.round(ns).toLocaleString("en")} ns`.padStart(14)
  );
  console.log(
    `${name.padEnd(26)}${bytes.length.toLocaleString("en").padStart(8)}${cells.join("")}`,
  );
}
if (Number.isNaN(sum)) throw new Error("Cannot happen");
