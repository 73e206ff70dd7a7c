// Reads the accounts of a server with the proxy's own account, again and again. With
// own_connection.ts this is what of mod/auth does I/O; it runs in the control plane.

import type { Connection, RowDataPacket } from "mysql2/promise";
import {
  type Account,
  type AccountPolicy,
  type AccountSnapshot,
  AccountTable,
} from "./accounts.ts";
import {
  accountFromGlobalPriv,
  accountFromMysql,
  accountFromOldMariadb,
  type AccountRow,
} from "./account_rows.ts";
import { digest } from "./digests.ts";
import { connectAsOwn, type OwnEndpoint } from "./own_connection.ts";

/** What came of one reading. */
export type SyncOutcome =
  /** `changed` is false when the accounts are those of the snapshot before. */
  | { readonly kind: "accounts"; readonly snapshot: AccountSnapshot; readonly changed: boolean }
  /** The server answered, but the proxy's account may not log in or not read: use relay mode. */
  | { readonly kind: "denied"; readonly reason: string }
  /** No answer: keep what is known and try again later. */
  | { readonly kind: "unreachable"; readonly reason: string };

/** Options of {@link AccountSync}. */
export interface AccountSyncOptions {
  /** Asked before each reading, since another server may have become the primary. */
  readonly endpoint: () => OwnEndpoint;
  /** Time between the end of a reading and the next one, in milliseconds. */
  readonly intervalMs: number;
  /** Time limit of one reading, in milliseconds. */
  readonly timeoutMs: number;
  /** Told about each reading. */
  readonly onOutcome: (outcome: SyncOutcome) => void;
}

/** Keeps a snapshot of a server's accounts fresh. */
export class AccountSync {
  readonly #options: AccountSyncOptions;
  #snapshot: AccountSnapshot | undefined;
  /** Digest of the rows that the snapshot was made from. */
  #fingerprint = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #started = false;
  #running: Promise<SyncOutcome> | undefined;
  #following: Promise<SyncOutcome> | undefined;

  constructor(options: AccountSyncOptions) {
    this.#options = options;
  }

  /** The accounts as last read. */
  get snapshot(): AccountSnapshot | undefined {
    return this.#snapshot;
  }

  /** Reads now and then at the interval; resolves with the outcome of the first reading. */
  start(): Promise<SyncOutcome> {
    this.#started = true;
    return this.refreshNow();
  }

