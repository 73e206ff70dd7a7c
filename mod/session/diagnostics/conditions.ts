// A session's warnings and errors: read from the connection that another session is about to use,
// and given to the connection that the session uses next when it asks for them.

import { stringLiteral } from "../../backend/mod.ts";
import {
  Capability,
  Command,
  frame,
  type PacketAssembler,
  PacketReader,
  PacketWriter,
  type SqlError,
} from "../../wire/mod.ts";

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
    const known = before?.list[at];
    // Raised with its own words it may be of another level.
    const isKnown = isStandIn(message) ||
      (known?.message === message && known.code === Number(code));
    return isKnown && known ? known : { level, code: Number(code), message, row };
  });
  return { list, head: payloads.slice(0, rowsAt), end: payloads.at(-1)! };
}

/** The same and an error behind them, as it is where a command fails before it begins. */
export function withError(conditions: Conditions | undefined, error: SqlError): Conditions {
  const message = Buffer.from(error.message);
  const row = new PacketWriter(message.length + 32)
    .lenencBytes(Buffer.from("Error")).lenencBytes(Buffer.from(`${error.code}`))
    .lenencBytes(message).done();
  const last = {
    level: "Error",
    code: error.code,
    message: message.toString("latin1"),
    state: error.sqlState,
    row,
  };
  const { list, head, end } = conditions ?? { list: [], head: [], end: new Uint8Array(0) };
  return { list: [...list, last], head, end };
}

/** The server itself can be brought to say the very same. */
export function isExact({ list }: Conditions, mariadb: boolean): boolean {
  if (list.length > 1 && !mariadb) return false;
  return mayBlock(list) && list.every(canSay);
}

/** SIGNAL can say it as it was. */
function canSay(condition: Condition): boolean {
  const { level, state } = condition;
  return level !== "Note" && canSayMessage(condition) &&
    (level !== "Error" || isErrorState(state));
}

function canSayMessage({ message }: Condition): boolean {
  return message.length <= MESSAGE_MAX && ASCII.test(message);
}

function withSayable(condition: Condition): Condition {
  return canSayMessage(condition) ? condition : { ...condition, message: STAND_IN };
}

/** SIGNAL makes warnings of others: an ENUM's wrong value is an error with a warning's SQLSTATE. */
function isErrorState(state: string | undefined): boolean {
  return state === undefined || !/^0[012]/.test(state);
}

/** A statement behind which a server has no conditions; on MariaDB only one that uses a table. */
export const CLEAR = "SELECT 1 FROM (SELECT 1) t";

/** What brings a server to have conditions: statements' texts, and commands as they are. */
export type Raising = readonly (string | Uint8Array)[];

/**
 * Commands behind which a server has these conditions, in other words where it must be, or at least
 * as many, and as many errors among them. The last command decides: none behind it may be run.
 *
 * @param foundRows What FOUND_ROWS() is to be, too; undefined: it does not matter.
 */
export function raise(
  conditions: Conditions,
  { foundRows, mariadb, counts, schema }: {
    readonly foundRows: number | undefined;
    readonly mariadb: boolean;
    /** The command to come tells how many there are, and asks for no more; not on MariaDB. */
    readonly counts: boolean;
    /** The default schema; empty: none. */
    readonly schema: string;
  },
): Raising {
  const { list } = conditions;
  const found = foundRows === undefined ? [] : [`SELECT 1 FROM ${rowsOf(foundRows)}`];
  if (isExact(conditions, mariadb)) return [...found, said(list)];
  if ((mariadb || list.length === 1) && mayBlock(list)) {
    return [...found, said(list.map(withSayable))];
  }
  const errors = list.filter(({ level }) => level === "Error").length;
  const warnings = list.length - errors;
  // Only those of one statement are counted there.
  const all = counts && errors > 1 ? list.length : warnings;
  if (errors === 0 || all > warnings) {
    return [standIns({ warnings: all, found: foundRows ?? 0, fails: false })];
  }
  if (!mariadb) {
    // A query that fails leaves FOUND_ROWS() what it was.
    const further = Array.from({ length: errors - 1 }, () => ONE_MORE_ERROR);
    const first = warnings === 0
      ? said([withSayable(list[0])])
      : standIns({ warnings, found: 0, fails: true });
    return [...found, first, ...further];
  }
  if (warnings === 0 && errors === 2 && schema !== "") return [...found, TWO_ERRORS];
  // Of several errors only one is an error there.
  return [standIns({ warnings: list.length - 1, found: foundRows ?? 0, fails: true })];
}

