// A second file over the first: what SQL changes can be kept there, so that nobody else writes to the
// file that people do. A key of the overlay takes the place of the file's; so does a list, as a whole.

import { existsSync } from "node:fs";
import { parse, stringify } from "smol-toml";
import { type ConfigEdit, editConfig } from "./edit.ts";
import type { ConfigError } from "./errors.ts";
import type { KeyPath } from "./places.ts";
import { emptyFile, parseTomlFile, readTomlFile, type Table, type TomlFile } from "./toml.ts";

/** The texts that a configuration is read from. */
export interface ConfigTexts {
  /** The file's; empty without one. */
  readonly text: string;
  /** The overlay's; undefined: there is none. */
  readonly overlay: string | undefined;
}

/** Where SQL's changes are written. */
export type WriteBack = "file" | "overlay";

/**
 * The path of the overlay: as it is said, or where nobody says it but changes go there, beside the
 * file. Undefined: there is none.
 */
export function overlayPath(
  file: string | undefined,
  { overlay, writeBack }: { readonly overlay: unknown; readonly writeBack: unknown },
): string | undefined {
  if (typeof overlay === "string" && overlay !== "") return overlay;
  if (writeBack !== "overlay" || file === undefined) return undefined;
  return `${file.replace(/\.toml$/, "")}.overlay.toml`;
}

/** Reads an overlay; one that is not there yet says nothing. @param text In place of the file's. */
export function readOverlay(path: string, text: string | undefined): TomlFile | ConfigError {
  if (text !== undefined) return parseTomlFile(text, path);
  return existsSync(path) ? readTomlFile(path) : emptyFile;
}

/** Both files as one; places are those of the file that has said it. */
export function overlaid(base: TomlFile, over: TomlFile): TomlFile {
  const table: Record<string, unknown> = { ...base.table };
  for (const [name, value] of Object.entries(over.table)) {
    const before = table[name];
    table[name] = isTable(value) && isTable(before) ? { ...before, ...value } : value;
  }
  return {
    table,
    text: base.text,
    placeOf: (path) => (says(over.table, path) ? over : base).placeOf(path),
  };
}

/** Whether a table has said what a path leads to. */
export function says(table: Table, [first, second]: KeyPath): boolean {
  const value = table[String(first)];
  return isTable(value) && second !== undefined ? String(second) in value : value !== undefined;
}

/**
 * Applies changes to the text that they are to be written to: the overlay, or the file. What the
 * overlay says already is changed there, since the file's word would not count.
 *
 * @throws {Error} If a change cannot be made in the way a file is written.
 */
export function editTexts(
  { text, overlay }: ConfigTexts,
  edits: readonly ConfigEdit[],
  writeBack: WriteBack,
): ConfigTexts {
  let [file, over] = [text, overlay];
  for (const edit of edits) {
    const path = edit.kind === "set"
      ? [...edit.section === "" ? [] : [edit.section], edit.key]
      : ["section" in edit ? edit.section : edit.key];
    const isThere = over !== undefined && says(parse(over), path);
    if (over === undefined || (writeBack === "file" && !isThere)) file = editConfig(file, [edit]);
    else if (edit.kind === "set") over = editConfig(over, [edit]);
    else over = editList(over, file, path[0], edit);
  }
  return { text: file, overlay: over };
}

/** A list counts as a whole: all of it has to be there, also where nothing is left of it. */
function editList(over: string, file: string, name: string, edit: ConfigEdit): string {
  const isEmpty = (parse(over)[name] as readonly unknown[] | undefined)?.length === 0;
  // A list of tables is none of values at the same time.
  const start = isEmpty
    ? editConfig(over, [{ kind: "set", section: "", key: name, value: undefined }])
    : says(parse(over), [name])
    ? over
    : withList(over, file, name);
  const after = editConfig(start, [edit]);
  return says(parse(after), [name]) ? after : `${name} = []\n${after}`;
}

function withList(over: string, file: string, name: string): string {
  const list = parse(file)[name];
  if (list === undefined) return over;
  const toml = `${stringify({ [name]: list }).trimEnd()}\n`;
  // What is no table stands before the first one.
  const isTables = Array.isArray(list) && list.some(isTable);
  return isTables ? `${over === "" ? "" : `${over.trimEnd()}\n\n`}${toml}` : toml + over;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}
