// Counts how often each statement kind was played, and how often it ended in an error.

import type { ServerKind } from "../servers/mod.ts";
import type { Trial } from "./comparison.ts";
import { kindsFor } from "./generator.ts";

/** Counts over many programs. */
export class KindCount {
  readonly #counts: Map<string, { steps: number; errors: Map<number, number> }>;

  constructor(server: ServerKind) {
    const names = kindsFor(server).map(({ name }) => name);
    this.#counts = new Map(names.map((name) => [name, { steps: 0, errors: new Map() }]));
  }

  /** Counts a program's steps. */
  add({ direct }: Trial): void {
    for (const { step, answer } of direct) {
      const count = this.#counts.get(step.kind ?? "");
      if (count === undefined) continue;
      count.steps++;
      const { errorCode } = answer;
      if (errorCode !== 0) count.errors.set(errorCode, (count.errors.get(errorCode) ?? 0) + 1);
    }
  }

  /** Kinds that were played. */
  get seen(): number {
    return [...this.#counts.values()].filter(({ steps }) => steps > 0).length;
  }

  /** Kinds none of whose steps ever went well. */
  get neverWell(): string[] {
    return [...this.#counts].filter(([, { steps, errors }]) =>
      steps > 0 && [...errors.values()].reduce((sum, each) => sum + each, 0) === steps
    ).map(([name]) => name);
  }

  /** A line for each kind: its steps, and its errors by number. */
  table(): string {
    return [...this.#counts].map(([name, { steps, errors }]) => {
      const list = [...errors].map(([code, times]) => `${code}×${times}`).join(" ");
      return `${String(steps).padStart(7)} ${name}  ${list}`;
    }).join("\n");
  }
}
