// Which keys take effect while the proxy runs, and what a new configuration changes.

import type { Config } from "./config.ts";
import { allKeys, camelCase, fieldName, type KeyDescription } from "./keys.ts";
import { properties } from "./properties.ts";

/** Where the proxy listens takes a restart, or `serve --takeover`. All else takes effect while it runs. */
const LISTENERS: ReadonlySet<string> = new Set([
  "listen",
  "admin.listen",
  "admin.socket",
  "http.listen",
]);

/** Whether a key takes effect while the proxy runs. */
export function isLive({ path }: Pick<KeyDescription, "path">): boolean {
  return !LISTENERS.has(path);
}

/** A key, or a table of a repeated section, that a new configuration changes. */
export interface ConfigChange {
  /** The key, or the name of the section. */
  readonly key: string;
  /** Null: it was not there. Passwords are hidden. */
  readonly before: string | null;
  /** Null: it will not be there. */
  readonly after: string | null;
  /** Who says so: `default`, `file`, `overlay`, a flag or a variable. */
  readonly source: string;
  readonly live: boolean;
}

/** What is different in a new configuration. */
export function configChanges(
  before: Config,
  after: Config,
  sources: ReadonlyMap<string, string> = new Map(),
): readonly ConfigChange[] {
  const changes: Change[] = [];
  const repeated = new Set(allKeys().flatMap((key) => key.repeated ? [key.section] : []));
  const values = new Map(properties(after).filter(([name]) => !repeated.has(name)));
  for (const key of allKeys()) {
    if (key.repeated || isSame(valueOf(before, key), valueOf(after, key))) continue;
    const old = new Map(properties(before)).get(key.path) ?? "";
    const change = { before: old, after: values.get(key.path) ?? "" };
    changes.push({ key: key.path, ...change, live: isLive(key) });
  }
  for (const section of repeated) changes.push(...changesOfTables(section, before, after));
  return changes.map((change) => ({ ...change, source: sources.get(change.key) ?? "default" }));
}

type Change = Omit<ConfigChange, "source">;

function changesOfTables(section: string, before: Config, after: Config): Change[] {
  if (isSame(tablesOf(before, section), tablesOf(after, section))) return [];
  const live = isLive({ path: section });
  const rows = (config: Config) =>
    properties(config).filter(([name]) => name === section).map(([, value]) => value);
  const [old, now] = [rows(before), rows(after)];
  const gone = old.filter((row) => !now.includes(row));
  const come = now.filter((row) => !old.includes(row));
  const all: Change[] = [
    ...gone.map((row) => ({ key: section, before: row, after: null, live })),
    ...come.map((row) => ({ key: section, before: null, after: row, live })),
  ];
  // A secret or the order alone: nothing of it can be shown.
  return all.length > 0 ? all : [{ key: section, before: "…", after: "changed", live }];
}

/** The new configuration, with what needs a restart as it was. */
export function liveConfig(before: Config, after: Config): Config {
  const merged: Record<string, unknown> = { ...after };
  for (const key of allKeys().filter((each) => !isLive(each))) {
    const field = fieldName(key);
    const value = valueOf(before, key);
    if (key.section === "") merged[field] = value;
    else {
      const section = camelCase(key.section);
      const { [field]: _after, ...others } = merged[section] as Record<string, unknown>;
      merged[section] = value === undefined ? others : { ...others, [field]: value };
    }
  }
  return merged as unknown as Config;
}

function tablesOf(config: Config, section: string): unknown {
  return (config as unknown as Record<string, unknown>)[`${camelCase(section)}s`];
}

function valueOf(config: Config, key: KeyDescription): unknown {
  const fields = config as unknown as Record<string, unknown>;
  if (key.section === "") return fields[fieldName(key)];
  return (fields[camelCase(key.section)] as Record<string, unknown> | undefined)?.[fieldName(key)];
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