/** Raises conditions: one, or on MariaDB errors and behind them warnings. */
function said(list: readonly Condition[]): string {
  const [first, ...others] = list;
  if (others.length === 0) return signal("SIGNAL", first);
  const errors = list.filter(({ level }) => level === "Error");
  const further = list.slice(Math.max(errors.length, 1))
    .map((each) => `${signal("RESIGNAL", each)};`).join("");
  // Each error is raised in the handler of the one before, and what comes behind in that of the last.
  const kind = errors.length > 0 ? "SQLEXCEPTION" : "SQLWARNING";
  const handled = (body: string) => `DECLARE CONTINUE HANDLER FOR ${kind} BEGIN ${body}END;`;
  const body = errors.slice(1).reduceRight(
    (inner, each) => `${handled(inner)}${signal("RESIGNAL", each)};`,
    further,
  );
  return `BEGIN NOT ATOMIC ${handled(body)}${signal("SIGNAL", first)};END`;
}

/**
 * They can be raised by one block, if not all with their own words. An error that ends a block gets
 * a note on its place behind it.
 */
function mayBlock(list: readonly Condition[]): boolean {
  const errors = list.findIndex(({ level }) => level !== "Error");
  if (errors < 0) return list.length === 1;
  return list.every(({ level }, at) => level !== "Error" || at < errors);
}

/**
 * A SELECT that warns as often, finds so many rows, and fails behind them.
 *
 * Its rows are of three kinds: 2 is warned of and not found, 0 is found, 1 is an error.
 */
function standIns({ warnings, found, fails }: {
  readonly warnings: number;
  readonly found: number;
  readonly fails: boolean;
}): string {
  const rows = [
    `(SELECT 2 AS x FROM ${rowsOf(warnings)})`,
    `(SELECT 0 FROM ${rowsOf(found)})`,
    ...(fails ? ["SELECT 1"] : []),
  ];
  return `SELECT EXP(710*x) FROM (${rows.join(" UNION ALL ")}) ${STAND_IN} ` +
    `WHERE IF(x=2,CAST(CONCAT('${STAND_IN}',x) AS SIGNED),1) LIMIT ${warnings + found + 1}`;
}

/** There is no such sequence, and no such table. */
const TWO_ERRORS = `SELECT NEXTVAL(${STAND_IN})`;

/** A statement that no server has. */
const STAND_IN_ID = 0x7fffffe0;
/** To execute it adds an error on MySQL, which is the only one that is counted, and takes nothing away. */
export const ONE_MORE_ERROR: Uint8Array = frame(
  new PacketWriter(10).u8(Command.STMT_EXECUTE).u32(STAND_IN_ID).u8(0).u32(1).done(),
  0,
);

function isStandIn(message: string): boolean {
  return message.includes(STAND_IN) || message.includes(`(${STAND_IN_ID})`);
}

function signal(verb: string, { level, code, message, state }: Omit<Condition, "row">): string {
  const usual = level === "Error" ? "HY000" : "01000";
  const given = level === "Error" && !isErrorState(state) ? usual : state ?? usual;
  return `${verb} SQLSTATE '${given}' SET MYSQL_ERRNO=${code},MESSAGE_TEXT=${
    stringLiteral(message)
  }`;
}

/** A derived table of so many rows, all of which are found whatever the session's limit is. */
export function rowsOf(count: number): string {
  const ten = Array.from({ length: 10 }, () => "SELECT 1").join(" UNION ALL ");
  const tables: string[] = [];
  for (let size = 1; size < Math.max(count, 2); size *= 10) tables.push(`(${ten}) t${size}`);
  return `(SELECT 1 FROM ${tables.join(",")} LIMIT ${count}) t LIMIT ${Math.max(count, 1)}`;
}

/** SHOW WARNINGS or SHOW ERRORS, as words. */
const SHOW = /^SHOW (WARNINGS|ERRORS)(?: LIMIT (\d+)(?: , (\d+))?)?(?: ;)*$/;

/** The answer to SHOW WARNINGS or SHOW ERRORS; undefined where the text is something else. */
export function answerShow(
  text: string,
  conditions: Conditions,
  options: { readonly binary: boolean; readonly mariadb: boolean },
): Uint8Array[] | undefined {
  const asked = SHOW.exec(text);
  if (!asked) return undefined;
  const errorsOnly = asked[1] === "ERRORS";
  const offset = asked[3] === undefined ? 0 : Number(asked[2]);
  const count = asked[2] === undefined ? Infinity : Number(asked[3] ?? asked[2]);
  const isAsked = ({ level }: Condition) => !errorsOnly || level === "Error";
  const part = <T>(list: readonly T[]) => list.slice(offset, offset + count);
  // MariaDB counts to the limit what it does not show, too.
  const { list } = conditions;
  const shown = options.mariadb ? part(list).filter(isAsked) : part(list.filter(isAsked));
  const rows = shown.map((each) => options.binary ? binaryRow(each) : each.row);
  return [...conditions.head, ...rows, conditions.end].map((payload, at) => frame(payload, at + 1));
}

/** A row of the binary protocol: strings, and a code of four bytes. */
function binaryRow({ level, code, message }: Condition): Uint8Array {
  return new PacketWriter(message.length + 32).u8(0).u8(0)
    .lenencBytes(Buffer.from(level)).u32(code).lenencBytes(Buffer.from(message, "latin1"))
    .done();
}
