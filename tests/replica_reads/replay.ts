// Plays the files of the servers' test suites on a primary with a replica: what the classifier calls
// a replica read runs on the replica, what makes tables, rows and settings for it on the primary.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  Bar,
  Effect,
  type KnownRoutines,
  type LexicalMode,
  multibyteOf,
  readFacts,
  type StatementFacts,
} from "../../mod/sql/mod.ts";
import { learnRoutines, type ViewRow, VIEWS_QUERY } from "../../mod/route/mod.ts";
import { decodeErr, Expect, type SqlError } from "../../mod/wire/mod.ts";
import { RawClient } from "../proxy/raw_client.ts";
import { type RealServer, type ServerKind, startServer } from "../servers/mod.ts";
import { suiteStatements } from "./suite_statements.ts";

/** What has come of the files played. */
export interface Tally {
  files: number;
  statements: number;
  /** Replica reads that were run on the replica. */
  reads: number;
  /** Those of them that gave a result; the others failed for what a primary would refuse too. */
  answered: number;
  /** How often the replica was too late and was let go on where the primary was. */
  skips: number;
  /** How often both servers were started anew: some statements end one. */
  restarts: number;
  /** Replica reads that the replica refused since it may only be read, or that changed it. */
  readonly wrong: string[];
}

/** Read only: 1290, 1792 within a transaction, 1836; 1223, 3100 and others are of other causes. */
const REFUSALS = new Set([1290, 1792, 1836, 1874]);
/** 1290 of other options. */
const OTHER_OPTION = /--(?!read[-_]only|super[-_]read)/i;
/** What may run on the primary: the rest would change the server, or reach out of the test. */
const PREPARES = Bar.DEFINES | Bar.WRITES | Bar.SESSION | Bar.CALLS | Bar.ASSIGNS | Bar.INTO |
  Bar.STORED_FUNCTION | Bar.SEQUENCE | Bar.INSERT_ID | Bar.SYSTEM_VARIABLE | Bar.DIAGNOSTICS;
const OUT_OF_BOUNDS = Effect.SETS_GLOBAL | Effect.CONCERNS_PROXY | Effect.ENDS_SESSION |
  Effect.TABLE_LOCK | Effect.XA | Effect.ONE_SHOT | Effect.HANDLER;
const NEVER =
  /\b(sql_log_bin|gtid\w*|binlog\w*|rpl\w*|master\w*|slave\w*|replica\w*|source_\w+|autocommit|completion_type|outfile|dumpfile|infile|plugin|component|server|user|role|password|debug\w*|tablespace|sleep|benchmark|definer|event|pseudo\w*|transaction\w*|tx_\w+|wsrep\w*|super|federated|log_bin\w*|read_only|innodb_\w+|read_lock)\b/i;
/** MariaDB counts to the bounds of a window, and a KILL does not end it. */
const ENDLESS = /\b(sleep|benchmark|9223372036854775807\s+(following|preceding))\b/i;
/** Some files are about how long something takes. */
const FILE_MS_MAX = 10_000;
const SETTINGS = Bar.SESSION | Bar.SYSTEM_VARIABLE;

/** A primary with a replica, to play files on. */
export class Replay implements AsyncDisposable {
  readonly kind: ServerKind;
  readonly #primary: RealServer;
  readonly #replica: RealServer;
  #tally: Tally = nothingYet();
  #writer: RawClient | undefined;
  #reader: RawClient | undefined;
  /** The replica may not have all yet. */
  #isBehind = false;
  #mode: LexicalMode;
  #position = "";
  /** What views there are. */
  #known: KnownRoutines | undefined;

  private constructor(kind: ServerKind, primary: RealServer, replica: RealServer) {
    this.kind = kind;
    this.#primary = primary;
    this.#replica = replica;
    this.#mode = { noBackslashEscapes: false, ansiQuotes: false, server: kind };
  }

  /** Plays files, on new servers where one is lost. @param isOver Asked before each file. */
  static async playAll(
    kind: ServerKind,
    files: Iterable<string>,
    isOver: (tally: Tally) => boolean = () => false,
  ): Promise<Tally> {
    let replay = await Replay.start(kind);
    try {
      for (const file of files) {
        if (isOver(replay.tally)) break;
        try {
          await replay.play(file);
        } catch (error) {
          console.log(
            `${kind}: ${file}: new servers: ${error instanceof Error ? error.message : ""}`,
          );
          const { tally } = replay;
          await replay[Symbol.asyncDispose]();
          replay = await Replay.start(kind, { ...tally, restarts: tally.restarts + 1 });
        }
      }
      return replay.tally;
    } finally {
      await replay[Symbol.asyncDispose]();
    }
  }

