// A hunter of stale reads on real clusters: replicas whose appliers pause at random, many sessions
// that write through the proxy (and past it), and that read what they must see by their level of
// consistency. Every read is checked against what had been acknowledged before it began.

import {
  type Connection,
  createConnection,
  type QueryError,
  type RowDataPacket,
} from "mysql2/promise";
import type { ConsistencyLevel } from "../../mod/config/mod.ts";
import { until } from "../cluster/mod.ts";
import type { Site } from "../failover/site.ts";
import { Random } from "../fuzz/random.ts";
import { proxyCounters } from "../proxy_counters.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";

/** How a hunt is made. */
export interface HuntOptions {
  readonly site: Site;
  readonly level: ConsistencyLevel;
  readonly seed: number;
  /** Reads that are checked, at least. */
  readonly reads: number;
  readonly sessions: number;
  /** Planned changes of the primary while it goes on. @default {0} */
  readonly switchovers?: number;
  /** How often the primary is killed, and comes back as a replica. @default {0} */
  readonly kills?: number;
  /** Told now and then. */
  readonly onProgress?: (report: HuntReport) => void;
}

/** What came of it. */
export interface HuntReport {
  reads: number;
  writes: number;
  /** Reads that did not see what they had to. */
  stale: number;
  /** The first of them, in words. */
  examples: string[];
  /** Statements that failed, by message. */
  readonly errors: Map<string, number>;
  /** Reads that ran before the primary had told what they had to see. */
  guesses: number;
  /** Percent of the reads that ran on replicas. */
  replicaShare: number;
  /** SHOW ROUTES at the end. */
  routes: readonly Record<string, unknown>[];
}

const ROWS = 32;
const EXAMPLES_MAX = 5;
/** How often nobody has much to write for a while, and for how many reads. */
const QUIET_ONE_IN = 400;
const QUIET_READS_MAX = 400;
/** Of what would be done then so much is done all the same. */
const QUIET_WRITE_ONE_IN = 40;

/** What is known of a row: the highest number of which somebody may rely on that it is there. */
class Marks {
  /** Acknowledged by whomever. */
  readonly all = new Int32Array(ROWS);
  /** Acknowledged through the proxy. */
  readonly proxied = new Int32Array(ROWS);
}

/** Hunts. Throws an Error if the proxy or the cluster cannot be used. */
export async function hunt(options: HuntOptions): Promise<HuntReport> {
  const { site, level } = options;
  const { primary } = site;
  const random = new Random(options.seed);
  await primary.sql(
    "CREATE DATABASE IF NOT EXISTS test; DROP TABLE IF EXISTS test.marks; " +
      "CREATE TABLE test.marks (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = InnoDB",
  );
  if (/mariadb/i.test(String(await primary.value("SELECT VERSION()")))) {
    // An account of one that has all rights could write to what is no primary any more.
    for (const right of ["READ ONLY ADMIN", "SUPER"]) {
      await primary.sql(`REVOKE ${right} ON *.* FROM 'app'@'%'`);
    }
  }
  const rows = Array.from({ length: ROWS }, (_, id) => `(${id}, 0)`).join(",");
  await primary.sql(`INSERT INTO test.marks VALUES ${rows}`);
  await using proxy = await startProxy({
    backends: site.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    args: ["--admin", "127.0.0.1:0"],
    config: '[pool]\nmode = "transaction"\n[account]\nuser = "app"\npassword = "app"\n' +
      '[cluster]\nslow_start = "0"\n' +
      `[route]\nsplit = true\nconsistency = "${level}"\nwait_timeout = "200ms"\n`,
  });
  const report: HuntReport = {
    reads: 0,
    writes: 0,
    stale: 0,
    examples: [],
    errors: new Map(),
    guesses: 0,
    replicaShare: 0,
    routes: [],
  };
  const state: State = {
    site,
    changes: [
      ...new Array<Change>(options.kills ?? 0).fill("kill"),
      ...new Array<Change>(options.switchovers ?? 0).fill("switchover"),
    ],
    done: false,
    tokens: [],
    quietReads: 0,
  };
  const marks = new Marks();
  const hunters: Hunter[] = [];
  for (let number = 0; number < options.sessions; number++) {
    hunters.push(await Hunter.start({ number, proxy, options, random, marks, report, state }));
  }
  await until("reads are split", async () => {
    const rows = await ask(
      hunters[0]!.connection,
      "EXPLAIN ROUTE /*+ mysqlproxy(consistency=eventual) */ SELECT n FROM marks",
    );
    return rows.some(({ Value }) => Value === "replica");
  });
  const disturbing = disturb(random, state);
  const writing = level === "global" ? writePast(marks, random, state) : undefined;
  const telling = setInterval(() => options.onProgress?.(report), 10_000);
  await Promise.all(hunters.map((hunter) => hunter.run()));
  clearInterval(telling);
  state.done = true;
  await Promise.all([disturbing, writing]);
  report.routes = await ask(hunters[0]!.connection, "SHOW ROUTES");
  report.replicaShare = replicaShare(report.routes);
  report.guesses = (await proxyCounters(proxy, "guesses")).get("guesses")!;
  for (const hunter of hunters) hunter.connection.destroy();
  return report;
}

