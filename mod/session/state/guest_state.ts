// A session's state on a server whose fresh sessions begin with other settings than those of the
// session's own: what it has never set is set there to what it has at home.

import type { Baseline, SessionState, StateTable } from "../../backend/mod.ts";

/** Settings that change what a statement that only reads gives, or whether it does. */
const READ_SETTINGS: readonly string[] = [
  "big_tables",
  "collation_server",
  "character_set_server",
  "character_set_filesystem",
  "default_collation_for_utf8mb4",
  "default_week_format",
  "div_precision_increment",
  "eq_range_index_dive_limit",
  "explain_format",
  "explicit_defaults_for_timestamp",
  "group_concat_max_len",
  "lc_messages",
  "lc_time_names",
  "max_error_count",
  "max_execution_time",
  "max_join_size",
  "max_recursive_iterations",
  "max_sort_length",
  "max_statement_time",
  "cte_max_recursion_depth",
  "net_read_timeout",
  "net_write_timeout",
  "ngram_token_size",
  "old_mode",
  "show_create_table_verbosity",
  "show_gipk_in_create_table_and_information_schema",
  "sql_auto_is_null",
  "sql_big_selects",
  "sql_mode",
  "sql_quote_show_create",
  "sql_safe_updates",
  "sql_select_limit",
  "system_versioning_asof",
  "time_zone",
  "transaction_isolation",
  "tx_isolation",
  "updatable_views_with_limit",
  "windowing_use_high_precision",
];

type Setting = readonly [name: string, literal: string];

/** States by the baselines of home and host. */
const known = new WeakMap<Baseline, WeakMap<Baseline, GuestStates>>();

/** The state of a session on another server. Hot path: found at once where it was made before. */
export function guestState(
  state: SessionState,
  { home, host, states }: {
    readonly home: Baseline;
    readonly host: Baseline;
    readonly states: StateTable;
  },
): SessionState {
  let ofHome = known.get(home);
  if (ofHome === undefined) known.set(home, ofHome = new WeakMap());
  let found = ofHome.get(host);
  if (found === undefined) ofHome.set(host, found = new GuestStates(home, host));
  return found.of(state, states);
}

class GuestStates {
  readonly #differences: readonly Setting[];
  readonly #made = new WeakMap<SessionState, SessionState>();

  constructor(home: Baseline, host: Baseline) {
    this.#differences = READ_SETTINGS.flatMap((name): Setting[] => {
      const literal = home.literals.get(name);
      const isOther = literal !== undefined && literal !== host.literals.get(name);
      return isOther ? [[name, literal]] : [];
    });
  }

  of(state: SessionState, states: StateTable): SessionState {
    if (this.#differences.length === 0) return state;
    const made = this.#made.get(state);
    if (made !== undefined) return made;
    const missing = this.#differences.filter(([name]) => !state.variables.has(name));
    const found = missing.length === 0 ? state : states.with(state, missing);
    this.#made.set(state, found);
    return found;
  }
}
