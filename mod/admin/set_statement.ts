// SET and SET PERSIST of a key of the configuration: checked and put in force as any other change, and
// with PERSIST written to the file or the overlay.

import {
  allKeys,
  type ConfigEdit,
  editTexts,
  type KeyDescription,
  readGiven,
  type TomlValue,
} from "../config/mod.ts";
import type { Running } from "../proxy/mod.ts";
import type { SqlError } from "../wire/mod.ts";
import { readDisk, writeBack } from "./config_files.ts";

/** A new value of one key. */
export interface SetStatement {
  readonly key: KeyDescription;
  /** Undefined: what it is when nobody says anything. */
  readonly value: TomlValue | undefined;
  /** To be written to a file as well. */
  readonly persist: boolean;
}

const SET = /^set\s+(?:(global|persist)\s+)?`?([a-z_]+(?:\.[a-z_]+)?)`?\s*=\s*(.+)$/is;

/**
 * Undefined where a statement is about something else, such as a driver's own variables; an error
 * where it names a key that there is not.
 */
export function parseSetStatement(statement: string): SetStatement | SqlError | undefined {
  const [, scope, path, written] = SET.exec(statement) ?? [];
  const key = allKeys().find((each) => each.path === path?.toLowerCase() && !each.repeated);
  if (key === undefined) {
    const isKey = path?.includes(".") || scope?.toLowerCase() === "persist";
    return isKey ? unknownKey(path!) : undefined;
  }
  const text = written!.trim();
  const value = /^default$/i.test(text) ? undefined : readGiven(unquoted(text), key) as TomlValue;
  return { key, value, persist: scope?.toLowerCase() === "persist" };
}

function unknownKey(path: string): SqlError {
  const message = `Unknown system variable '${path}': SHOW PROPERTIES has the keys there are`;
  return { code: 1193, sqlState: "HY000", message };
}

/** @param by The account that asks. */
export async function answerSetStatement(
  { key: { section, key, path }, value, persist }: SetStatement,
  running: Running,
  by: string,
): Promise<"ok" | SqlError> {
  const { live } = running;
  if (live === undefined) return refused("this proxy was started inside of another program");
  const source = live.current.sources.get(path) ?? "default";
  if (!["default", "file", "overlay"].includes(source)) {
    return refused(`${path} is given by ${source}, which wins over the file`);
  }
  const edits: readonly ConfigEdit[] = [{ kind: "set", section, key, value }];
  try {
    const before = live.current;
    const wanted = editTexts(before, edits, before.config.config.writeBack);
    const disk = persist ? readDisk(running) : undefined;
    const kept = disk && editTexts(disk, edits, disk.config.config.writeBack);
    const outcome = await live.apply(wanted, by);
    if (outcome.kind === "refused") return refused(outcome.reasons.join("\n"));
    if (disk && kept) writeBack(disk, kept, live);
    // It would be taken for done.
    const waiting = outcome.changes.find((change) => change.key === path && !change.live);
    return waiting === undefined || persist
      ? "ok"
      : refused(`${path} takes a restart: SET PERSIST writes it down for that`);
  } catch (error) {
    // What cannot be changed in the way the file is written.
    return refused((error as Error).message);
  }
}

/** The content of a string, with its quotes doubled or escaped; other text as it is. */
function unquoted(text: string): string {
  const [, quote, content] = /^(['"])(.*)\1$/s.exec(text) ?? [];
  if (quote === undefined) return text;
  const parts = quote === "'" ? /\\(.)|''/gs : /\\(.)|""/gs;
  return content!.replace(parts, (_, escaped: string | undefined) => escaped ?? quote);
}

function refused(message: string): SqlError {
  return { code: 1105, sqlState: "HY000", message };
}
