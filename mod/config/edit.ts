// Changes to the text of a configuration file. What people have written there stays as it is, comments
// too; after each change the text is parsed, and what it says must be what was meant.

import { parse, stringify } from "smol-toml";
import { isDeepStrictEqual } from "node:util";
import { addToList, takeFromList } from "./edit_list.ts";
import { findPlaces, type KeyPath } from "./places.ts";

/** A value as TOML has it. */
export type TomlValue = string | number | boolean | readonly string[];

/** One change. */
export type ConfigEdit =
  /** A key of a section that is there once, or at the top; undefined: it is to be at its default. */
  | {
    readonly kind: "set";
    /** Empty: the top of the file. */
    readonly section: string;
    readonly key: string;
    readonly value: TomlValue | undefined;
  }
  /** Keys of the first table of a repeated section that fits, or a new one; undefined: no such key. */
  | {
    readonly kind: "put";
    readonly section: string;
    readonly fits: (table: Readonly<Record<string, unknown>>, at: number) => boolean;
    readonly values: Readonly<Record<string, TomlValue | undefined>>;
    /** What a new table has beside these. */
    readonly fresh: Readonly<Record<string, TomlValue>>;
  }
  /** An element of a list of strings at the top: taken in behind the others, or taken out. */
  | {
    readonly kind: "add" | "take";
    readonly key: string;
    readonly fits: (element: string) => boolean;
    /** What is taken in, where none fits. */
    readonly value: string;
  }
  /** The first table of a repeated section that fits, if there is one. */
  | {
    readonly kind: "remove";
    readonly section: string;
    readonly fits: (table: Readonly<Record<string, unknown>>, at: number) => boolean;
  };

type Table = Record<string, unknown>;

/**
 * Applies changes to the text of a configuration file, which must be valid TOML.
 *
 * @throws {Error} If a change cannot be made in the way the file is written.
 */
export function editConfig(text: string, edits: readonly ConfigEdit[]): string {
  return edits.reduce(editOnce, text);
}

function editOnce(text: string, edit: ConfigEdit): string {
  const wanted = parse(text) as Table;
  const edited = editedText(text, wanted, edit);
  if (!isDeepStrictEqual(parsed(edited), parsed(stringify(wanted)))) {
    const what = "section" in edit ? `[${edit.section}]` : edit.key;
    throw new Error(`${what} is not written in a way that can be changed in the file`);
  }
  return edited;
}

function editedText(text: string, wanted: Table, edit: ConfigEdit): string {
  switch (edit.kind) {
    case "set":
      return setIn(text, wanted, edit);
    case "put":
      return put(text, wanted, edit);
    case "remove":
      return remove(text, wanted, edit);
    case "add":
    case "take":
      return editList(text, wanted, edit);
  }
}

function editList(
  text: string,
  wanted: Table,
  { kind, key, fits, value }: Extract<ConfigEdit, { kind: "add" | "take" }>,
): string {
  const list = wanted[key] as string[] | undefined;
  const at = list?.findIndex(fits) ?? -1;
  if (kind === "add") {
    if (at >= 0) return text;
    wanted[key] = [...list ?? [], value];
    return addToList(text, key, { length: list?.length, literal: literal(value) });
  }
  if (at < 0) return text;
  wanted[key] = list!.toSpliced(at, 1);
  return takeFromList(text, key, at);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(JSON.stringify(parse(text)));
  } catch {
    return undefined;
  }
}

function setIn(
  text: string,
  wanted: Table,
  { section, key, value }: Extract<ConfigEdit, { kind: "set" }>,
): string {
  const isTop = section === "";
  const table = isTop ? wanted : wanted[section] as Table | undefined;
  const isThere = table !== undefined && key in table;
  const path = isTop ? [key] : [section, key];
  if (value === undefined) {
    if (!isThere) return text;
    delete table[key];
    return removeLine(text, path);
  }
  if (isTop) wanted[key] = value;
  else wanted[section] = { ...table, [key]: value };
  if (isThere) return replaceValue(text, path, value);
  const line = `${key} = ${literal(value)}\n`;
  if (isTop) return line + text;
  if (table === undefined) return `${withNewline(text)}\n[${section}]\n${line}`;
  return insertAfterHeader(text, [section], line);
}

