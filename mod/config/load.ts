// From file, environment and flags to one checked configuration, or to all that is wrong with it.

import * as v from "valibot";
import type { Config } from "./config.ts";
import type { ConfigError } from "./errors.ts";
import type { KeyDescription } from "./keys.ts";
import { describeConfig } from "./keys.ts";
import { makeConfig } from "./make.ts";
import { overlaid, overlayPath, readOverlay } from "./overlay.ts";
import type { KeyPath } from "./places.ts";
import { fileSchema } from "./schema.ts";
import type { Table, TomlFile } from "./toml.ts";
import { emptyFile, parseTomlFile, readTomlFile } from "./toml.ts";
import { findUnknownKeys } from "./unknown_keys.ts";

/** Where a configuration comes from: flags win over the environment, and that over the file. */
export interface ConfigSources {
  /** Path of a TOML file; without one MYSQLPROXY_CONFIG of `env` may name it. */
  readonly file?: string | undefined;
  /** The text of `file`, when it need not be read from disk. */
  readonly text?: string | undefined;
  /**
   * What that text is called in errors.
   *
   * @default `file`
   */
  readonly textName?: string | undefined;
  /** The text of the overlay that the file names, when it need not be read from disk. */
  readonly overlay?: string | undefined;
  /** Environment variables; empty ones count as not set. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What flags say, by the path of their key such as `limits.clients_max`. */
  readonly flags?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * Revision of the resulting value.
   *
   * @default {1}
   */
  readonly revision?: number;
}

/** A configuration, or at least one error. */
export type LoadedConfig =
  | {
    readonly config: Config;
    /** Who gave each key that is not at its default: a flag, a variable or `file`. */
    readonly sources: ReadonlyMap<string, string>;
    /** The text of the file; empty without one. */
    readonly text: string;
    /** That of the overlay; undefined: there is none. */
    readonly overlay: string | undefined;
    /** Where a key stands, or which flag or variable has given it: the part of an error that says so. */
    readonly placeOf: (path: KeyPath) => Pick<ConfigError, "file" | "line" | "column" | "source">;
    readonly errors?: undefined;
  }
  | { readonly config?: undefined; readonly errors: readonly ConfigError[] };

let defaults: Config | undefined;

/** What every key has when nothing else is said. Complete but for `backends`, which is empty. */
export function defaultConfig(): Config {
  // Made when it is asked for: the start of the proxy does without.
  return defaults ??= makeConfig(
    v.parse(fileSchema, { ...layered(emptyFile, {}).values, backends: ["127.0.0.1"] }),
    0,
    { backends: [] },
  );
}

/** Reads and checks a configuration. All errors are reported, in the order of the file's lines. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const base = readSource(sources);
  if ("message" in base) return { errors: [base] };
  const over = overlayOf(base, sources);
  if (over !== undefined && "message" in over) return { errors: [over] };
  const file = over === undefined ? base : overlaid(base, over);
  const { values, origins } = layered(file, sources);
  const errors = [...findUnknownKeys(base), ...(over ? findUnknownKeys(over) : [])];
  const result = v.safeParse(fileSchema, values);
  const placeOf = (path: KeyPath) => {
    const source = origins.get(path.slice(0, 2).join(".")) ?? origins.get(String(path[0]));
    return source === undefined ? file.placeOf(path) : { source };
  };
  for (const issue of result.issues ?? []) {
    const path = (issue.path ?? []).map((item) => item.key as string | number);
    errors.push({ ...placeOf(path), key: writePath(path), message: issue.message });
  }
  if (result.success && errors.length === 0) {
    const config = makeConfig(result.output, sources.revision ?? 1);
    const given = new Map([...sourcesOf(base, "file"), ...sourcesOf(over, "overlay"), ...origins]);
    return { config, sources: given, text: base.text, overlay: over?.text, placeOf };
  }
  const line = (error: ConfigError) => error.line ?? Number.MAX_SAFE_INTEGER;
  return { errors: errors.sort((a, b) => line(a) - line(b)) };
}

/** By the path of the key; a repeated section counts as one. */
function sourcesOf({ table }: TomlFile = emptyFile, source: string): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const [name, value] of Object.entries(table)) {
    const isSection = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isSection) sources.set(name, source);
    else for (const key of Object.keys(value)) sources.set(`${name}.${key}`, source);
  }
  return sources;
}

