// Snapshots of a proxy that runs, over its admin port. The one file that talks to it.

import { AdminClient, type AdminLogin, portHint } from "../mod/admin/mod.ts";
import {
  ALWAYS,
  type Feed,
  type LongTable,
  type Portion,
  type Portions,
  type Wanted,
} from "./feed.ts";
import { type Row, rowsOf, type Snapshot, type TableName, TABLES, type Value } from "./snapshot.ts";

/** How to reach a proxy. */
export interface ProxyLogin extends AdminLogin {
  readonly address: string;
}

/** The error number of a statement that is not known, and of a table that is not. */
const UNKNOWN_TABLE = new Set([1064, 1146]);
/** More rows than these would take longer to read than there is time between two readings. */
const ROWS_MAX = 5000;
/** Of the log the newest, in recordings too. */
const LINES_MAX = 200;
const WHOLE: Readonly<Record<LongTable, Portion>> = {
  frontends: { where: "", order: "id", limit: ROWS_MAX },
  digests: { where: "", order: "sum_us DESC", limit: ROWS_MAX },
  log: { where: "", order: "number DESC", limit: LINES_MAX },
};

/** Asks a proxy, on a new connection where the last one has ended. */
export class LiveFeed implements Feed {
  readonly name: string;
  readonly #login: ProxyLogin;
  readonly #missing = new Set<TableName>();
  #client: Promise<AdminClient> | undefined;
  /** It is the proxy's admin port: what fails from now on is told as it is. */
  #hasAnswered = false;
  /** What listens there, if it is something else. Looked for once. */
  #hint: Promise<string | undefined> | undefined;
  #isClosed = false;

  constructor(login: ProxyLogin) {
    this.#login = login;
    this.name = login.address;
  }

  async read(wanted: Wanted): Promise<Snapshot> {
    try {
      const snapshot = await this.#read(wanted);
      this.#hasAnswered = true;
      return snapshot;
    } catch (error) {
      throw this.#hasAnswered ? error : await this.#explained(error);
    }
  }

  /** Says of another port which one it is, beside what went wrong there. */
  async #explained(error: unknown): Promise<unknown> {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    if (code === "ECONNREFUSED" || code === "ENOENT") return error;
    const hint = await (this.#hint ??= portHint(this.name));
    return hint === undefined ? error : new Error(`${message || code}: ${hint}`);
  }

  async #read({ tables: wanted, portions = {} }: Wanted): Promise<Snapshot> {
    const names = TABLES.filter((name) => wanted.has(name) || ALWAYS.includes(name));
    const tables: Partial<Record<TableName, readonly Row[]>> = {};
    const answers = await this.#with((client) =>
      Promise.all(
        names.map(async (name) => [name, await this.#table(client, name, portions)] as const),
      )
    );
    for (const [name, rows] of answers) if (rows !== undefined) tables[name] = rows;
    const snapshot = { atMs: Date.now(), tables, asked: names };
    if (rowsOf(snapshot, "proxy").length === 0) {
      throw new Error("this admin port has no table `proxy`: it is not one of mysqlproxy");
    }
    return snapshot;
  }

  async order(statement: string): Promise<void> {
    await this.#with((client) => client.query(statement));
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  /** Undefined where the proxy has no such table. */
  async #table(
    client: AdminClient,
    name: TableName,
    portions: Portions,
  ): Promise<readonly Row[] | undefined> {
    if (this.#missing.has(name)) return undefined;
    try {
      return await client.query(statementOf(name, portions)) as readonly Readonly<
        Record<string, Value>
      >[];
    } catch (error) {
      if (!UNKNOWN_TABLE.has((error as { errno?: number }).errno ?? 0)) throw error;
      this.#missing.add(name);
      return undefined;
    }
  }

  async #with<T>(work: (client: AdminClient) => Promise<T>): Promise<T> {
    const { address, ...login } = this.#login;
    this.#client ??= AdminClient.connect(address, login);
    try {
      return await work(await this.#client);
    } catch (error) {
      if (!isAnswer(error)) this.#drop();
      throw error;
    } finally {
      if (this.#isClosed) this.#drop();
    }
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    // Another proxy may be there the next time, with other tables.
    this.#missing.clear();
    void client?.then((it) => it[Symbol.asyncDispose](), () => {});
  }
}

/** The proxy has said no; the connection goes on. */
function isAnswer(error: unknown): boolean {
  return typeof (error as { sqlState?: unknown }).sqlState === "string" &&
    (error as { fatal?: unknown }).fatal !== true;
}

function statementOf(name: TableName, portions: Portions): string {
  switch (name) {
    case "states":
      return STATES;
    case "digest_totals":
      return DIGEST_TOTALS;
    case "frontends":
    case "digests":
    case "log": {
      const { where, order, limit } = portions[name] ?? WHOLE[name];
      const condition = where === "" ? "" : ` WHERE ${where}`;
      return `SELECT * FROM ${name}${condition} ORDER BY ${order} LIMIT ${limit}`;
    }
    default:
      return `SELECT * FROM ${name}`;
  }
}

/** What sleeps is not under way, however long it does. */
const STATES = "SELECT state, count(*) AS sessions, " +
  "max(CASE WHEN state <> 'sleep' THEN idle_s END) AS longest_s FROM frontends GROUP BY state";
const DIGEST_TOTALS = "SELECT count(*) AS digests, sum(sum_us) AS sum_us FROM digests";
