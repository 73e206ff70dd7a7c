// A session's warnings and errors: read from the connection that another session is about to use,
// and given to the connection that the session uses next when it asks for them.

import { stringLiteral } from "../backend/mod.ts";
import {
  Capability,
  frame,
  type PacketAssembler,
  PacketReader,
  PacketWriter,
} from "../wire/mod.ts";

/** One row of SHOW WARNINGS. */
interface Condition {
  /** Error, Warning or Note. */
  readonly level: string;
  readonly code: number;
  /** One character a byte, in the session's character_set_results. */
  readonly message: string;
  readonly row: Uint8Array;
  /** Its SQLSTATE, where it is known. */
  readonly state?: string | undefined;
}

/** Rows of SHOW WARNINGS, as they came. */
export interface Conditions {
  readonly list: readonly Condition[];
  /** The packets before the rows. */
  readonly head: readonly Uint8Array[];
  /** The packet behind them. */
  readonly end: Uint8Array;
}

/** Stands in the message of a warning that was made to have as many as there were. */
const STAND_IN = "mysqlproxy";
/** MESSAGE_TEXT of SIGNAL has at most so many characters. */
const MESSAGE_MAX = 128;
const ASCII = /^[ -~]*$/;

/**
 * Reads the answer to SHOW WARNINGS.
 *
 * @param before What rows that only stand in are put in for.
 */
export function readConditions(
  packets: PacketAssembler,
  capabilities: number,
  before: Conditions | undefined,
): Conditions {
  const payloads: Uint8Array[] = [];
  for (let next = packets.next(); next; next = packets.next()) payloads.push(Uint8Array.from(next));
  const columns = 3;
  const rowsAt = 1 + columns + (capabilities & Capability.DEPRECATE_EOF ? 0 : 1);
  const list = payloads.slice(rowsAt, -1).map((row, at) => {
    const reader = new PacketReader(row);
    const [level, code, message] = [reader.lenencView(), reader.lenencView(), reader.lenencView()]
      .map((value) => Buffer.from(value).toString("latin1"));
    const real = message.includes(STAND_IN) ? before?.list[at] : undefined;
    return real ?? { level, code: Number(code), message, row };
  });
  return { list, head: payloads.slice(0, rowsAt), end: payloads.at(-1)! };
}

/** The same and an error behind them, as it is where a command fails before it begins. */
export function withError(
  conditions: Conditions | undefined,
  { code, message }: { readonly code: number; readonly message: string },
): Conditions {
  const values = ["Error", `${code}`, message].map((value) => Buffer.from(value, "latin1"));
  const row = new PacketWriter(message.length + 32);
  for (const value of values) row.lenencBytes(value);
  const error = { level: "Error", code, message, row: row.done() };
  const { list, head, end } = conditions ?? { list: [], head: [], end: new Uint8Array(0) };
  return { list: [...list, error], head, end };
}

/** The server itself can be brought to say the very same. */
export function isExact({ list }: Conditions, mariadb: boolean): boolean {
  if (list.length > 1 && !mariadb) return false;
  return mayBlock(list) &&
    list.every(({ level, message }) =>
      level !== "Note" && message.length <= MESSAGE_MAX && ASCII.test(message)
    );
}

/** A statement behind which a server has no conditions; on MariaDB only one that uses a table. */
export const CLEAR = "SELECT 1 FROM (SELECT 1) t";

/** A statement behind which a server has these conditions, or as many. */
export function raise(conditions: Conditions, mariadb: boolean): string {
  const { list } = conditions;
  if (list.length === 0) return CLEAR;
  const exact = isExact(conditions, mariadb);
  if (needsStandIns(conditions, mariadb)) return standIns(conditions, undefined);
  const said = exact ? list : list.map((condition) => ({ ...condition, message: STAND_IN }));
  const [first, ...others] = said;
  if (others.length === 0) return signal("SIGNAL", first);
  const kind = first.level === "Error" ? "SQLEXCEPTION" : "SQLWARNING";
  const further = others.map((each) => signal("RESIGNAL", each)).join(";");
  return `BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR ${kind} BEGIN ${further};END;` +
    `${signal("SIGNAL", first)};END`;
}