/** The overlay that a file, a variable or a flag names. */
function overlayOf(base: TomlFile, sources: ConfigSources): TomlFile | ConfigError | undefined {
  const { values } = layered(base, sources);
  const { overlay, write_back: writeBack } = (values["config"] ?? {}) as Table;
  const path = overlayPath(fileOf(sources), { overlay, writeBack });
  if (path === undefined) return undefined;
  const over = readOverlay(path, sources.overlay);
  if ("message" in over || over.table["config"] === undefined) return over;
  return {
    ...over.placeOf(["config"]),
    key: "config",
    message: "stands in the file that names the overlay, not in the overlay",
  };
}

/** What a text without a name is called in errors. */
export const UNNAMED_TEXT = "configuration";

function fileOf({ file, env }: ConfigSources): string | undefined {
  return file ?? (env?.["MYSQLPROXY_CONFIG"] || undefined);
}

function readSource(sources: ConfigSources): TomlFile | ConfigError {
  const { text, textName } = sources;
  const path = fileOf(sources);
  if (text !== undefined) return parseTomlFile(text, textName ?? path ?? UNNAMED_TEXT);
  return path === undefined ? emptyFile : readTomlFile(path);
}

/** The values of all sources put over each other, still unchecked. */
interface Layered {
  readonly values: Table;
  /** The flag or variable that gave a key's value, by the path of the key. */
  readonly origins: ReadonlyMap<string, string>;
}

function layered(file: TomlFile, { env = {}, flags = {} }: ConfigSources): Layered {
  const values: Record<string, unknown> = { ...file.table };
  const origins = new Map<string, string>();
  for (const { name, repeated, keys } of describeConfig()) {
    if (repeated) continue;
    const inTable = name === "" ? values : tableOf(values, name);
    for (const key of keys) {
      const variable = key.variables.find((it) => env[it]);
      const flag = flags[key.path];
      const given = flag ?? (variable === undefined ? undefined : env[variable]);
      if (given === undefined || inTable === undefined) continue;
      inTable[key.key] = readGiven(given, key);
      origins.set(key.path, flag === undefined ? variable! : longFlag(key));
    }
  }
  return { values, origins };
}

/** A copy of a table to put values in; undefined if the file has something else in its place. */
function tableOf(
  values: Record<string, unknown>,
  name: string,
): Record<string, unknown> | undefined {
  const found = values[name] ?? {};
  if (typeof found !== "object" || Array.isArray(found)) return undefined;
  const copy = { ...found } as Record<string, unknown>;
  values[name] = copy;
  return copy;
}

const LISTS: ReadonlySet<KeyDescription["kind"]> = new Set([
  "choices",
  "addresses",
  "networks",
  "texts",
]);

/** Text as the schema wants it; text that does not fit is left for the schema to complain of. */
export function readGiven(given: string | readonly string[], { kind }: KeyDescription): unknown {
  if (LISTS.has(kind)) {
    const parts = typeof given === "string" ? [given] : given;
    return parts.flatMap((part) => part.split(",")).map((it) => it.trim()).filter((it) =>
      it !== ""
    );
  }
  if (typeof given !== "string") return given.at(-1);
  if (kind === "integer" && /^-?\d{1,15}$/.test(given)) return Number(given);
  if (kind === "boolean" && (given === "true" || given === "false")) return given === "true";
  return given;
}

function longFlag(key: KeyDescription): string {
  return key.flag?.names.split(", ").at(-1) ?? key.path;
}

/** `["rule", 0, "name"]` is `rule[1].name`: as the table `rules` counts them. */
function writePath(path: KeyPath): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part + 1}]` : text ? `${text}.${part}` : part,
    "",
  );
}
