// CONFIG DIFF and CONFIG APPLY of a text, CONFIG RELOAD of the file, CONFIG ROLLBACK; and what SHOW
// PROPERTIES shows.

import { allKeys, type ConfigChange, isLive, properties, UNNAMED_TEXT } from "../config/mod.ts";
import type { ConfigOutcome, LiveConfig, Running } from "../proxy/mod.ts";
import type { SqlError, TextResult } from "../wire/mod.ts";

/** A statement about the configuration. */
export type ConfigStatement =
  | { readonly kind: "diff" | "apply"; readonly text: string }
  | { readonly kind: "reload" }
  | { readonly kind: "rollback"; readonly number: number | undefined };

const WITH_TEXT = /^config\s+(diff|apply)\s+'((?:[^'\\]|\\.|'')*)'$/is;
const ROLLBACK = /^config\s+rollback(?:\s+(?:to\s+)?(\d+))?$/i;

/** Undefined where a statement is about something else. */
export function parseConfigStatement(statement: string): ConfigStatement | undefined {
  const [, kind, text] = WITH_TEXT.exec(statement) ?? [];
  if (kind !== undefined) {
    return { kind: kind.toLowerCase() as "diff" | "apply", text: unquoted(text) };
  }
  if (/^config\s+reload$/i.test(statement)) return { kind: "reload" };
  const [rollback, number] = ROLLBACK.exec(statement) ?? [];
  if (rollback === undefined) return undefined;
  return { kind: "rollback", number: number === undefined ? undefined : Number(number) };
}

/** The content of a string as MySQL reads it. */
function unquoted(text: string): string {
  const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", 0: "\0" };
  return text.replace(
    /''|\\(.)/gs,
    (_, escaped: string | undefined) => escaped === undefined ? "'" : escapes[escaped] ?? escaped,
  );
}

/** @param by The account that asks. */
export async function answerConfigStatement(
  statement: ConfigStatement,
  live: LiveConfig | undefined,
  by: string,
): Promise<TextResult | SqlError> {
  if (live === undefined) return refused(["this proxy was started inside of another program"]);
  switch (statement.kind) {
    case "diff": {
      const changes = live.diff(named(statement));
      return isComplaint(changes) ? refused(changes) : changeRows(changes);
    }
    case "apply":
      return outcome(await live.apply(named(statement), by));
    case "reload":
      return outcome(await live.apply({}, by));
    case "rollback":
      return outcome(await live.rollback(statement.number));
  }
}

/** The proxy does not know which file a text is from; it is not its own. Who sends it does. */
function named({ text }: { readonly text: string }) {
  return { text, textName: UNNAMED_TEXT };
}

function isComplaint(
  found: readonly ConfigChange[] | readonly string[],
): found is readonly string[] {
  return typeof found[0] === "string";
}

function outcome(outcome: ConfigOutcome): TextResult | SqlError {
  return outcome.kind === "refused" ? refused(outcome.reasons) : changeRows(outcome.changes);
}

function changeRows(changes: readonly ConfigChange[]): TextResult {
  return {
    columns: ["key", "before", "after", "takes_effect", "source"],
    rows: changes.map(({ key, before, after, live, source }) => [
      key,
      before,
      after,
      live ? "at once" : "with a restart",
      source,
    ]),
  };
}

function refused(reasons: readonly string[]): SqlError {
  return { code: 1105, sqlState: "HY000", message: reasons.join("\n") };
}

/** A key with all that is to be said of its value. */
export interface Property {
  readonly name: string;
  readonly value: string;
  readonly defaultValue: string | null;
  /** `default`, `file`, `overlay`, a flag or a variable; null: nothing of the configuration. */
  readonly source: string | null;
  /** Whether a new value takes effect at once. */
  readonly live: boolean | null;
}

/** The configuration in force. */
export function propertyRows({ config, live }: Running): readonly Property[] {
  const keys = new Map(allKeys().map((key) => [key.path, key]));
  const sources = live?.current.sources;
  return properties(config).map(([name, value]) => {
    const key = keys.get(name);
    return {
      name,
      value,
      defaultValue: key === undefined ? null : inWords(key.defaultText),
      source: sources === undefined ? null : sources.get(name) ?? "default",
      live: isLive({ path: name }),
    };
  });
}

/** A default as values are shown: `["a","b"]` is `a, b`. */
function inWords(json: string): string {
  return json.replaceAll(/["[\]]/g, "").replaceAll(/,\s*/g, ", ");
}
