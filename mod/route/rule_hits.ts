// How many statements each rule of the configuration has decided about. A rule is known by what it
// says: others may come and go around it, and it is counted on.

import type { Rule } from "../config/mod.ts";

/** Rules that are remembered when they are in force no more. */
const FORGOTTEN_MAX = 1000;

/** What a rule has decided since a worker told last. */
export interface RuleHitsDelta {
  /** The rule, as `RuleHitTotals` knows it. */
  readonly rule: string;
  readonly statements: number;
}

/** One worker's counts. */
export class RuleHits {
  #rules: readonly Rule[];
  #counts: Float64Array;
  /** Of rules that are in force no more, or in another place; not told yet. */
  #before: RuleHitsDelta[] = [];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    this.#counts = new Float64Array(rules.length);
  }

  /** Counts a statement. Hot path. @param rule The number of the rule, from 0 on. */
  count(rule: number): void {
    this.#counts[rule]++;
  }

  /** Other rules are in force from now on. */
  follow(rules: readonly Rule[]): void {
    this.#before = this.take();
    this.#rules = rules;
    this.#counts = new Float64Array(rules.length);
  }

  /** What has come since the last time. */
  take(): RuleHitsDelta[] {
    const taken = this.#before;
    this.#before = [];
    for (const [at, statements] of this.#counts.entries()) {
      if (statements > 0) taken.push({ rule: keyOf(this.#rules[at]), statements });
    }
    this.#counts.fill(0);
    return taken;
  }
}

/** All workers' counts since the start. */
export class RuleHitTotals {
  readonly #statements = new Map<string, number>();

  add(deltas: readonly RuleHitsDelta[]): void {
    for (const { rule, statements } of deltas) {
      const before = this.#statements.get(rule) ?? 0;
      this.#statements.delete(rule); // a Map keeps the order of insertion: hit last is last
      this.#statements.set(rule, before + statements);
    }
  }

  /** Statements that a rule has decided about. */
  of(rule: Rule): number {
    return this.#statements.get(keyOf(rule)) ?? 0;
  }

  /** Only so many rules that are not among these are remembered, for when they come back. */
  forgetOthers(rules: readonly Rule[]): void {
    if (this.#statements.size <= rules.length + FORGOTTEN_MAX) return;
    const kept = new Set(rules.map(keyOf));
    for (const rule of this.#statements.keys()) {
      if (this.#statements.size <= rules.length + FORGOTTEN_MAX) return;
      if (!kept.has(rule)) this.#statements.delete(rule);
    }
  }
}

function keyOf(rule: Rule): string {
  return JSON.stringify(rule);
}