/** No statement raises them, one behind the other: a SELECT does that warns as often. */
export function needsStandIns(conditions: Conditions, mariadb: boolean): boolean {
  return !isExact(conditions, mariadb) && !(mariadb && mayBlock(conditions.list));
}

/**
 * A statement behind which a server has as many conditions.
 *
 * @param foundRows What FOUND_ROWS() is to be, too; undefined: it does not matter.
 */
export function standIns({ list }: Conditions, foundRows: number | undefined): string {
  const last = list.at(-1)!;
  const isError = last.level === "Error";
  if (isError && list.length === 1) return signal("SIGNAL", { ...last, message: STAND_IN });
  // Each row is warned of, and none is found.
  const warnings = `SELECT 1 FROM ${
    rowsOf(isError ? list.length - 1 : list.length)
  } WHERE CAST(CONCAT('${STAND_IN}',x) AS SIGNED)`;
  if (isError) return `${warnings} UNION ALL SELECT EXP(710*x) FROM ${rowsOf(1)}`;
  return foundRows === undefined
    ? warnings
    : `${warnings} UNION ALL SELECT 1 FROM ${rowsOf(foundRows)}`;
}

/**
 * They can be raised by one block, if not all with their own words. An error that ends a block gets
 * a note on its place behind it.
 */
function mayBlock(list: readonly Condition[]): boolean {
  return list.every(({ level }, at) => level !== "Error" || at === 0);
}

function signal(verb: string, { level, code, message, state }: Omit<Condition, "row">): string {
  const usual = level === "Error" ? "HY000" : "01000";
  return `${verb} SQLSTATE '${state ?? usual}' SET MYSQL_ERRNO=${code},MESSAGE_TEXT=${
    stringLiteral(message)
  }`;
}

/** A derived table of so many rows. */
export function rowsOf(count: number): string {
  const ten = Array.from({ length: 10 }, () => "SELECT 1").join(" UNION ALL ");
  const tables: string[] = [];
  for (let size = 1; size < Math.max(count, 2); size *= 10) tables.push(`(${ten}) t${size}`);
  return `(SELECT 1 AS x FROM ${tables.join(",")} LIMIT ${count}) t`;
}

/** SHOW WARNINGS or SHOW ERRORS, as words. */
const SHOW = /^SHOW (WARNINGS|ERRORS)(?: LIMIT (\d+)(?: , (\d+))?)?(?: ;)*$/;

/** The answer to SHOW WARNINGS or SHOW ERRORS; undefined where the text is something else. */
export function answerShow(
  text: string,
  conditions: Conditions,
  options: { readonly binary: boolean },
): Uint8Array[] | undefined {
  const asked = SHOW.exec(text);
  if (!asked) return undefined;
  const errorsOnly = asked[1] === "ERRORS";
  const offset = asked[3] === undefined ? 0 : Number(asked[2]);
  const count = asked[2] === undefined ? Infinity : Number(asked[3] ?? asked[2]);
  const rows = conditions.list
    .filter(({ level }) => !errorsOnly || level === "Error")
    .slice(offset, offset + count)
    .map((condition) => options.binary ? binaryRow(condition) : condition.row);
  return [...conditions.head, ...rows, conditions.end].map((payload, at) => frame(payload, at + 1));
}

/** A row of the binary protocol: strings, and a code of four bytes. */
function binaryRow({ level, code, message }: Condition): Uint8Array {
  return new PacketWriter(message.length + 32).u8(0).u8(0)
    .lenencBytes(Buffer.from(level)).u32(code).lenencBytes(Buffer.from(message, "latin1"))
    .done();
}
