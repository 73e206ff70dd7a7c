// The configuration in force, how far its limits are used, and the rules.

import { bar } from "../curve.ts";
import { count, percent } from "../format.ts";
import { latest, type Model, rateOf } from "../model.ts";
import { maxOf, numberOf, type Row, sumOf, textOf } from "../snapshot.ts";
import { above, type List, notMeasured, numberColumn, rateColumn, textColumn } from "./list.ts";

/** Every key with its value. */
export const propertiesList: List = {
  name: "properties",
  title: "Configuration",
  tables: ["properties"],
  sort: { key: undefined, descending: false },
  columns: [
    textColumn("name", { title: "KEY", width: 28, widthMax: 40 }),
    textColumn("value", {
      title: "VALUE",
      width: 20,
      grows: true,
      tone: (row) => isChanged(row) ? "strong" : undefined,
    }),
    textColumn("default_value", { title: "DEFAULT", width: 12, widthMax: 24, drop: 2 }),
    textColumn("source", { title: "FROM", width: 11, widthMax: 20, drop: 1 }),
    textColumn("live", {
      title: "LIVE",
      width: 4,
      drop: 3,
      text: (row) => {
        const live = numberOf(row, "live");
        return live === null ? "–" : live === 1 ? "yes" : "no";
      },
    }),
  ],
  rows: (model) => model.tables.properties ?? [],
  // Accounts, servers and rules have a row each under one name.
  keyOf: (row) => `${textOf(row, "name")} ${textOf(row, "value")}`,
  empty: () => "the configuration is not told",
};

function isChanged(row: Row): boolean {
  return row["default_value"] !== undefined && row["default_value"] !== null &&
    textOf(row, "default_value") !== textOf(row, "value");
}

const FULL_WARN = 0.8;
const FULL_BAD = 1;
const BAR_WIDTH = 20;

/** How much of each limit is used now, and how often it was reached. */
export const limitsList: List = {
  name: "limits",
  title: "Limits",
  tables: ["properties", "counters"],
  sort: { key: undefined, descending: false },
  columns: [
    textColumn("name", { title: "LIMIT", width: 26, widthMax: 32 }),
    numberColumn("used", { title: "USED", width: 6 }),
    textColumn("limit", { title: "OF", width: 9, align: "right" }),
    numberColumn("part", { title: "", width: 5, show: percent }),
    textColumn("bar", {
      title: "",
      width: BAR_WIDTH,
      drop: 1,
      text: (row) => {
        const part = numberOf(row, "part");
        return part === null ? "" : bar(part, BAR_WIDTH);
      },
      tone: (row) => above("part", { warn: FULL_WARN, bad: FULL_BAD })(row) ?? "curve",
    }),
    numberColumn("refused", {
      title: "REACHED",
      width: 7,
      tone: above("refused", { warn: 1, bad: Infinity }),
    }),
    rateColumn("refused_s", { title: "/S", width: 5 }),
    textColumn("what", { title: "", width: 10, grows: true, drop: 2, tone: () => "muted" }),
  ],
  rows: limitRows,
  keyOf: (row) => textOf(row, "name"),
  empty: () => "the configuration is not told",
};

/** What uses a limit, and the counter of those that it has refused or ended. */
const LIMITS: readonly {
  readonly key: string;
  readonly used?: (model: Model) => number | null;
  readonly counter?: string;
  readonly what: string;
}[] = [
  {
    key: "limits.clients_max",
    used: (model) => latest(model).clients,
    counter: "clients_refused_full",
    what: "clients connected",
  },
  {
    key: "limits.unauthenticated_max",
    used: (model) => counterOf(model, "clients_unauthenticated"),
    what: "clients that log in",
  },
  {
    key: "limits.clients_per_user_max",
    counter: "clients_refused_per_user",
    what: "clients of one account",
  },
  {
    key: "pool.connections_max",
    used: (model) => maxOf(model.tables.pools ?? [], "running"),
    counter: "pool_waits",
    what: "connections of the fullest pool",
  },
  {
    key: "pool.wait_timeout",
    counter: "pool_waits_timed_out",
    what: "waits for a connection that were given up",
  },
  { key: "limits.login_timeout", counter: "logins_timed_out", what: "logins that took longer" },
  { key: "limits.idle_timeout", counter: "sessions_timed_out", what: "sessions ended" },
  { key: "limits.packet_max", counter: "commands_too_large", what: "commands that were longer" },
  { key: "auth.failures_max", counter: "clients_refused_blocked", what: "addresses blocked" },
];

function limitRows(model: Model): readonly Row[] {
  const properties = new Map(
    (model.tables.properties ?? []).map((row) => [textOf(row, "name"), textOf(row, "value")]),
  );
  return LIMITS.filter(({ key }) => properties.has(key)).map(({ key, used, counter, what }) => {
    const limit = properties.get(key)!;
    const now = used?.(model) ?? null;
    const max = /^\d+$/.test(limit) ? Number(limit) : null;
    const row = counter === undefined ? undefined : counterRow(model, counter);
    return {
      name: key,
      limit: max === 0 ? "no limit" : max === null ? limit : count(max),
      used: now,
      part: now === null || max === null || max === 0 ? null : now / max,
      refused: numberOf(row, "value"),
      refused_s: row === undefined ? null : rateOf(model, "counters", { row, column: "value" }),
      what,
    };
  });
}

function counterRow(model: Model, name: string): Row | undefined {
  return model.tables.counters?.find((row) => textOf(row, "name") === name);
}

function counterOf(model: Model, name: string): number | null {
  return numberOf(counterRow(model, name), "value");
}

/** The rules, in the order in which they are tried. */
export const rulesList: List = {
  name: "rules",
  title: "Rules",
  tables: ["rules"],
  sort: { key: undefined, descending: false },
  columns: [
    numberColumn("number", { title: "#", width: 3, descends: false }),
    textColumn("name", { title: "NAME", width: 12, widthMax: 24 }),
    numberColumn("hits", { title: "HITS", width: 5 }),
    numberColumn("share", { title: "", width: 5, show: percent, drop: 4 }),
    rateColumn("hits_s", { title: "/S", width: 5 }),
    textColumn("user", { title: "USER", width: 6, widthMax: 16, drop: 2 }),
    textColumn("db", { title: "DB", width: 6, widthMax: 16, drop: 3 }),
    textColumn("target", { title: "TARGET", width: 9, widthMax: 20 }),
    textColumn("statement", { title: "STATEMENT", width: 12, grows: true }),
  ],
  rows(model) {
    const rules = model.tables.rules ?? [];
    const all = sumOf(rules, "hits");
    return rules.map((row) => {
      const hits = numberOf(row, "hits");
      return {
        ...row,
        share: hits === null || !all ? null : hits / all,
        hits_s: rateOf(model, "rules", { row, column: "hits" }),
      };
    });
  },
  keyOf: (row) => textOf(row, "number"),
  empty: (model) =>
    model.tables.rules === undefined ? notMeasured("rules") : "no rules are configured",
};
