// EXPLAIN ROUTE: a decision as rows that people read.

import { barInWords, barNames, type Hint } from "../sql/mod.ts";
import { RouteAction, type RouteDecision } from "./decision.ts";
import { REASON_NAMES, reasonInWords, RouteReason } from "./reason.ts";
import type { Rules } from "./rules.ts";

/** A property and its value. */
export type ExplainRow = readonly [property: string, value: string];

/** What EXPLAIN ROUTE says besides the decision itself. */
export interface ExplainContext {
  readonly rules: Rules;
  readonly hint: Hint | undefined;
  /** The statement's facts were in the cache; null: it was not asked. */
  readonly isCached: boolean | null;
  /** Why the session is held on its connection; empty: it is not. */
  readonly pinnedBy: string;
}

const ACTIONS: readonly string[] = [
  "none",
  "wait for a position",
  "ask this server for its position",
];

/** The rows of EXPLAIN ROUTE. */
export function explainRoute(
  decision: RouteDecision,
  { rules, hint, isCached, pinnedBy }: ExplainContext,
): readonly ExplainRow[] {
  const { server, bars, rule, consistency, action, timeoutMs } = decision;
  const waits = action === RouteAction.NONE ? "" : `, at most ${timeoutMs} ms`;
  return [
    ["target", server === undefined || server.isPrimary ? "primary" : "replica"],
    ["server", server?.name ?? "none takes writes now"],
    ["reason", explainReason(decision)],
    ["reason code", REASON_NAMES[decision.reason]],
    ["replica read", bars === 0 ? "yes" : `no: ${barNames(bars).join(", ").toLowerCase()}`],
    ["rule", rule < 0 ? "" : rules.nameOf(rule)],
    ["hint", hint === undefined ? "" : formatHint(hint)],
    ["consistency", consistency],
    ["action", `${ACTIONS[action]}${waits}`],
    ["pinned by", pinnedBy],
    ["cached", isCached === null ? "" : isCached ? "yes" : "no"],
  ];
}

/** Why a statement goes where it goes, in words. */
export function explainReason({ reason, bars, rule }: RouteDecision): string {
  if (reason === RouteReason.BARRED) return barInWords(bars);
  if (reason === RouteReason.UNSAFE_WISH) return `${reasonInWords(reason)}: ${barInWords(bars)}`;
  return reason === RouteReason.RULE && rule < 0 ? "" : reasonInWords(reason);
}

function formatHint({ target, server, consistency, timeoutMs, unknown }: Hint): string {
  const parts = [
    ["target", target],
    ["server", server],
    ["consistency", consistency],
    ["timeout", timeoutMs === undefined ? undefined : `${timeoutMs} ms`],
    ["not understood", unknown],
  ] as const;
  return parts.filter(([, value]) => value !== undefined).map((part) => part.join(" ")).join(", ");
}
