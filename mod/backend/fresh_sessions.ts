// What is known of fresh sessions of an account: what they have set, and what bounds them.

import type { Baseline } from "./fresh_state.ts";

/** By kind of connection. */
export class FreshSessions {
  readonly #baselines = new Map<string, Promise<Baseline>>();
  readonly #known = new Map<string, Baseline>();
  readonly #waitTimeouts = new Map<string, number>();
  /** How many connections the server allows the account (max_user_connections); infinite: any. */
  allowed = Infinity;

  /** What sessions of a kind begin with: asked once. */
  baseline(kind: string, learn: () => Promise<Baseline>): Promise<Baseline> {
    let known = this.#baselines.get(kind);
    if (!known) {
      known = learn();
      this.#baselines.set(kind, known);
      known.then((baseline) => this.#learnLimits(kind, baseline), () => {
        this.#baselines.delete(kind);
      });
    }
    return known;
  }

  /** The same where it is known already. */
  known(kind: string): Baseline | undefined {
    return this.#known.get(kind);
  }

  #learnLimits(kind: string, baseline: Baseline): void {
    const { literals } = baseline;
    this.#known.set(kind, baseline);
    this.#waitTimeouts.set(kind, milliseconds(literals.get(WAIT_TIMEOUT)));
    const allowed = Number(literals.get("max_user_connections"));
    if (allowed > 0) this.allowed = allowed;
  }

  /** After how long without a word the server closes a connection, in milliseconds. */
  waitTimeoutMs(kind: string, variables: ReadonlyMap<string, string>): number {
    const own = variables.get(WAIT_TIMEOUT);
    return own === undefined ? this.#waitTimeouts.get(kind) ?? Infinity : milliseconds(own);
  }
}

const WAIT_TIMEOUT = "wait_timeout";

function milliseconds(literal: string | undefined): number {
  const seconds = Number(literal);
  return seconds > 0 ? seconds * 1000 : Infinity;
}