function connect(port: number): Promise<Connection> {
  return createConnection({
    host: "127.0.0.1",
    port,
    user: "app",
    password: "app",
    database: "test",
  });
}

async function ask(connection: Connection, sql: string) {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return rows as readonly Record<string, unknown>[];
}

function replicaShare(routes: readonly Record<string, unknown>[]): number {
  const isRead = ({ Reason }: Record<string, unknown>) => Reason !== "barred";
  const count = (rows: readonly Record<string, unknown>[]) =>
    rows.reduce((sum, { Statements }) => sum + Number(Statements), 0);
  const reads = routes.filter(isRead);
  return 100 * count(reads.filter(({ Target }) => Target === "replica")) / count(reads);
}

interface Shared {
  readonly number: number;
  readonly proxy: ProxyProcess;
  readonly options: HuntOptions;
  readonly random: Random;
  readonly marks: Marks;
  readonly report: HuntReport;
  readonly state: State;
}

/** How the primary changes. */
type Change = "switchover" | "kill";

/** What changes while a hunt goes on. */
interface State {
  readonly site: Site;
  /** Those of the primary that are left to do, the last one first. */
  readonly changes: Change[];
  done: boolean;
  /** For so many reads next to nothing is written: what the primary has is no news then. */
  quietReads: number;
  /** Positions that sessions have left for others, with a row's number that is in them. */
  readonly tokens: { readonly token: string; readonly row: number; readonly number: number }[];
}

/** One session. */
class Hunter {
  readonly connection: Connection;
  readonly #shared: Shared;
  /** The number of each row that it has written or seen. */
  readonly #own = new Int32Array(ROWS);
  static async start(shared: Shared): Promise<Hunter> {
    return new Hunter(await connect(shared.proxy.port), shared);
  }

  private constructor(connection: Connection, shared: Shared) {
    this.connection = connection;
    this.#shared = shared;
  }

  async run(): Promise<void> {
    const { options, report, random, state } = this.#shared;
    while (report.reads < options.reads || state.changes.length > 0) {
      try {
        const turn = random.below(10);
        if (state.quietReads > 0) state.quietReads--;
        else if (random.oneIn(QUIET_ONE_IN)) state.quietReads = random.below(QUIET_READS_MAX);
        if (state.quietReads > 0 && !random.oneIn(QUIET_WRITE_ONE_IN)) {
          await this.#read(random.below(ROWS));
        } else if (turn === 0) await this.#write();
        else if (turn === 1 && options.level !== "eventual") await this.#pass();
        else await this.#read(random.below(ROWS));
      } catch (error) {
        const { message, sqlState } = error as QueryError;
        report.errors.set(message, (report.errors.get(message) ?? 0) + 1);
        // The proxy keeps connections whatever happens to servers.
        if (sqlState === undefined) throw error;
        // What has failed may have been part of a transaction, whose snapshot is no reading of now.
        await this.connection.query("ROLLBACK");
      }
    }
  }

