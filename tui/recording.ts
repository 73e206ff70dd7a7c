// Recordings: snapshots in a file, a line each, so that what is written is whole at any time. A
// table that has not changed since the line before is left out.

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { constants as zlib, gunzipSync } from "node:zlib";
import { clock } from "./format.ts";
import type { Row, Snapshot, TableName, Value } from "./snapshot.ts";

/** The first line of a recording; the number changes when older programs cannot read newer ones. */
const HEADER = { recording: "mysqlproxy top", version: 1 } as const;

/** A table with its columns named once. */
interface PackedTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** A line of a recording; a table that is named in `same` is that of the line before. */
interface PackedSnapshot {
  readonly at: number;
  readonly tables: Readonly<Record<string, PackedTable>>;
  readonly same?: readonly string[];
}

/** Writes snapshots to a file. It is made with the first of them: no proxy, no recording. */
export class Recorder {
  readonly #path: string;
  readonly #overwrite: boolean;
  #file: number | undefined;
  #last: Readonly<Record<string, string>> = {};

  /**
   * @param options.overwrite A file that is there is replaced. @default {false}
   * @throws {Error} If the file is there, or cannot be written.
   */
  constructor(path: string, { overwrite = false }: { readonly overwrite?: boolean } = {}) {
    this.#path = path;
    this.#overwrite = overwrite;
    if (!existsSync(path)) accessSync(dirname(path), constants.W_OK);
    else if (!overwrite) throw new Error("it exists; --overwrite replaces it");
    else accessSync(path, constants.W_OK);
  }

  /** Appends a snapshot. @throws {Error} If it cannot be written. */
  write(snapshot: Snapshot): void {
    this.#file ??= this.#open();
    const texts: Record<string, string> = {};
    const same: string[] = [];
    const parts: string[] = [];
    for (const [name, rows] of Object.entries(snapshot.tables)) {
      const text = JSON.stringify(packed(rows));
      texts[name] = text;
      if (this.#last[name] === text) same.push(name);
      else parts.push(`${JSON.stringify(name)}:${text}`);
    }
    this.#last = texts;
    const named = same.length === 0 ? "" : `,"same":${JSON.stringify(same)}`;
    writeSync(this.#file, `{"at":${snapshot.atMs},"tables":{${parts.join(",")}}${named}}\n`);
  }

  /** Nobody but the owner may read it, whoever might have read what was there before. */
  #open(): number {
    const { O_CREAT, O_EXCL, O_WRONLY } = constants;
    const file = openSync(this.#path, O_WRONLY | O_CREAT | (this.#overwrite ? 0 : O_EXCL), 0o600);
    if (fstatSync(file).isFile()) {
      fchmodSync(file, 0o600);
      ftruncateSync(file);
    }
    writeSync(file, `${JSON.stringify(HEADER)}\n`);
    return file;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

function packed(rows: readonly Row[]): PackedTable {
  const columns = Object.keys(rows[0] ?? {});
  return { columns, rows: rows.map((row) => columns.map((column) => row[column] ?? null)) };
}

/**
 * Reads a recording, gzipped or not. A last line that is cut off, as of a program that was killed,
 * is left out; so is what is missing of a compressed one.
 *
 * @throws {Error} If it is no recording, or nothing is in it.
 */
export function readRecording(path: string): readonly Snapshot[] {
  const bytes = readFileSync(path);
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const [head, ...lines] = (isZipped ? unzipped(bytes) : bytes).toString("utf8").split("\n");
  checkHeader(path, head);
  const snapshots: Snapshot[] = [];
  for (const [at, line] of lines.entries()) {
    if (line === "") continue;
    const before = snapshots.at(-1);
    try {
      snapshots.push(unpacked(JSON.parse(line) as PackedSnapshot, before));
    } catch {
      if (at === lines.length - 1) break;
      throw new Error(`${path}: line ${at + 2} is not of a recording`);
    }
  }
  if (snapshots.length === 0) throw new Error(`${path}: nothing was recorded`);
  return snapshots;
}

/** As far as it goes. */
function unzipped(bytes: Uint8Array): Buffer {
  return gunzipSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH });
}

/**
 * The place of a snapshot in a recording: its number from 1 on, or a time of day, which means the
 * first one from then on. Undefined where it is neither.
 */
export function placeIn(snapshots: readonly Snapshot[], text: string): number | undefined {
  const last = snapshots.length - 1;
  if (/^\d+$/.test(text)) return Math.max(0, Math.min(last, Number(text) - 1));
  if (!/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(text)) return undefined;
  const found = snapshots.findIndex(({ atMs }) => clock(atMs) >= text);
  return found < 0 ? last : found;
}

function checkHeader(path: string, line: string): void {
  const head = headerOf(line);
  if (head["recording"] !== HEADER.recording) {
    throw new Error(`${path}: is not a recording of mysqlproxy top`);
  }
  if (head["version"] !== HEADER.version) {
    throw new Error(`${path}: is a recording of version ${head["version"]}, this program reads 1`);
  }
}

/** A file that is something else has no header. */
function headerOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function unpacked(line: PackedSnapshot, before: Snapshot | undefined): Snapshot {
  const tables: Partial<Record<TableName, readonly Row[]>> = {};
  for (const [name, { columns, rows }] of Object.entries(line.tables)) {
    tables[name as TableName] = rows.map((values) =>
      Object.fromEntries(columns.map((column, at) => [column, values[at] ?? null]))
    );
  }
  for (const name of line.same ?? []) {
    tables[name as TableName] = before?.tables[name as TableName] ?? [];
  }
  if (typeof line.at !== "number") throw new TypeError("A snapshot has no time");
  return { atMs: line.at, tables };
}
