// How many statements went where, by reason.

import { REASON_NAMES, reasonInWords, REASONS, RouteReason } from "./reason.ts";
import type { RouteServer } from "./route_server.ts";

/** What of a decision is counted. */
export interface CountedDecision {
  readonly server: RouteServer | undefined;
  /** A value of `RouteReason`. */
  readonly reason: number;
  /** The number of the rule that counted; -1: none. */
  readonly rule: number;
}

/** One line of SHOW ROUTES. */
export interface RouteCount {
  /** `primary` or `replica`. */
  readonly target: string;
  readonly reason: string;
  readonly words: string;
  readonly statements: number;
}

/** Counts of one worker. */
export class RouteCounts {
  readonly #primary = new Float64Array(REASONS);
  readonly #replica = new Float64Array(REASONS);

  /** Counts a decision that was followed. Hot path. */
  count({ server, reason }: CountedDecision): void {
    if (server === undefined || server.isPrimary) this.#primary[reason]++;
    else this.#replica[reason]++;
  }

  /** Adds another worker's. */
  add(rows: readonly RouteCount[]): void {
    for (const { target, reason, statements } of rows) {
      const at = REASON_NAMES.indexOf(reason);
      if (at >= 0) (target === "primary" ? this.#primary : this.#replica)[at] += statements;
    }
  }

  /** All that is not 0, for SHOW ROUTES. */
  rows(): readonly RouteCount[] {
    return [...linesOf("primary", this.#primary), ...linesOf("replica", this.#replica)];
  }
}

/** SHOW ROUTES. */
export function routesResult(
  rows: readonly RouteCount[],
): { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  return {
    columns: ["Target", "Reason", "Words", "Statements"],
    rows: rows.map(({ target, reason, words, statements }) => [
      target,
      reason,
      words,
      String(statements),
    ]),
  };
}

/** All of them together. */
export function addRoutes(all: readonly (readonly RouteCount[])[]): readonly RouteCount[] {
  const sum = new RouteCounts();
  for (const rows of all) sum.add(rows);
  return sum.rows();
}

function linesOf(target: string, counts: Float64Array): RouteCount[] {
  return REASON_NAMES.flatMap((reason, at) =>
    counts[at] === 0 ? [] : [{
      target,
      reason,
      words: at === RouteReason.BARRED ? "not a replica read" : reasonInWords(at),
      statements: counts[at],
    }]
  );
}
