// What a kind of cluster is to the monitor: five questions, each answered in the flavor's own file.

import type { ServerAddress } from "../config/mod.ts";
import type { Position, ToldPosition } from "./position.ts";
import type { Findings, Member } from "./reading.ts";

/** The kinds of clusters. */
export const FLAVOR_NAMES = [
  "tidb",
  "aurora",
  "polardbx",
  "wesql",
  "galera",
  "group",
  "mariadb",
  "async",
  "static",
] as const;

/** The name of a kind of cluster. */
export type FlavorName = typeof FLAVOR_NAMES[number];

/** A row with its columns' names in lower case. */
export type Row = Readonly<Record<string, unknown>>;

/** One conversation with a server. */
export interface ProbeSession {
  /** Where the server was reached. */
  readonly address: ServerAddress;
  /**
   * Runs a statement.
   *
   * @throws {Error} With `errno` where the server refuses it.
   */
  query(sql: string): Promise<readonly Row[]>;
  /** What a flavor has found out about this server, to ask it once per connection. */
  readonly memory: Map<string, unknown>;
}

/** A statement that a client of the data plane sends before its own, and how its answer reads. */
export interface WaitStatement {
  readonly sql: string;
  /** Whether the position was reached, by the statement's only value. */
  reached(value: unknown): boolean;
}

/** A kind of cluster. */
export interface Flavor {
  readonly name: FlavorName;
  /** Whether one server takes writes at a time, or all do. */
  readonly writers: "one" | "many";
  /**
   * The primary says that it is about to hand its role over, not long before: it is looked at so
   * often, in milliseconds. @default as others
   */
  readonly announcedMs?: number;
  /** Why a server is of this flavor; undefined where it is not. */
  detect(session: ProbeSession): Promise<string | undefined>;
  /**
   * Looks at a server.
   *
   * @throws {Error} Where it cannot be asked, or its answers make no sense.
   */
  probe(session: ProbeSession): Promise<Findings>;
  /** The members that a server knows of, itself included or not. */
  discover(session: ProbeSession, findings: Findings): Promise<readonly Member[]>;
  /** How far the data of a server goes; undefined where the flavor has no positions. */
  position(session: ProbeSession): Promise<ToldPosition | undefined>;
  /** A statement that waits for a position; undefined where there is none for it. */
  waitForPosition(position: Position, timeoutMs: number): WaitStatement | undefined;
}
