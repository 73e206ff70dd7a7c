// What a worker's sessions have used since it told last: told each second, added up, and kept when the
// worker is gone.

import type { Config } from "../config/mod.ts";
import { type RuleHitsDelta, RuleHitTotals } from "../route/mod.ts";
import type { SessionContext } from "../session/mod.ts";

/** What one worker tells. */
export interface UsageDelta {
  readonly rules: readonly RuleHitsDelta[];
}

/** Takes what has come since the last time. */
export function takeUsage({ routing }: SessionContext): UsageDelta {
  return { rules: routing?.ruleHits.take() ?? [] };
}

/** Whether there is nothing to tell. */
export function isUnused({ rules }: UsageDelta): boolean {
  return rules.length === 0;
}

/** The sums since the start. */
export class UsageTotals {
  readonly rules: RuleHitTotals = new RuleHitTotals();

  /** @param config The one in force. */
  add({ rules }: UsageDelta, config: Config): void {
    this.rules.add(rules);
    this.rules.forgetOthers(config.rules);
  }
}
