// What is asked of a proxy that runs, and what comes of it.

import type { Snapshot, TableName } from "./snapshot.ts";

/** What is looked at. */
export interface Wanted {
  /** Tables beside those that the header is made of. */
  readonly tables: ReadonlySet<TableName>;
  /** Which rows of long tables; as many as can be where nothing is said. */
  readonly portions?: Portions | undefined;
}

/** Tables that may have more rows than anybody can look at. */
export type LongTable = "frontends" | "digests" | "log";

/** Some rows of long tables. */
export type Portions = Readonly<Partial<Record<LongTable, Portion>>>;

/** Some rows of a table. */
export interface Portion {
  /** A condition of SQL; empty: any. */
  readonly where: string;
  /** Terms of ORDER BY. */
  readonly order: string;
  /** Rows at most. */
  readonly limit: number;
}

/** Where snapshots of a proxy that runs come from. */
export interface Feed {
  /** Its address, for the first line. */
  readonly name: string;
  /**
   * A snapshot of now.
   *
   * @throws {Error} Where there is none now. The next call may succeed.
   */
  read(wanted: Wanted): Promise<Snapshot>;
  /**
   * Gives the proxy an order.
   *
   * @throws {Error} With what the proxy said against it, or where there is no proxy.
   */
  order(statement: string): Promise<void>;
  /** Ends it. */
  close(): void;
}

/** Tables that the header is made of, read each time. */
export const ALWAYS: readonly TableName[] = [
  "proxy",
  "workers",
  "servers",
  "pools",
  "pins",
  "stages",
];