  /** Rows of its own: each has one writer, so that its number tells what was lost. */
  async #write(): Promise<void> {
    const { number, options, random, marks, report } = this.#shared;
    const own = Math.floor(ROWS / options.sessions) || 1;
    const row = (number * own + random.below(own)) % ROWS;
    if (options.sessions > ROWS && number >= ROWS) return;
    if (options.level === "global" && row % 8 === 7) return; // is written past the proxy
    const isTransaction = random.oneIn(4);
    if (isTransaction) await this.connection.query("BEGIN");
    await this.connection.query(`UPDATE marks SET n = n + 1 WHERE id = ${row}`);
    if (isTransaction) await this.connection.query("COMMIT");
    report.writes++;
    const written = marks.all[row]! + 1;
    marks.all[row] = written;
    marks.proxied[row] = written;
    this.#own[row] = Math.max(this.#own[row]!, written);
    if (random.oneIn(4)) await this.#read(row);
  }

  /** Takes a position along to another session, or takes over one. */
  async #pass(): Promise<void> {
    const { random } = this.#shared;
    const { tokens } = this.#shared.state;
    if (tokens.length > 8 || random.oneIn(2)) {
      const given = tokens.shift();
      if (given === undefined || given.token === "") return;
      await this.connection.query(`SET @@mysqlproxy.position = '${given.token}'`);
      this.#own[given.row] = Math.max(this.#own[given.row]!, given.number);
      await this.#read(given.row);
      return;
    }
    const row = random.below(ROWS);
    // What it has only seen is not in its position: what it has written is.
    const number = this.#written(row);
    const [rows] = await this.connection.query<RowDataPacket[]>(
      "SELECT @@mysqlproxy.position AS p",
    );
    tokens.push({ token: String(rows[0]!["p"]), row, number });
  }

  #written(row: number): number {
    const { number, options } = this.#shared;
    const own = Math.floor(ROWS / options.sessions) || 1;
    return Math.floor(row / own) === number ? this.#own[row]! : 0;
  }

  async #read(row: number): Promise<void> {
    const { options, marks, report, random } = this.#shared;
    const { level } = options;
    const must = level === "global"
      ? marks.all[row]!
      : level === "instance"
      ? Math.max(marks.proxied[row]!, this.#own[row]!)
      : this.#own[row]!;
    const sql = `SELECT n FROM marks WHERE id = ${row}`;
    const [rows] = random.oneIn(3)
      ? await this.connection.execute<RowDataPacket[]>("SELECT n FROM marks WHERE id = ?", [row])
      : await this.connection.query<RowDataPacket[]>(sql);
    const seen = Number(rows[0]!["n"]);
    report.reads++;
    if (seen < must) {
      report.stale++;
      if (report.examples.length < EXAMPLES_MAX) {
        report.examples.push(
          `row ${row}: ${seen} seen, ${must} due, session ${this.#shared.number}`,
        );
      }
    }
    this.#own[row] = Math.max(this.#own[row]!, seen);
  }
}

/** How long appliers pause between two changes of the primary, in milliseconds. */
const BETWEEN_MS = 1000;

/** Stops one replica's applier for a while, again and again, and changes the primary now and then. */
async function disturb(random: Random, state: State): Promise<void> {
  const { site, changes } = state;
  let next = performance.now() + BETWEEN_MS;
  while (!state.done) {
    if (changes.length > 0 && performance.now() > next) {
      await changePrimary(site, changes.at(-1)!);
      changes.pop();
      next = performance.now() + BETWEEN_MS;
    }
    const replica = random.pick(site.replicas);
    await site.holdBack(replica).catch(() => {});
    await Bun.sleep(20 + random.below(250));
    await site.letGoOn(replica).catch(() => {});
    await Bun.sleep(random.below(150));
  }
}

async function changePrimary(site: Site, change: Change): Promise<void> {
  if (change === "switchover") return site.switchOver();
  const old = site.primary;
  await old.kill();
  await site.promote();
  await site.rejoin(old);
}

/** Writes to the primary without the proxy: rows that nobody else writes. */
async function writePast(marks: Marks, random: Random, state: State): Promise<void> {
  const { site } = state;
  while (!state.done) {
    const { primary } = site;
    const direct = await connect(primary.port).catch(() => undefined);
    while (direct !== undefined && !state.done && site.primary === primary) {
      const row = random.below(ROWS / 8) * 8 + 7;
      if (state.quietReads > 0 && !random.oneIn(QUIET_WRITE_ONE_IN)) {
        await Bun.sleep(1);
        continue;
      }
      try {
        await direct.query(`UPDATE marks SET n = n + 1 WHERE id = ${row}`);
      } catch (error) {
        if (!/read.only/.test((error as Error).message)) break; // it was killed
        // It is made a replica, or not yet the primary.
        await Bun.sleep(10);
        continue;
      }
      marks.all[row]!++;
      await Bun.sleep(random.below(5));
    }
    direct?.destroy();
    await Bun.sleep(10);
  }
}
