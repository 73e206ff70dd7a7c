// Runs behaviours with the npm packages mysql2 and mariadb; see README.md.

import { createReadStream, readFileSync } from "node:fs";
import { inspect } from "node:util";

const [driver, script, host, port, tls] = process.argv.slice(2);
const SHOWN_ROWS = 50;

const print = (...words) => console.log(" ", ...words);
const shown = (value) =>
  inspect(value, { breakLength: Infinity, depth: 4, maxStringLength: 200, maxArrayLength: 40 });

function unescape(word) {
  const parts = { t: "\t", n: "\n", r: "\r", 0: "\0", "\\": "\\" };
  return word.replace(/\\(.)/g, (_, letter) => parts[letter]);
}

function bound(word) {
  const rest = word.slice(1);
  switch (word[0]) {
    case "n":
      return null;
    case "i":
    case "u":
      return Number.isSafeInteger(Number(rest)) ? Number(rest) : BigInt(rest);
    case "f":
      return Number(rest);
    case "s":
      return rest;
    case "x":
      return Buffer.from(rest, "hex");
  }
}

function showRows(rows) {
  let characters = 0;
  const many = rows.length > SHOWN_ROWS;
  rows.forEach((row, index) => {
    const text = shown(row);
    characters += text.length;
    if (!many || index < 3) print("row", text);
  });
  print(rows.length, "rows,", characters, "characters");
}

function pattern(size) {
  const data = Buffer.alloc(size);
  for (let at = 0; at < size; at++) data[at] = at & 255;
  return data;
}

