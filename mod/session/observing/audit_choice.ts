// Which statements the audit log has, where rules say so (`audit` of a `[[rule]]`). There is none of it
// where no rule does, and then nothing is looked at.

import type { Config } from "../../config/mod.ts";
import type { LoggedSession, LoggedStatement } from "../../observe/mod.ts";
import { Rules, type RuleSet } from "../../route/mod.ts";

/** What a rule says: log it whatever else is said, or do not; `default`: none says anything. */
export type AuditWish = "default" | "always" | "never";

/** The rules that say something about the audit log, for one configuration. */
export class AuditChoice {
  readonly #rules: Rules;
  /** What all texts have where no rule is about texts. */
  readonly #anyText: RuleSet | undefined;
  readonly #sessions = new WeakMap<LoggedSession, { readonly db: string; readonly set: RuleSet }>();

  private constructor(rules: Rules) {
    this.#rules = rules;
    this.#anyText = rules.readTexts ? undefined : rules.ofText(new Uint8Array(0), 0, 0);
  }

  /** Undefined where no rule says anything, or nothing is logged. */
  static from({ rules, audit }: Config): AuditChoice | undefined {
    const isSaid = audit.filePath !== "" && rules.some(({ audit }) => audit !== "default");
    return isSaid ? new AuditChoice(new Rules(rules, "audit")) : undefined;
  }

  /** What the first rule that fits says. Costs a look at the text where a rule is about texts. */
  of({ bytes, start, end, db }: LoggedStatement, who: LoggedSession, address: string): AuditWish {
    const rules = this.#rules;
    let known = this.#sessions.get(who);
    if (known?.db !== db) {
      known = { db, set: rules.ofSession({ user: who.user, schema: db, client: address }) };
      this.#sessions.set(who, known);
    }
    const at = rules.first(this.#anyText ?? rules.ofText(bytes, start, end), known.set);
    return at < 0 ? "default" : rules.rules[at].audit;
  }
}
