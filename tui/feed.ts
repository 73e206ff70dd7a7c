// Where snapshots come from: a proxy that runs, or a recording of one.

import type { Snapshot, TableName } from "./snapshot.ts";

/** Where snapshots come from. */
export interface Feed {
  readonly kind: "live" | "recording";
  /** What it is, for the first line: an address, or a file. */
  readonly name: string;
  /**
   * The next snapshot; what it waits for is the feed's own affair.
   *
   * @param wanted The tables that are looked at; a recording gives those that it has.
   * @throws {Error} Where there is none now. The next call may succeed.
   */
  read(wanted: ReadonlySet<TableName>): Promise<Snapshot>;
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