  /** Starts the servers. @param tally What has come of it before. */
  static async start(kind: ServerKind, tally: Tally = nothingYet()): Promise<Replay> {
    const skip = kind === "mysql" ? "replica_skip_errors = all" : "slave_skip_errors = all";
    // Statements rather than rows: rows of tables without keys take the replica long to find.
    const limits = [
      "innodb_lock_wait_timeout = 1",
      "lock_wait_timeout = 5",
      "binlog_format = MIXED",
      skip,
      // What is skipped leaves holes.
      ...(kind === "mariadb" ? ["gtid_strict_mode = OFF"] : []),
    ];
    const primary = await startServer(kind, { extraConfig: limits });
    const replica = await startServer(kind, {
      replicaOf: { port: primary.port },
      extraConfig: limits,
    });
    const replay = new Replay(kind, primary, replica);
    replay.#tally = tally;
    if (kind === "mysql") await replica.sql("SET GLOBAL super_read_only = ON");
    else {
      // An account of one that has all rights could write to a replica all the same.
      for (const right of ["READ ONLY ADMIN", "SUPER"]) {
        await primary.sql(`REVOKE ${right} ON *.* FROM 'app'@'%'`);
      }
      await replica.sql("SET GLOBAL read_only = ON");
      await replay.#catchUp();
    }
    return replay;
  }

  /** What has come of it so far. */
  get tally(): Tally {
    return this.#tally;
  }

