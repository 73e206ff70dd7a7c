// What pools say of themselves: what SHOW POOLS shows.

/** What has happened in a pool since it was made. Values only grow. */
export class PoolTally {
  /** Statements and logins that had to wait. */
  waits = 0;
  /** Of these, ended for `pool.wait_timeout`. */
  waitsTimedOut = 0;
  /** All waits that have ended, together, in microseconds. */
  waitUs = 0;
  /** The longest of them. */
  waitUsMax = 0;
  /** Connections opened. */
  opened = 0;
  /** Connections that have ended, for whatever reason. */
  closed = 0;
  /** Of these, closed to make room for connections of another kind or account. */
  evicted = 0;
  /** Of these, closed for their age, or by RECONNECT. */
  retired = 0;
  /** Connections made as new again: COM_RESET_CONNECTION and logins on connections in use. */
  reset = 0;
  /** Logins on behalf of the pool that the server has refused or not answered. */
  openFailures = 0;
}

/** A pool at one moment. */
export interface PoolStatus extends Readonly<PoolTally> {
  /** The account's name. */
  readonly account: string;
  /** The server's address. */
  readonly server: string;
  /** New statements and transactions wait until RESUME. */
  readonly paused: boolean;
  /** Clients logged in or logging in. */
  readonly sessions: number;
  /** Connections that a session has: for a statement, a transaction, a pin. */
  readonly running: number;
  readonly idle: number;
  /** Connections being opened. */
  readonly opening: number;
  /** Bounds in force; with what the server allows the account. */
  readonly connectionsMin: number;
  readonly connectionsMax: number;
  /** Sessions that wait now. */
  readonly waiting: number;
  /** How long the first of them has waited, in microseconds. */
  readonly oldestWaitUs: number;
  /** Why the last attempt to open a connection has failed; empty: it has not. */
  readonly lastError: string;
}

/** What may be said to pools. */
export interface PoolOrder {
  readonly kind: "pause" | "resume" | "reconnect";
  /** The account's name; undefined: all. */
  readonly account: string | undefined;
}

const GREATEST = new Set<keyof PoolStatus>(["waitUsMax", "oldestWaitUs"]);

/** The pools of several workers as one: sums, but the greatest of what is a maximum. */
export function addPoolStatuses(statuses: readonly PoolStatus[]): PoolStatus[] {
  const sums = new Map<string, PoolStatus>();
  for (const status of statuses) {
    const key = `${status.server}\n${status.account}`;
    const before = sums.get(key);
    sums.set(key, before ? add(before, status) : status);
  }
  return [...sums.values()].sort((a, b) => a.account < b.account ? -1 : 1);
}

function add(a: PoolStatus, b: PoolStatus): PoolStatus {
  const sum: Record<string, unknown> = { ...a, lastError: a.lastError || b.lastError };
  sum["paused"] = a.paused && b.paused;
  for (const name of Object.keys(b) as (keyof PoolStatus)[]) {
    const [one, other] = [a[name], b[name]];
    if (typeof one !== "number" || typeof other !== "number") continue;
    sum[name] = GREATEST.has(name) ? Math.max(one, other) : one + other;
  }
  return sum as unknown as PoolStatus;
}
