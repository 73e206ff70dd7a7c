// The facts of statements that routing goes by, kept by their bytes: made anew with each configuration
// and whenever something new is known of stored functions and views.

import type { Route } from "../config/mod.ts";
import { FactsCache, type HintForms, type KnownRoutines } from "../sql/mod.ts";
import type { Rules, RuleSet } from "./rules.ts";

/** The facts of a worker's statements, each with the rules whose statement it is. */
export type RouteFacts = FactsCache<RuleSet>;

/** @param known Undefined: nothing is known of stored functions, and all of them are bars. */
export function makeRouteFacts(
  route: Route,
  rules: Rules,
  known: KnownRoutines | undefined,
): RouteFacts {
  return new FactsCache<RuleSet>({
    bytesMax: route.cacheMaxBytes,
    known,
    hints: hintForms(route),
    // Without rules there is nothing to note.
    ...(rules.rules.length > 0 && {
      annotate: (bytes: Uint8Array, start: number, end: number) => rules.ofText(bytes, start, end),
    }),
  });
}

/** The forms of hints that count, by the configuration. */
export function hintForms({ hints, primaryHostgroups }: Route): HintForms {
  return {
    own: hints.includes("own"),
    maxscale: hints.includes("maxscale"),
    ...(hints.includes("hostgroup") && { primaryHostgroups: primaryHostgroups.map(Number) }),
  };
}
