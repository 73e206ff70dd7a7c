// What a watch over many servers cannot cost less than: the driver that asks each of them for one row
// a second, and does nothing with it. Usage: bun plain_watch.ts COUNT PORT; ends with its standard
// input.

import { createConnection } from "mysql2/promise";

const [count, port] = process.argv.slice(2).map(Number);
const connections = await Promise.all(
  Array.from(
    { length: count! },
    () => createConnection({ host: "127.0.0.1", port: port!, user: "root", password: "" }),
  ),
);
console.log("connected");
// Spread over the second, as the watch does it.
const timers = connections.map((connection, at) =>
  setTimeout(
    () => setInterval(() => void connection.query("SELECT @@version AS version"), 1000),
    (1000 * at) / count!,
  )
);
await new Promise<void>((resolve) => {
  process.stdin.on("end", resolve);
  process.stdin.resume();
});
for (const timer of timers) clearTimeout(timer);
process.exit(0);
