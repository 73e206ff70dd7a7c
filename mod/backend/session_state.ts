// What a session has set, as a value: its schema and the system variables that differ from a fresh
// session's. Sessions that have set the same share one value, so that comparing is mostly ===.

import { compact } from "./small_map.ts";

/** A schema and variables. Made by `StateTable` only. */
export interface SessionState {
  /** The default schema; empty: none. */
  readonly schema: string;
  /** SQL literals by variable, in the order in which they are to be set. */
  readonly variables: ReadonlyMap<string, string>;
  /** Equal for equal states, and hardly for others. */
  readonly hash: number;
  /** No other state has it; an equal one may have another. */
  readonly id: number;
}

/** States kept to be shared; when there are more, sharing starts anew. */
const STATES_MAX = 10_000;

/** Makes states, each once. */
export class StateTable {
  readonly #states = new Map<number, SessionState>();
  #lastId = 0;

  /** The state with this schema and these variables. */
  of(schema: string, variables: ReadonlyMap<string, string>): SessionState {
    const names = [...variables.keys()].sort();
    const hash = hashOf(schema, names, variables);
    const known = this.#states.get(hash);
    if (known && known.schema === schema && isSame(known.variables, variables)) return known;
    if (this.#states.size >= STATES_MAX) this.#states.clear();
    const sorted = compact(new Map(names.map((name) => [name, variables.get(name)!])));
    const state = { schema, variables: sorted, hash, id: ++this.#lastId };
    this.#states.set(hash, state);
    return state;
  }

  /** The same with other values of some variables; a value of undefined takes one away. */
  with(state: SessionState, changes: Iterable<readonly [string, string | undefined]>) {
    const variables = new Map(state.variables);
    for (const [name, literal] of changes) {
      if (literal === undefined) variables.delete(name);
      else variables.set(name, literal);
    }
    return this.of(state.schema, variables);
  }

  /** The same with another schema. */
  withSchema(state: SessionState, schema: string): SessionState {
    return schema === state.schema ? state : this.of(schema, state.variables);
  }
}

/** Both say the same. */
export function isSameState(a: SessionState, b: SessionState): boolean {
  if (a === b) return true;
  return a.hash === b.hash && a.schema === b.schema && isSame(a.variables, b.variables);
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, literal] of a) if (b.get(name) !== literal) return false;
  return true;
}

/** Keeps the text of thousands of states out of memory: 53 bits stand for it. */
function hashOf(
  schema: string,
  names: readonly string[],
  variables: ReadonlyMap<string, string>,
): number {
  const text = `${schema}\n${names.map((name) => `${name}=${variables.get(name)}`).join("\n")}`;
  return Number(BigInt(Bun.hash(text)) & 0x1f_ffff_ffff_ffffn);
}

/** A variable whose value the server has not been asked for yet. */
export const UNKNOWN = "?";

/** What SET ROLE has chosen, under the name of no variable. */
export const ROLE = "=role";

/** Variables that each change of the schema sets; only the second can be set without the first. */
export const SCHEMA_VARIABLES: readonly string[] = ["character_set_database", "collation_database"];

/**
 * The collation that results are said to have, which is not always the default one of
 * character_set_results: a login and SET NAMES x COLLATE y bring their own.
 */
export const RESULTS_COLLATION = "=results";

/** What a fresh session has, and what collations are the default ones of their charsets. */
interface Defaults {
  readonly literals: ReadonlyMap<string, string>;
  readonly defaultCollations: ReadonlySet<string>;
}

/**
 * The assignments that lead from one state's variables to another's, as they stand behind SET;
 * empty where there are none.
 *
 * @param defaults For variables that only `from` has set.
 */
export function assignments(
  from: SessionState,
  to: SessionState,
  defaults: Defaults,
): string[] {
  if (from.variables === to.variables) return [];
  const names = new Set([...from.variables.keys(), ...to.variables.keys()]);
  const found: string[] = [];
  let setsJoinSize = false;
  const byNames = resultsByNames(from, to, defaults);
  if (byNames !== undefined) found.push(byNames);
  for (const name of [...names].sort()) {
    if (name.startsWith("=") || name === "character_set_database") continue;
    if (name === "collation_database" && to.schema !== "" && !to.variables.has(name)) continue;
    const literal = to.variables.get(name) ?? defaults.literals.get(name) ?? "DEFAULT";
    let isSet = from.variables.get(name) === literal;
    if (name === "sql_big_selects") isSet &&= !setsJoinSize; // max_join_size sets it along
    if (WITH_COLLATION.has(name)) {
      isSet = isSet &&
        from.variables.get(RESULTS_COLLATION) === to.variables.get(RESULTS_COLLATION);
    }
    if (byNames !== undefined && CHANGED_BY_NAMES.has(name)) {
      isSet = literal === to.variables.get(CHANGED_BY_NAMES.get(name)!);
    }
    if (isSet) continue;
    found.push(`@@SESSION.${name}=${literal}`);
    setsJoinSize ||= name === "max_join_size";
  }
  return found;
}

/** The schema has to be chosen, if only for what follows from it. */
export function isOtherSchema(from: SessionState, to: SessionState): boolean {
  if (from.schema !== to.schema) return true;
  return to.schema !== "" &&
    SCHEMA_VARIABLES.some((name) => from.variables.get(name) !== to.variables.get(name));
}

/**
 * What is known behind COM_RESET_CONNECTION, of what it leaves as it was: MariaDB keeps the schema and
 * forgets what follows from it.
 */
export function schemaAfterReset(schema: string): readonly (readonly [string, string])[] {
  return schema === "" ? [] : SCHEMA_VARIABLES.map((name) => [name, UNKNOWN] as const);
}

/** What SET NAMES x COLLATE y sets, and where the values it gives them stand. */
const CHANGED_BY_NAMES = new Map([
  ["character_set_client", "character_set_results"],
  ["character_set_results", "character_set_results"],
  ["collation_connection", RESULTS_COLLATION],
]);

/**
 * Charsets that have a collation nobody is shown, on MariaDB: that of the client is the one of a
 * parameter's text. Set alone they get the default one.
 */
const WITH_COLLATION = new Set(["character_set_client", "character_set_results"]);

/** Only SET NAMES gives results a collation that is not their charset's default. */
function resultsByNames(
  from: SessionState,
  to: SessionState,
  { defaultCollations }: Defaults,
): string | undefined {
  const charset = to.variables.get("character_set_results");
  const collation = to.variables.get(RESULTS_COLLATION);
  if (charset === undefined || charset === "NULL" || !collation || collation === UNKNOWN) return;
  const same = from.variables.get("character_set_results") === charset &&
    from.variables.get(RESULTS_COLLATION) === collation;
  if (same || defaultCollations.has(collation.slice(1, -1))) return;
  return `NAMES ${charset} COLLATE ${collation}`;
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;
const PLAIN = /^[ -&(-[\]-~]*$/;

/** A value that the server has told as text, as a literal that sets it. */
export function literalOf(name: string, value: string): string {
  if (name === "character_set_results" && value === "") return "NULL";
  return NUMBER.test(value) ? value : stringLiteral(value);
}

/** The literals of a switch that is off. */
export const OFF: ReadonlySet<string> = new Set(["'OFF'", "0"]);

/** A string in SQL, right in every sql_mode and character set. */
export function stringLiteral(value: string): string {
  if (PLAIN.test(value)) return `'${value}'`;
  return `_utf8mb4 X'${Buffer.from(value).toString("hex")}'`;
}
