// A part of the benchmark: what it measures, in which cases, and how its table looks.

import type { ServerKind } from "../tests/servers/mod.ts";
import type { Wrapper } from "./contenders/mod.ts";
import type { Database } from "./database.ts";
import type { Target } from "./target.ts";

/** Figures of one measurement by name; those that do not apply are absent. */
export type Figures = Readonly<Record<string, number>>;

/** What is measured, for every contender in turn. */
export interface Case {
  /** Stable: runs are compared by it. */
  readonly id: string;
  readonly title: string;
  /** @throws {Error} Saying why there is no figure. */
  readonly measure: (target: Target, database: Database) => Promise<Figures>;
}

/** A column of a table. */
export interface Column {
  /** The figure's name. */
  readonly figure: string;
  readonly title: string;
  readonly digits: number;
  /** Contenders whose value this one's is divided by, in a column each. */
  readonly ratioTo?: readonly string[];
  /** The contender whose value is taken off this one's, in a column of its own. */
  readonly addedTo?: string;
  /** Which way is better; shown with the comparison to the run before. */
  readonly better?: "more" | "less";
}

/** A group of cases with the same figures. */
export interface Part {
  /** As `--only` names it. */
  readonly name: string;
  readonly cases: readonly Case[];
  readonly columns: readonly Column[];
  /** Times each case is measured, the contenders taking turns. */
  readonly rounds: number;
  /** Who takes part: all where it is absent. */
  readonly contenders?: readonly string[];
  /** Servers it is measured on: all where it is absent. */
  readonly servers?: readonly ServerKind[];
  /** Starts servers of its own for the part; the run's lone server does where it is absent. */
  readonly open?: (kind: ServerKind) => Promise<Database>;
  /** What contenders are started through. */
  readonly wrapper?: Wrapper;
  /** Server connections of a contender that shares them; 16 where it is absent. */
  readonly poolConnections?: number;
  /** Every measurement has a process of its own, and contenders without one are left out. */
  readonly freshProcess: boolean;
  /** Run once on each contender before it is measured, so that its code has been compiled. */
  readonly warmUp?: (target: Target, database: Database) => Promise<unknown>;
  /** What a measurement takes, in seconds, to tell how long the run will be. */
  readonly secondsEach: number;
}

/** One case of the load generator's. */
export interface LoadCase {
  /** A name of `works`. */
  readonly work: string;
  readonly prepared: boolean;
  readonly tls: boolean;
  readonly clients: number;
}

/** How much is measured. */
export interface Scale {
  /** A smoke test: less of everything. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Of one measurement with sysbench. */
  readonly seconds: number;
  readonly connections: readonly number[];
  readonly workloads: readonly string[];
  /** What the load generator does: see `loadPart`. */
  readonly loads: readonly LoadCase[];
  /** Processes of the load generator. */
  readonly generators: number;
  readonly idleClients: number;
  /** Clients, with something set, that share server connections. */
  readonly pooledClients: number;
}

/** The median; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

/** The median of each figure over the rounds. */
export function medians(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(rounds.map((figures) => figures[name]))]),
  );
}