  /** No more readings; one that is under way ends by itself. */
  stop(): void {
    this.#started = false;
    clearTimeout(this.#timer);
  }

  /**
   * Reads at once. Calls during a reading share the one that follows it, since the one under way
   * may have read before the change that the caller knows of.
   */
  refreshNow(): Promise<SyncOutcome> {
    if (this.#running === undefined) {
      this.#running = this.#refresh();
      return this.#running;
    }
    this.#following ??= this.#running.then(() => {
      this.#following = undefined;
      this.#running = this.#refresh();
      return this.#running;
    });
    return this.#following;
  }

  async #refresh(): Promise<SyncOutcome> {
    clearTimeout(this.#timer);
    const outcome = await this.#read();
    this.#running = undefined;
    if (this.#started) {
      this.#timer = setTimeout(() => void this.refreshNow(), this.#options.intervalMs);
      this.#timer.unref();
    }
    this.#options.onOutcome(outcome);
    return outcome;
  }

  async #read(): Promise<SyncOutcome> {
    try {
      const reading = await readAccounts(this.#options.endpoint(), this.#options.timeoutMs);
      const changed = this.#snapshot === undefined || reading.fingerprint !== this.#fingerprint;
      if (changed) {
        const revision = (this.#snapshot?.revision ?? 0) + 1;
        const table = new AccountTable(reading.accounts, reading.policy.flavor);
        this.#fingerprint = reading.fingerprint;
        this.#snapshot = { revision, source: "server", policy: reading.policy, table };
      }
      return { kind: "accounts", snapshot: this.#snapshot!, changed };
    } catch (error) {
      return failedOutcome(error);
    }
  }
}

/** Error numbers that mean "you may not", as opposed to "nobody is there". */
const DENIED = new Set([
  1044, // no access to the schema
  1045, // no login
  1130, // no login from this host
  1142, // no SELECT on the table
  1143, // no SELECT on a column
  1227, // a privilege is missing
  1698, // no login (MariaDB's unix_socket)
  3118, // account locked (MySQL)
  4151, // account locked (MariaDB)
  1820, // password expired
  1862, // password expired, refused
]);

function failedOutcome(error: unknown): SyncOutcome {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "errno" in error ? Number(error.errno) : 0;
  if (!DENIED.has(code)) {
    return { kind: "unreachable", reason: `the server's accounts cannot be read now: ${message}` };
  }
  const reason = `the proxy's account may not read the server's accounts: ${message}`;
  return { kind: "denied", reason };
}

interface AccountReading {
  readonly policy: AccountPolicy;
  readonly accounts: readonly Account[];
  readonly fingerprint: string;
}

async function readAccounts(endpoint: OwnEndpoint, timeoutMs: number): Promise<AccountReading> {
  const connection = await connectAsOwn(endpoint, timeoutMs);
  // The client's own limit is for single packets; a server that hangs must not hold up the next reading.
  const deadline = setTimeout(() => connection.destroy(), timeoutMs);
  try {
    const variables = await readVariables(connection);
    const policy = accountPolicy(variables);
    const { rows, toAccount } = await readRows(connection, policy);
    const content = JSON.stringify(
      [policy, rows],
      (_key, value: unknown) => typeof value === "bigint" ? String(value) : value,
    );
    return {
      policy,
      accounts: rows.map(toAccount).filter((account) => account !== undefined),
      fingerprint: Buffer.from(digest("sha256", [Buffer.from(content)])).toString("hex"),
    };
  } finally {
    clearTimeout(deadline);
    connection.destroy();
  }
}

const VARIABLES = `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'skip_name_resolve',
  'default_password_lifetime', 'disconnect_on_expired_password')`;

async function readVariables(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const rows = await query(connection, VARIABLES);
  return new Map(rows.map((row) => [String(row["variable_name"]), String(row["value"])]));
}

function accountPolicy(variables: ReadonlyMap<string, string>): AccountPolicy {
  return {
    flavor: variables.get("version")?.includes("MariaDB") ? "mariadb" : "mysql",
    resolvesNames: variables.get("skip_name_resolve") !== "ON",
    passwordLifetimeDays: Number(variables.get("default_password_lifetime") ?? 0),
    disconnectsOnExpiredPassword: variables.get("disconnect_on_expired_password") === "ON",
  };
}

interface AccountRows {
  readonly rows: readonly AccountRow[];
  readonly toAccount: (row: AccountRow) => Account | undefined;
}

const MYSQL_ROWS = "SELECT *, UNIX_TIMESTAMP(password_last_changed) AS password_changed_s " +
  "FROM mysql.user ORDER BY Host, User";

async function readRows(connection: Connection, policy: AccountPolicy): Promise<AccountRows> {
  if (policy.flavor === "mysql") {
    return { rows: await query(connection, MYSQL_ROWS), toAccount: accountFromMysql };
  }
  try {
    const rows = await query(connection, "SELECT User, Host, Priv FROM mysql.global_priv");
    return { rows, toAccount: accountFromGlobalPriv };
  } catch (error) {
    // Before 10.4 there is no such table. Where it is only forbidden, mysql.user would not do: as a
    // view it says nothing of locks and of second methods.
    if (!(error instanceof Error) || !("errno" in error) || error.errno !== 1146) throw error;
    const rows = await query(connection, "SELECT * FROM mysql.user");
    return { rows, toAccount: accountFromOldMariadb };
  }
}

/** The rows of a statement, columns named in lower case. */
async function query(connection: Connection, sql: string): Promise<readonly AccountRow[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]))
  );
}
