// What fresh sessions have set now, where that is no longer what it was when it was learned: SET
// GLOBAL changes it for sessions to come, not for those that are there.

import { ChannelClosedError } from "../net/mod.ts";
import { runStatement } from "./own_statement.ts";
import type { ServerConnection } from "./server_connection.ts";
import { literalOf } from "./session_state.ts";

/** The variables of sessions that a server has: asked once. */
export class SessionVariables {
  #names: Promise<readonly string[]> | undefined;

  /** Those of some names that have a value for each session. */
  of(connection: ServerConnection, names: readonly string[]): Promise<readonly string[]> {
    this.#names ??= readable(connection, names).catch((error: unknown) => {
      this.#names = undefined;
      throw error;
    });
    return this.#names;
  }
}

/** A variable that is only global cannot be read so. All questions go out at once. */
async function readable(
  connection: ServerConnection,
  names: readonly string[],
): Promise<readonly string[]> {
  const answers = await Promise.all(
    names.map((name) => runStatement(connection, `SELECT @@SESSION.${name}`)),
  );
  // What was not answered is no variable that sessions lack.
  if (connection.closed) throw new ChannelClosedError("server closed during the login");
  return names.filter((_, at) => answers[at].errorCode === 0);
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Compares fresh sessions with the one that was learned from. */
export class SessionDefaults {
  readonly #names: readonly string[];
  readonly #literals: ReadonlyMap<string, string>;
  readonly #query: string;
  /** Sums over the values of fresh sessions, and what differs in them. */
  readonly #seen = new Map<string, ReadonlyMap<string, string>>();
  /** What differs in the fresh session seen last: literals by name. */
  changed: ReadonlyMap<string, string> = NOTHING;

  /**
   * Learns from a fresh session.
   *
   * @param literals Its variables.
   */
  static async learn(connection: ServerConnection, { names, literals }: {
    readonly names: readonly string[];
    readonly literals: ReadonlyMap<string, string>;
  }): Promise<SessionDefaults> {
    const defaults = new SessionDefaults(names, literals);
    const { value } = await runStatement(connection, defaults.#query);
    if (value !== undefined) defaults.#seen.set(value, NOTHING);
    await runStatement(connection, CLEAR);
    return defaults;
  }

  private constructor(names: readonly string[], literals: ReadonlyMap<string, string>) {
    this.#names = names;
    this.#literals = literals;
    const values = names.map((name) => `CAST(@@SESSION.${name} AS BINARY)`);
    this.#query = `SELECT SHA2(CONCAT_WS(',',${values.join(",")}),224)`;
  }

  /** What differs in a fresh session: one short statement unless it was never seen so before. */
  async read(connection: ServerConnection): Promise<ReadonlyMap<string, string>> {
    const { value } = await runStatement(connection, this.#query);
    if (connection.closed) return this.changed;
    let changed = value === undefined ? undefined : this.#seen.get(value);
    if (changed === undefined) {
      changed = await this.#differences(connection);
      if (this.#seen.size >= SEEN_MAX) this.#seen.clear();
      if (value !== undefined) this.#seen.set(value, changed);
    }
    return this.changed = changed;
  }

  /** Only of variables that the account may set: others cannot be given back to anybody. */
  async #differences(connection: ServerConnection): Promise<ReadonlyMap<string, string>> {
    const { rows } = await runStatement(connection, "SHOW SESSION VARIABLES");
    const names = new Set(this.#names);
    const found: (readonly [string, string])[] = [];
    for (const [shown, value] of rows) {
      const name = shown?.toLowerCase() ?? "";
      if (!names.has(name)) continue;
      const literal = literalOf(name, value ?? "");
      if (literal !== this.#literals.get(name)) found.push([name, literal]);
    }
    const answers = await Promise.all(
      found.map(([name, literal]) => runStatement(connection, `SET @@SESSION.${name}=${literal}`)),
    );
    await runStatement(connection, CLEAR);
    return new Map(found.filter((_, at) => answers[at].errorCode === 0));
  }
}

/** Leaves neither rows nor errors behind: MariaDB forgets these when a statement uses a table. */
const CLEAR = "SELECT 1 FROM (SELECT 1) t LIMIT 0";

/** Sums remembered; when there are more, they start anew. */
const SEEN_MAX = 100;