function put(
  text: string,
  wanted: Table,
  { section, fits, values, fresh }: Extract<ConfigEdit, { kind: "put" }>,
): string {
  const tables = (wanted[section] ?? []) as Table[];
  const at = tables.findIndex(fits);
  const given = Object.entries(values);
  if (at < 0) {
    const known = [...Object.entries(fresh), ...given]
      .filter((pair): pair is [string, TomlValue] => pair[1] !== undefined);
    wanted[section] = [...tables, Object.fromEntries(known)];
    const lines = known.map(([key, value]) => `${key} = ${literal(value)}\n`).join("");
    return `${withNewline(text)}\n[[${section}]]\n${lines}`;
  }
  let result = text;
  const table = tables[at];
  for (const [key, value] of given) {
    if (value === undefined) {
      if (key in table) result = removeLine(result, [section, at, key]);
      delete table[key];
      continue;
    }
    const isThere = key in table;
    if (isThere && table[key] === value) continue;
    table[key] = value;
    result = isThere
      ? replaceValue(result, [section, at, key], value)
      : insertAfterHeader(result, [section, at], `${key} = ${literal(value)}\n`);
  }
  return result;
}

function remove(
  text: string,
  wanted: Table,
  { section, fits }: Extract<ConfigEdit, { kind: "remove" }>,
): string {
  const tables = (wanted[section] ?? []) as Table[];
  const at = tables.findIndex(fits);
  if (at < 0) return text;
  tables.splice(at, 1);
  if (tables.length === 0) delete wanted[section];
  const lines = linesOf(text);
  const start = lineOf(text, [section, at]);
  const length = lines.slice(start + 1).findIndex((line) => /^\s*\[/.test(line));
  let end = length < 0 ? lines.length : start + 1 + length;
  // Blank lines and comments before the next section are about that one.
  if (length >= 0) { while (end > start + 1 && /^\s*(?:#.*)?$/.test(lines[end - 1])) end--; }
  // Comments within stay: somebody has written them.
  const comments = lines.slice(start, end).filter((line) => /^\s*#/.test(line));
  return withNewline([...lines.slice(0, start), ...comments, ...lines.slice(end)].join("\n"));
}

const VALUE =
  /^([^=]*=[ \t]*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\[(?:[^\]"'#]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')*\]|[^\s#,[\]{}"']+)/;

function replaceValue(text: string, path: KeyPath, value: TomlValue): string {
  const start = offsetOf(text, path);
  const [found, before] = VALUE.exec(text.slice(start)) ?? [];
  if (found === undefined) return text;
  return text.slice(0, start) + before + literal(value) + text.slice(start + found.length);
}

function removeLine(text: string, path: KeyPath): string {
  return linesOf(text).toSpliced(lineOf(text, path), 1).join("\n");
}

function insertAfterHeader(text: string, path: KeyPath, line: string): string {
  const lines = linesOf(text);
  return lines.toSpliced(lineOf(text, path) + 1, 0, line.trimEnd()).join("\n");
}

/** Counted from 0. */
function lineOf(text: string, path: KeyPath): number {
  return (findPlaces(text).find(path)?.line ?? 1) - 1;
}

function offsetOf(text: string, path: KeyPath): number {
  const { line, column } = findPlaces(text).find(path) ?? { line: 1, column: 1 };
  return linesOf(text).slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0) +
    column - 1;
}

function linesOf(text: string): string[] {
  return text.split("\n");
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function literal(value: TomlValue): string {
  if (typeof value === "object") return `[${value.map((each) => JSON.stringify(each)).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
