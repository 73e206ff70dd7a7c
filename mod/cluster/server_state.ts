// The state of a server: one union, and the one function that changes it.
// docs/cluster.md has the picture.

import type { Failure } from "./failure.ts";
import type { Condition } from "./reading.ts";

/**
 * `up`: all is well; `suspect`: the last look failed, or said nothing; `down`: several looks failed,
 * or it says itself that it takes no part; `draining`: it gets no new work, since somebody wants it
 * so; `recovering`: it is back, and gets its work little by little; `lagging`: its data is too old;
 * `wrong-cluster`: it belongs to other servers.
 */
export type ServerState =
  | "up"
  | "suspect"
  | "down"
  | "draining"
  | "recovering"
  | "lagging"
  | "wrong-cluster";

/** A state, why, since when. Replaced, never changed. */
export interface Standing {
  readonly state: ServerState;
  /** One line; stays the same as long as the state's cause does. */
  readonly reason: string;
  /** On the monitor's clock. */
  readonly sinceMs: number;
  /** Looks that failed since the last one that did not. */
  readonly failures: number;
  /** When a server that is back gets its full share, on the monitor's clock. */
  readonly warmAtMs?: number;
  /** It was down, and has not caught up since. @default {false} */
  readonly isReturned?: boolean;
}

/** What is new about a server. */
export type Evidence =
  | { readonly kind: "failed"; readonly failure: Failure }
  | {
    readonly kind: "answered";
    readonly condition: Condition;
    /** Undefined: not known, or it is the primary. */
    readonly lagMs?: number | undefined;
    /** Why it belongs to other servers. */
    readonly wrong?: string | undefined;
    /** Somebody has said DRAIN SERVER. */
    readonly ordered?: boolean;
  };

/** Bounds of the state machine; the monitor's configuration. */
export interface StateRules {
  /** Looks without an answer until a suspect server is down. */
  readonly failuresMax: number;
  /** Above this a server lags; at half of it, it no longer does. */
  readonly lagMaxMs: number;
  /** How long a server that is back gets less than its share; 0: not at all. */
  readonly slowStartMs: number;
}

/** Before the first look. */
export function firstStanding(nowMs: number): Standing {
  return { state: "suspect", reason: NOT_ASKED, sinceMs: nowMs, failures: 0 };
}

const NOT_ASKED = "not asked yet";

/** A server that was down has caught up when it is no more than this behind, in milliseconds. */
const CAUGHT_UP_MS = 1000;

/** The state after new evidence. */
export function nextStanding(
  before: Standing,
  evidence: Evidence,
  { rules, nowMs }: { readonly rules: StateRules; readonly nowMs: number },
): Standing {
  const to = (state: ServerState, reason: string, more: Partial<Standing> = {}): Standing => ({
    state,
    reason,
    sinceMs: state === before.state ? before.sinceMs : nowMs,
    failures: 0,
    ...more,
  });
  if (evidence.kind === "failed") return afterFailure(before, evidence.failure, { rules, to });
  const { condition, lagMs, wrong, ordered } = evidence;
  const kept = keptOf(before);
  const { isReturned = false } = kept;
  if (wrong !== undefined) return to("wrong-cluster", wrong);
  if (condition.kind === "out") return to("down", condition.reason);
  if (ordered) return to("draining", "DRAIN SERVER", kept);
  if (condition.kind === "draining") return to("draining", condition.reason, kept);
  if (condition.kind === "recovering") return to("recovering", condition.reason, kept);
  if (condition.kind === "stopped") return to("lagging", condition.reason, kept);
  const half = rules.lagMaxMs / 2;
  const caughtUpMs = Math.min(CAUGHT_UP_MS, half);
  const bound = isReturned ? caughtUpMs : before.state === "lagging" ? half : rules.lagMaxMs;
  if (lagMs !== undefined && lagMs > bound) {
    const boundMs = isReturned ? caughtUpMs : rules.lagMaxMs;
    return to("lagging", `${isReturned ? "back, and " : ""}more than ${boundMs} ms behind`, kept);
  }
  const warmAtMs = warmAt(before, { rules, nowMs });
  if (nowMs < warmAtMs) return to("recovering", "back since a short time", { warmAtMs });
  return to("up", "");
}

/** A server that was down, or was being filled, is cold at first. */
function warmAt(
  before: Standing,
  { rules, nowMs }: { readonly rules: StateRules; readonly nowMs: number },
): number {
  if (before.warmAtMs !== undefined) return before.warmAtMs;
  const isBack = before.state === "down" || before.state === "recovering" || before.isReturned;
  return isBack ? nowMs + rules.slowStartMs : 0;
}

function afterFailure(
  before: Standing,
  { kind, reason }: Failure,
  { rules, to }: {
    readonly rules: StateRules;
    readonly to: (state: ServerState, reason: string, more: Partial<Standing>) => Standing;
  },
): Standing {
  const failures = before.failures + 1;
  // Whoever answers with a refusal lives; what its role is cannot be known.
  if (kind === "denied" || kind === "full" || kind === "error") {
    return to("suspect", reason, { failures, ...keptOf(before) });
  }
  const isDown = before.state === "down" || kind === "refused" || failures >= rules.failuresMax;
  return to(isDown ? "down" : "suspect", reason, { failures, ...keptOf(before) });
}

/** What holds until a server that was down has caught up. */
function keptOf({ state, isReturned = false }: Standing): Pick<Standing, "isReturned"> {
  return state === "down" || isReturned ? { isReturned: true } : {};
}