  /** Plays one file in an empty database. */
  async play(file: string): Promise<void> {
    const statements = suiteStatements(readFileSync(file, "latin1"));
    const before = this.#tally.reads;
    this.#tally.files++;
    await this.#empty();
    this.#known = undefined;
    await this.#connect();
    this.#position = await this.#ownPosition();
    const deadline = performance.now() + FILE_MS_MAX;
    for (const statement of statements) {
      if (performance.now() > deadline) break;
      if (statement.length > 100_000 || statement.includes("$")) continue;
      this.#tally.statements++;
      await this.#step(statement, file);
    }
    if (this.#tally.reads === before) return;
    const position = await this.#ownPosition();
    if (position !== this.#position) {
      this.#tally.wrong.push(`${file}: the replica has written: ${position}`);
    }
  }

  async #step(statement: string, file: string): Promise<void> {
    const bytes = Buffer.from(statement, "latin1");
    const facts: StatementFacts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
    const given = { mode: this.#mode, ...(this.#known && { known: this.#known }) };
    readFacts(bytes, { start: 0, end: bytes.length }, given, facts);
    const { bars, effects } = facts;
    if (bars === 0) {
      if (ENDLESS.test(statement)) return;
      if (this.#isBehind) await this.#catchUp();
      this.#tally.reads++;
      const { code, message } = await this.#run("reader", bytes);
      if (code === 0) this.#tally.answered++;
      if (REFUSALS.has(code) && !(code === 1290 && OTHER_OPTION.test(message))) {
        this.#tally.wrong.push(`${file}: ${code}: ${statement.slice(0, 500)}`);
      }
      return;
    }
    if ((bars & ~PREPARES) !== 0 || (effects & OUT_OF_BOUNDS) !== 0) return;
    if (NEVER.test(statement)) return;
    await this.#run("writer", bytes);
    // The proxy reads what views there are; of functions it is to know nothing here.
    if ((bars & Bar.DEFINES) !== 0 && /\b(view|rename)\b/i.test(statement)) {
      const views = await this.#primary.sql(VIEWS_QUERY) as unknown as ViewRow[];
      this.#known = learnRoutines([], views);
    }
    // EXECUTE runs who knows what: temporary tables are made on what is read-only too.
    if ((bars & ~SETTINGS) !== 0 || (effects & Effect.CALLS) !== 0) {
      this.#isBehind = true;
      return;
    }
    // SET and USE are for both sessions; what strings are may be another thing behind them.
    await this.#run("reader", bytes);
    await this.#readMode();
  }

  /** The number of the error that a statement ends with; 0 for none. */
  async #run(
    who: "reader" | "writer",
    statement: Uint8Array,
  ): Promise<Pick<SqlError, "code" | "message">> {
    const client = who === "reader" ? this.#reader! : this.#writer!;
    try {
      const payload = client.queryPayload(statement);
      const packets = await client.command(payload, Expect.RESULT);
      const code = client.errorCode(packets);
      if (code === 0) return { code, message: "" };
      return { code, message: decodeErr(packets.at(-1)!.payload).message };
    } catch {
      await this.#connect(); // the connection has ended
      return { code: -1, message: "" };
    }
  }

  async #readMode(): Promise<void> {
    try {
      const [row] = await this.#reader!.query("SELECT @@sql_mode, @@character_set_client");
      const [sqlMode, charset] = row!;
      this.#mode = {
        noBackslashEscapes: sqlMode!.includes("NO_BACKSLASH_ESCAPES"),
        ansiQuotes: sqlMode!.includes("ANSI_QUOTES"),
        multibyte: multibyteOf(charset!),
        server: this.kind,
      };
    } catch {
      await this.#connect();
    }
  }

  async #connect(): Promise<void> {
    this.#reader?.close();
    this.#writer?.close();
    const { user, password } = this.#replica.accounts.app;
    const open = async ({ port }: RealServer) => {
      const client = await RawClient.connect({ port, user, password, database: "test" });
      const limit = this.kind === "mysql" ? "max_execution_time = 3000" : "max_statement_time = 3";
      await client.query(`SET ${limit}`);
      return client;
    };
    if (this.#isBehind) await this.#catchUp();
    this.#writer = await open(this.#primary);
    this.#reader = await open(this.#replica);
    this.#mode = { noBackslashEscapes: false, ansiQuotes: false, server: this.kind };
  }

  /** Drops what files before have left. */
  async #empty(): Promise<void> {
    this.#reader?.close();
    this.#writer?.close();
    const rows = await this.#primary.sql(
      `SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name NOT IN
       ('mysql', 'sys', 'information_schema', 'performance_schema')`,
    );
    for (const { name } of rows) await this.#drop(String(name));
    await this.#primary.sql("CREATE DATABASE test");
    this.#isBehind = true;
    await this.#catchUp();
  }

  async #drop(name: string): Promise<void> {
    const drop = `DROP DATABASE IF EXISTS \`${name.replaceAll("`", "``")}\``;
    await this.#primary.sql(drop).catch(async () => {
      // Some statements leave files that belong to no table.
      for (const { folder } of [this.#primary, this.#replica]) {
        rmSync(join(folder, "data", name), { recursive: true, force: true });
      }
      await this.#primary.sql(drop);
    });
  }

  /** Waits until the replica has all of the primary. */
  async #catchUp(): Promise<void> {
    this.#isBehind = false;
    if (this.kind === "mysql") {
      const [row] = await this.#primary.sql("SELECT @@global.gtid_executed AS at");
      const at = String(row!["at"]);
      if (await this.#isReached(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${at}', 3) AS late`)) return;
      await this.#replica.sql("STOP REPLICA; RESET BINARY LOGS AND GTIDS");
      await this.#replica.sql(`SET GLOBAL gtid_purged = '${at}'; START REPLICA`);
    } else {
      const [row] = await this.#primary.sql("SELECT @@global.gtid_binlog_pos AS at");
      const at = String(row!["at"]);
      if (await this.#isReached(`SELECT MASTER_GTID_WAIT('${at}', 3) AS late`)) return;
      await this.#replica.sql(
        `STOP SLAVE; RESET MASTER; SET GLOBAL gtid_slave_pos = '${at}'; START SLAVE`,
      );
    }
    this.#tally.skips++;
    this.#position = await this.#ownPosition();
  }

  /** A replica that stops at a statement of the suites, or takes too long for it, goes on behind it. */
  async #isReached(wait: string): Promise<boolean> {
    const [row] = await this.#replica.sql(wait);
    return String(row!["late"]) === "0";
  }

  /** The transactions that are the replica's own. */
  async #ownPosition(): Promise<string> {
    if (this.kind === "mysql") {
      const [row] = await this.#replica.sql(
        `SELECT REGEXP_SUBSTR(@@global.gtid_executed, CONCAT(@@server_uuid, '[-:0-9]*')) AS at`,
      );
      return String(row!["at"]);
    }
    const [row] = await this.#replica.sql(
      `SELECT REGEXP_SUBSTR(@@global.gtid_binlog_state, CONCAT('[0-9]+-', @@server_id, '-[0-9]+'))
       AS at`,
    );
    return String(row!["at"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader?.close();
    this.#writer?.close();
    await this.#replica.stop();
    await this.#primary.stop();
  }
}

function nothingYet(): Tally {
  return { files: 0, statements: 0, reads: 0, answered: 0, skips: 0, restarts: 0, wrong: [] };
}
