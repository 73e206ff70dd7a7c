// EXPLAIN ROUTE for nobody in particular: where a statement of a session would go that has set and
// written nothing yet.

import { explainRoute, type ExplainRow, RouteState } from "../../route/mod.ts";
import type { LexicalMode } from "../../sql/mod.ts";
import type { SessionContext } from "../context.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };

/** Undefined where nothing is routed. Control plane. */
export function explainFreshRoute(
  text: string,
  { routing }: SessionContext,
): readonly ExplainRow[] | undefined {
  if (!routing?.isOn) return undefined;
  const { facts, rules, router, decision } = routing;
  const bytes = Buffer.from(text);
  const hits = facts.hits;
  const found = facts.of(bytes, 0, bytes.length, MODE);
  const isCached = facts.hits > hits;
  const traits = rules.ofSession({ user: "", schema: "", client: "" });
  router.route(found, new RouteState(traits), { nowMs: Date.now() }, decision);
  return explainRoute(decision, { rules, hint: found.hint, isCached, pinnedBy: "" });
}
