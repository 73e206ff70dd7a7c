// Reads the text of a configuration file, with the places of its keys.

import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import type { ConfigError } from "./errors.ts";
import type { KeyPath } from "./places.ts";
import { findPlaces } from "./places.ts";

/** A TOML table as parsed, nothing checked yet. */
export type Table = Readonly<Record<string, unknown>>;

/** A configuration file, or an empty one if none is used. */
export interface TomlFile {
  readonly table: Table;
  /** As it is written. */
  readonly text: string;
  /** The part of an error that says where in the file a key stands. */
  placeOf(path: KeyPath): Pick<ConfigError, "file" | "line" | "column">;
}

/** A file that says nothing. */
export const emptyFile: TomlFile = { table: {}, text: "", placeOf: () => ({}) };

/** Reads a file from disk and parses it. */
export function readTomlFile(file: string): TomlFile | ConfigError {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return { file, message: `cannot read the configuration file: ${systemReason(error)}` };
  }
  return parseTomlFile(text, file);
}

/** Parses the text of a file. */
export function parseTomlFile(text: string, file: string): TomlFile | ConfigError {
  let table: Table;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The lines after the first repeat the text of the file, which may hold a password.
    const [message] = error.message.replace("Invalid TOML document: ", "").split("\n");
    return { file, line: error.line, column: error.column, message: `invalid TOML: ${message}` };
  }
  const places = findPlaces(text);
  return { table, text, placeOf: (path) => ({ file, ...places.find(path) }) };
}

/** Why the system refuses a file, in words; of other errors their message. */
export function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "it does not exist";
  if (code === "EACCES") return "permission denied";
  if (code === "EISDIR") return "it is a directory";
  return error instanceof Error ? error.message : String(error);
}
