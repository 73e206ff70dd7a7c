// Sessions that write and read through a proxy without a pause, and remember what they were told.

import {
  type Connection,
  createConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from "mysql2/promise";
import { Fate, Ledger } from "./ledger.ts";
import { Timeline } from "./timeline.ts";

/** What sessions do, in hundredths. The rest are single writes. */
export interface Mix {
  readonly reads: number;
  readonly transactions: number;
  /** Settings and user variables are set, or looked at. */
  readonly settings: number;
  /** The session leaves, and comes again. */
  readonly connects: number;
}

/** How much is done. */
export interface LoadOptions {
  readonly port: number;
  readonly sessions: number;
  readonly mix: Mix;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  /** Between two statements of a session, in milliseconds. */
  readonly pauseMs: number;
}

/** An error that a session was told. */
export interface Complaint {
  /** By the timeline's clock. */
  readonly atMs: number;
  readonly session: number;
  readonly what: "write" | "read" | "transaction" | "settings" | "connect";
  readonly code: string;
  readonly message: string;
  /** The connection was gone too. */
  readonly fatal: boolean;
}

/** The database, the table, a row for reads, and the account of the load. The key is not the id: a repeat would show. */
export const TABLES = [
  "CREATE DATABASE IF NOT EXISTS ledger",
  `CREATE TABLE IF NOT EXISTS ledger.writes (pk CHAR(36) NOT NULL DEFAULT (UUID()) PRIMARY KEY,
    id VARCHAR(40) NOT NULL, part INT NOT NULL, KEY (id))`,
  "CREATE TABLE IF NOT EXISTS ledger.fruit (id INT PRIMARY KEY, name VARCHAR(20))",
  "CREATE TABLE IF NOT EXISTS ledger.commits (id VARCHAR(40) PRIMARY KEY, number BIGINT NOT NULL)",
  // Without the rights that let a session write where nobody is to write.
  "CREATE USER IF NOT EXISTS 'ledger'@'%' IDENTIFIED BY 'ledger'",
  "GRANT ALL ON ledger.* TO 'ledger'@'%'",
  "REPLACE INTO ledger.fruit VALUES (1, 'apple')",
];

/** Rows that one transaction writes. */
export const TRANSACTION_ROWS = 3;

/** A running load. */
export class Load {
  readonly ledger = new Ledger();
  readonly timeline = new Timeline();
  readonly complaints: Complaint[] = [];
  /** Answers that were not what they must be: stale reads, settings that are not the session's. */
  readonly wrong: string[] = [];
  /** Connections that were lost and opened anew. */
  reconnects = 0;
  readonly #options: LoadOptions;
  readonly #sessions: Promise<void>[];
  readonly #connected = new Set<number>();
  /** The last write of each session that was acknowledged on its connection of now. */
  readonly #last = new Map<number, { readonly id: string; readonly rows: number }>();
  /** What each session has set on its connection of now. */
  readonly #settings = new Map<number, number>();
  #stopped = false;
  /** Connections of an older one are given up. */
  #age = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#sessions = Array.from({ length: options.sessions }, (_, at) => this.#session(at));
  }

  /** Every session has been connected. */
  get ready(): boolean {
    return this.#connected.size === this.#options.sessions;
  }

  /** Every session leaves between two statements and comes again, as the clients of pools do. */
  renewConnections(): void {
    this.#age++;
  }

  /** Lets every session end what it is at. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#sessions);
    this.timeline.end();
  }

  async #session(number: number): Promise<void> {
    const { mix, pauseMs, random } = this.#options;
    let connection: Connection | undefined;
    let age = 0;
    while (!this.#stopped) {
      const leaves = age !== this.#age || random() * 100 < mix.connects;
      if (connection !== undefined && leaves) {
        await connection.end().catch(() => {});
        connection = undefined;
        this.#connected.delete(number);
        this.#forget(number);
      }
      age = this.#age;
      if (connection === undefined) {
        const startMs = performance.now();
        try {
          connection = await open(this.#options.port);
          if (this.#connected.has(number)) this.reconnects++;
          this.#connected.add(number);
        } catch (error) {
          this.#complain(error, { startMs, session: number, what: "connect" });
          await Bun.sleep(RECONNECT_MS);
          continue;
        }
      }
      if (!await this.#step(connection, number)) {
        connection.destroy();
        connection = undefined;
        this.#forget(number);
      }
      await Bun.sleep(pauseMs * 2 * random());
    }
    await connection?.end().catch(() => {});
  }

  /** Another connection is promised nothing of it. */
  #forget(session: number): void {
    this.#last.delete(session);
    this.#settings.delete(session);
  }

  /** @returns false if the connection is gone. */
  #step(connection: Connection, session: number): Promise<boolean> {
    const { random, mix } = this.#options;
    let choice = random() * 100;
    if (choice < mix.reads) return this.#read(connection, session);
    choice -= mix.reads;
    if (choice < mix.transactions) return this.#transaction(connection, session);
    choice -= mix.transactions;
    if (choice < mix.settings) return this.#setting(connection, session);
    return this.#write(connection, session);
  }

  /** Sets what is the session's alone, or sees whether it still has it, whatever has become of servers. */
  async #setting(connection: Connection, session: number): Promise<boolean> {
    const startMs = performance.now();
    const { random } = this.#options;
    const known = this.#settings.get(session);
    try {
      if (known === undefined || random() < SET_ANEW) {
        const value = 1 + Math.floor(random() * 9);
        this.#settings.delete(session);
        await connection.query(`SET @mine = ${value}, time_zone = '+0${value}:00'`);
        this.#settings.set(session, value);
      } else {
        const [[row]] = await connection.query<RowDataPacket[]>(SETTINGS);
        const seen = JSON.stringify(Object.values(row ?? {}));
        const expected = JSON.stringify([known, `+0${known}:00`, "ledger"]);
        if (seen !== expected) {
          this.wrong.push(`session ${session} has ${seen} and has set ${expected}`);
        }
      }
      this.timeline.note(startMs, "read");
      return true;
    } catch (error) {
      return this.#complain(error, { startMs, session, what: "settings" });
    }
  }

  async #read(connection: Connection, session: number): Promise<boolean> {
    const last = this.#last.get(session);
    const startMs = performance.now();
    try {
      if (last !== undefined && this.#options.random() < OWN_READS) {
        const [[row]] = await connection.execute<RowDataPacket[]>(COUNT, [last.id]);
        const times = Number(row?.["times"]);
        if (times !== last.rows) {
          this.wrong.push(`session ${session} sees ${times} rows of its write ${last.id}`);
        }
        this.timeline.note(startMs, "read");
        return true;
      }
      const [rows] = await connection.query("SELECT name FROM ledger.fruit WHERE id = 1");
      const name = (rows as { name?: string }[])[0]?.name;
      if (name !== "apple") this.wrong.push(`session ${session}: ${JSON.stringify(rows)}`);
      this.timeline.note(startMs, "read");
      return true;
    } catch (error) {
      return this.#complain(error, { startMs, session, what: "read" });
    }
  }

  async #write(connection: Connection, session: number): Promise<boolean> {
    const id = this.ledger.open(session);
    const startMs = performance.now();
    try {
      const [{ affectedRows }] = await connection.execute<ResultSetHeader>(INSERT, [id, 0]);
      if (affectedRows !== 1) this.wrong.push(`write ${id} affected ${affectedRows} rows`);
      this.ledger.close(id, Fate.ACKNOWLEDGED);
      this.#last.set(session, { id, rows: 1 });
      this.timeline.note(startMs, "write");
      return true;
    } catch (error) {
      this.ledger.close(id, hasNotRun(error) ? Fate.REFUSED : Fate.UNKNOWN);
      return this.#complain(error, { startMs, session, what: "write" });
    }
  }

  /** All its rows count as one entry. Only its COMMIT can leave its fate open. */
  async #transaction(connection: Connection, session: number): Promise<boolean> {
    const id = this.ledger.open(session);
    const startMs = performance.now();
    let committing = false;
    try {
      await connection.query("START TRANSACTION");
      for (let part = 0; part < TRANSACTION_ROWS; part++) {
        await connection.execute(INSERT, [id, part]);
      }
      committing = true;
      await connection.query("COMMIT");
      this.ledger.close(id, Fate.ACKNOWLEDGED);
      this.#last.set(session, { id, rows: TRANSACTION_ROWS });
      this.timeline.note(startMs, "write");
      return true;
    } catch (error) {
      this.ledger.close(id, committing && !hasNotRun(error) ? Fate.UNKNOWN : Fate.REFUSED);
      const goesOn = this.#complain(error, { startMs, session, what: "transaction" });
      // An application says this after any error; it must find a session in good order.
      if (goesOn) await connection.query("ROLLBACK").catch(() => {});
      return goesOn;
    }
  }

  #complain(
    error: unknown,
    at: {
      readonly startMs: number;
      readonly session: number;
      readonly what: Complaint["what"];
    },
  ): boolean {
    const { code, message, fatal } = error as { code?: string; message: string; fatal?: boolean };
    this.timeline.note(at.startMs, "error");
    if (message.includes("lost with it")) this.#settings.delete(at.session);
    this.complaints.push({
      atMs: performance.now() - this.timeline.startedMs,
      session: at.session,
      what: at.what,
      code: String(code),
      message,
      fatal: fatal === true,
    });
    return fatal !== true;
  }
}

const RECONNECT_MS = 50;
/** The part of the looks at settings that change them. */
const SET_ANEW = 0.3;
const SETTINGS = "SELECT @mine AS mine, @@time_zone AS zone, DATABASE() AS place";
/** The part of the reads that look for what their own session has written. */
const OWN_READS = 0.5;
const COUNT = "SELECT COUNT(*) AS times FROM ledger.writes WHERE id = ?";
const INSERT = "INSERT INTO ledger.writes (id, part) VALUES (?, ?)";

async function open(port: number): Promise<Connection> {
  const connection = await createConnection({
    host: "127.0.0.1",
    port,
    user: "ledger",
    password: "ledger",
    database: "ledger",
  });
  // What a statement is told is enough.
  connection.on("error", () => {});
  return connection;
}

/** Errors of servers that say that a statement has not run. */
const NOT_RUN = new Set([1040, 1053, 1213, 1290, 1792, 1836, 3100, 3168]);

function hasNotRun(error: unknown): boolean {
  const { errno, message } = error as { errno?: number; message: string };
  return errno !== undefined && NOT_RUN.has(errno) && !/unknown/i.test(message);
}