async function killWhenMarked(second, id) {
  const running = "SELECT COUNT(*) AS n FROM performance_schema.threads " +
    "WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'";
  for (let tries = 0; tries < 400; tries++) {
    const rows = await second.rows(running);
    if (Number(rows[0].n ?? rows[0][0]) === 1) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await second.rows(`KILL QUERY ${id}`);
  await second.close();
}

class Mysql2Client {
  #connection;
  #statement;
  #options;

  static async connect([user, password, database, options]) {
    const { createConnection } = await import("mysql2/promise");
    const asked = options.split(",");
    const client = new Mysql2Client();
    client.#options = [user, password, database, options];
    client.#connection = await createConnection({
      host,
      port: Number(port),
      user,
      password,
      database: database || undefined,
      charset: asked.includes("gbk") ? "GBK_CHINESE_CI" : "UTF8MB4_UNICODE_CI",
      multipleStatements: asked.includes("multi"),
      // mysql2 asks for FOUND_ROWS unless told not to.
      flags: asked.includes("found_rows") ? ["FOUND_ROWS"] : ["-FOUND_ROWS"],
      compress: asked.includes("compress"),
      rowsAsArray: true,
      supportBigNumbers: true,
      dateStrings: false,
      timezone: "Z",
      ssl: tls === "1" ? { rejectUnauthorized: false } : undefined,
      infileStreamFactory: (path) => createReadStream(path),
    });
    client.#connection.on("error", () => {});
    return client;
  }

  #show([rows, columns]) {
    // One result is given as it is, several as a list.
    const several = Array.isArray(columns) && columns.some((each) => Array.isArray(each)) ||
      Array.isArray(rows) && columns === undefined ||
      Array.isArray(rows) && rows.some((each) => each?.constructor?.name === "ResultSetHeader");
    const pairs = several ? rows.map((each, i) => [each, columns?.[i]]) : [[rows, columns]];
    for (const [each, description] of pairs) {
      for (const column of description ?? []) {
        print("column", column.name, column.columnType, column.flags, column.characterSet);
        print("      ", column.columnLength, column.decimals, column.table, column.schema);
      }
      if (Array.isArray(each)) showRows(each);
      else print("result", shown(each));
    }
  }

  info() {
    const { connection } = this.#connection;
    const { serverVersion, characterSet } = connection._handshakePacket;
    // Compression and TLS are between the client and whom it talks to.
    const own = 2 ** 5 | 2 ** 11 | 2 ** 26;
    print(serverVersion, characterSet, connection._handshakePacket.capabilityFlags & ~own);
  }
  async rows(sql) {
    return (await this.#connection.query(sql))[0];
  }
  async query(sql) {
    this.#show(await this.#connection.query(sql));
  }
  async prepare(sql) {
    this.#statement = undefined;
    this.#statement = await this.#connection.prepare(sql);
    print("parameters", this.#statement.statement.parameters.length);
    print("columns", this.#statement.statement.columns.map((column) => column.name).join());
  }
  async execute(...words) {
    if (this.#statement === undefined) return print("no statement");
    const values = words.map(bound).map((each) => typeof each === "bigint" ? `${each}` : each);
    this.#show(await this.#statement.execute(values));
  }
  async fetch(size, sql) {
    const stream = this.#connection.connection.query(sql).stream({ highWaterMark: Number(size) });
    const rows = [];
    for await (const row of stream) rows.push(row);
    showRows(rows);
  }
  async load_local(file, sql) {
    await this.query(sql.replace("%s", () => file));
  }
  async blob(id, size) {
    const data = pattern(Number(size));
    const [result] = await this.#connection.execute("INSERT INTO blobs VALUES (?, ?)", [id, data]);
    print("inserted", result.affectedRows);
    const [[[back]]] = await this.#connection.query("SELECT b FROM blobs WHERE id = ?", [id]);
    print("same", data.equals(back), back.length);
  }
  begin = () => this.#connection.beginTransaction();
  commit = () => this.#connection.commit();
  rollback = () => this.#connection.rollback();
  ping = async () => print(shown(await this.#connection.ping()));
  reset = () => this.#connection.reset();
  async change_user(user, password, database) {
    await this.#connection.changeUser({ user, password, database });
  }
  async kill_query(sql) {
    const second = await Mysql2Client.connect(this.#options);
    await Promise.all([
      this.query(sql),
      killWhenMarked(second, this.#connection.threadId),
    ]);
  }
  close() {
    return this.#connection.end();
  }
}

class MariadbClient {
  #connection;
  #statement;
  #options;

  static async connect([user, password, database, options]) {
    const { createConnection } = await import("mariadb");
    const asked = options.split(",");
    const client = new MariadbClient();
    client.#options = [user, password, database, options];
    client.#connection = await createConnection({
      host,
      port: Number(port),
      user,
      password,
      database: database || undefined,
      charset: asked.includes("gbk") ? "GBK" : undefined,
      collation: asked.includes("gbk") ? undefined : "UTF8MB4_UNICODE_CI",
      multipleStatements: asked.includes("multi"),
      foundRows: asked.includes("found_rows"),
      permitLocalInfile: asked.includes("local"),
      compress: asked.includes("compress"),
      allowPublicKeyRetrieval: true,
      // MariaDB waits a second before it refuses a COM_CHANGE_USER; the default here is a second.
      connectTimeout: 10_000,
      rowsAsArray: true,
      metaAsArray: true,
      timezone: "Z",
      maxAllowedPacket: 64 << 20,
      ssl: tls === "1" ? { rejectUnauthorized: false } : false,
    });
    client.#connection.on("error", () => {});
    return client;
  }

  #show(result) {
    const [rows, columns] = Array.isArray(result) ? result : [result, undefined];
    if (!Array.isArray(rows)) return print("result", shown(rows));
    const several = Array.isArray(columns) && columns.some((each) => !each?.name);
    const pairs = several ? rows.map((each, i) => [each, columns[i]]) : [[rows, columns]];
    for (const [each, description] of pairs) {
      for (const column of description ?? []) {
        print("column", column.name(), column.columnType, column.flags, column.type);
        print("      ", column.columnLength, column.scale, column.table(), column.db());
      }
      if (Array.isArray(each)) showRows(each);
      else print("result", shown(each));
    }
  }

  info() {
    print(this.#connection.serverVersion(), shown(this.#connection.info.serverVersion));
    print(shown(this.#connection.info.collation?.name));
  }
  async rows(sql) {
    return (await this.#connection.query({ sql, rowsAsArray: true, metaAsArray: false }));
  }
  async query(sql) {
    this.#show(await this.#connection.query(sql));
  }
  async prepare(sql) {
    this.#statement = undefined;
    this.#statement = await this.#connection.prepare(sql);
    print("parameters", this.#statement.parameterCount);
    print("columns", (this.#statement.columns ?? []).map((column) => column.name()).join());
  }
  async execute(...words) {
    if (this.#statement === undefined) return print("no statement");
    this.#show(await this.#statement.execute(words.map(bound)));
  }
  async fetch(_size, sql) {
    const rows = [];
    for await (const row of this.#connection.queryStream(sql)) rows.push(row);
    showRows(rows);
  }
  async load_local(file, sql) {
    await this.query(sql.replace("%s", () => file));
  }
  async blob(id, size) {
    const data = pattern(Number(size));
    // A batch of two values makes the bulk command where the server has it.
    const inserted = await this.#connection.batch(
      { sql: "INSERT INTO blobs VALUES (?, ?)", rowsAsArray: false, metaAsArray: false },
      [[id, data], [Number(id) + 100, Buffer.from(id)]],
    );
    print("inserted", shown(inserted));
    await this.#connection.query("DELETE FROM blobs WHERE id > 100");
    const [[[back]]] = await this.#connection.execute("SELECT b FROM blobs WHERE id = ?", [id]);
    print("same", data.equals(back), back.length);
  }
  begin = () => this.#connection.beginTransaction();
  commit = () => this.#connection.commit();
  rollback = () => this.#connection.rollback();
  ping = async () => print(shown(await this.#connection.ping()));
  reset = () => this.#connection.reset();
  async change_user(user, password, database) {
    await this.#connection.changeUser({ user, password, database });
  }
  async kill_query(sql) {
    const second = await MariadbClient.connect(this.#options);
    await Promise.all([
      this.query(sql),
      killWhenMarked(second, this.#connection.threadId),
    ]);
  }
  close() {
    return this.#connection.end();
  }
}

const Client = driver === "mysql2" ? Mysql2Client : MariadbClient;
let client;

async function step(operation, words) {
  if (operation === "connect") {
    const before = client;
    client = undefined;
    await before?.close();
    client = await Client.connect(words);
    return print("connected");
  }
  if (operation === "close") {
    const before = client;
    client = undefined;
    return await before.close();
  }
  if (typeof client[operation] !== "function") return print("not offered");
  await client[operation](...words);
}

let number = 0;
for (const line of readFileSync(script, "utf8").split("\n").slice(0, -1)) {
  const [operation, ...words] = line.split("\t").map(unescape);
  console.log(++number, operation, shown(words));
  if (operation === "behaviour") {
    await client?.close().catch((error) => print("error at close", error.message));
    client = undefined;
    continue;
  }
  if (client === undefined && operation !== "connect") {
    print("no connection");
    continue;
  }
  try {
    await step(operation, words);
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof TypeError) throw error;
    print("error", error.errno, error.sqlState, error.code, error.fatal, error.message);
  }
}
await client?.close();
