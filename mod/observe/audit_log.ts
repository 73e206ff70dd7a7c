// The audit log, one JSON object a line. Called behind each answer where it is on: it makes text, and
// gives it to a file that is written later.

import { createHash } from "node:crypto";
import { maskPasswords } from "../sql/mod.ts";
import type { BinaryValue } from "../wire/mod.ts";
import { type DigestName, DigestNames } from "./digest_names.ts";
import type { LineBuffer } from "./line_buffer.ts";
import type { LogFile } from "./log_file.ts";
import {
  ATTRIBUTES_MIN,
  type LoggedSession,
  type LoggedStatement,
  textOf,
  traceOf,
} from "./logged_statement.ts";

const NOTHING = new Uint8Array(0);
const NO_DIGEST: Uint8Array = Buffer.from('",');

/** Which statements the audit log has, and how much of them. */
export interface AuditRules {
  /** Accounts that are logged; empty: all. */
  readonly users: readonly string[];
  /** Accounts that are not. */
  readonly exceptUsers: readonly string[];
  /** Of a hundred statements so many are logged; those with errors always. */
  readonly samplePercent: number;
  /** Bytes of a statement that are written at most. */
  readonly textMaxBytes: number;
}

/** The audit log of a worker. */
export class AuditLog {
  readonly #file: LogFile;
  readonly #rules: AuditRules;
  readonly #users: ReadonlySet<string>;
  readonly #except: ReadonlySet<string>;
  readonly #names: DigestNames;
  /** How a digest stands in a line, by its text. */
  readonly #digests = new Map<string, Uint8Array>();
  #lastText = "";
  #lastDigest: Uint8Array = NO_DIGEST;
  #timeMs = 0;
  #timeBytes: Uint8Array = NOTHING;
  #rows = -1;
  #affected = -1;
  #rowsBytes: Uint8Array = NOTHING;
  /** Counts up by the share; a statement is logged when it passes a hundred. */
  #sampled = 0;
  #toldDropped = 0;

  /** @param names How servers call digests. */
  constructor(file: LogFile, rules: AuditRules, names: DigestNames = new DigestNames()) {
    this.#file = file;
    this.#names = names;
    this.#rules = rules;
    this.#users = new Set(rules.users);
    this.#except = new Set(rules.exceptUsers);
  }

  get dropped(): number {
    return this.#file.dropped;
  }

  /** A client has come in or gone. */
  session(event: "login" | "logout", facts: {
    readonly session: number;
    readonly user: string;
    readonly client: string;
    readonly db: string;
    /** Of a login: how long it took, from the connection on, in microseconds. */
    readonly us?: number;
  }): void {
    if (this.#isFor(facts.user)) this.#write({ event, ...facts });
  }

  /** Somebody was not let in. Whoever it said it was: which accounts are logged does not matter here. */
  loginFailed(facts: {
    readonly session: number;
    /** Empty: it had not said so yet. */
    readonly user: string;
    readonly client: string;
    /** The number of the error it was told. */
    readonly code: number;
    readonly reason: string;
  }): void {
    this.#write({ event: "login_failed", ...facts });
  }

  /** A command on the admin port. */
  admin(facts: {
    readonly user: string;
    readonly client: string;
    readonly text: string;
    readonly outcome: string;
  }): void {
    const text = maskPasswords(facts.text.slice(0, this.#rules.textMaxBytes));
    this.#write({ event: "admin", ...facts, text });
  }

  /**
   * Hot path where it is on: bytes are copied, what repeats was made before.
   *
   * @param isWanted A rule wants it, whatever its account and the share.
   */
  statement(statement: LoggedStatement, who: LoggedSession, isWanted: boolean): void {
    if (!isWanted) {
      if (!this.#isFor(who.user)) return;
      this.#sampled += this.#rules.samplePercent;
      if (this.#sampled >= 100) this.#sampled -= 100;
      else if (statement.errorCode === 0) return;
    }
    if (this.#file.dropped > this.#toldDropped) this.#tellDropped();
    const { bytes, start, end } = statement;
    const limit = Math.min(end, start + this.#rules.textMaxBytes);
    const head = headOf(statement, who);
    const lines = this.#file.begin(head.length + limit - start + REST_BYTES);
    if (lines === undefined) return;
    lines.reserve(head.length + 2 * (limit - start) + ROOM_BYTES);
    this.#time(lines);
    lines.copy(head);
    let isMasked = false;
    const isPlain = lines.jsonText(bytes, start, limit);
    const mayTrace = !isPlain || lines.hasComment || start >= ATTRIBUTES_MIN;
    if (!isPlain) {
      const text = textOf(bytes, start, limit);
      isMasked = MAY_HOLD_PASSWORD.test(text);
      lines.text(JSON.stringify(maskPasswords(text)).slice(1, -1));
      lines.reserve(ROOM_BYTES);
    }
    lines.copy(this.#digestOf(statement.digestText));
    if (statement.outcome === "answered") this.#answer(lines, statement);
    else lines.text(`"outcome":"${statement.outcome}"`);
    if (limit < end) number(lines, TEXT_BYTES, end - start);
    const { parameters, retries, errorCode } = statement;
    if (parameters !== undefined) this.#parameters(lines, parameters, isMasked);
    const trace = mayTrace ? traceOf(bytes, { start, limit }) : undefined;
    if (trace !== undefined) lines.text(`,"trace":"${trace}"`);
    if (retries > 0) number(lines, RETRIES, retries);
    if (errorCode !== 0) number(lines, ERROR, errorCode);
    lines.copy(LINE_END);
    this.#file.end();
  }

  #answer(lines: LineBuffer, statement: LoggedStatement): void {
    const { queueUs, restoreUs, consistencyUs, executeUs, streamUs } = statement;
    const { rowsSent, rowsAffected } = statement;
    lines.copy(US);
    lines.number(Math.round(statement.totalUs));
    if (queueUs > 0) number(lines, QUEUE_US, queueUs);
    if (restoreUs > 0) number(lines, RESTORE_US, restoreUs);
    if (consistencyUs > 0) number(lines, CONSISTENCY_US, consistencyUs);
    if (executeUs > 0) number(lines, EXECUTE_US, executeUs);
    if (streamUs > 0) number(lines, STREAM_US, streamUs);
    // Most answers have as many rows as the one before.
    if (rowsSent !== this.#rows || rowsAffected !== this.#affected) {
      this.#rows = rowsSent;
      this.#affected = rowsAffected;
      this.#rowsBytes = Buffer.from(`,"rows":${rowsSent},"affected":${rowsAffected},"bytes":`);
    }
    lines.copy(this.#rowsBytes);
    lines.number(statement.bytesSent);
  }

  /** What stands in front of each line. */
  #time(lines: LineBuffer): void {
    const now = Date.now();
    if (now !== this.#timeMs) {
      const isSameSecond = Math.floor(now / 1000) === Math.floor(this.#timeMs / 1000);
      this.#timeMs = now;
      if (!isSameSecond) this.#timeBytes = Buffer.from(`{"time":"${new Date(now).toISOString()}",`);
      else writeMillis(this.#timeBytes, now % 1000);
    }
    lines.copy(this.#timeBytes);
  }

  /** As many as are no longer than a text may be. */
  #parameters(lines: LineBuffer, values: readonly BinaryValue[], isMasked: boolean): void {
    const shown: string[] = [];
    let room = this.#rules.textMaxBytes;
    for (const value of values) {
      const text = isMasked && value !== null ? '"***"' : parameterText(value, room);
      room -= text.length;
      shown.push(text);
      if (room <= 0) break;
    }
    lines.text(`,"params":[${shown.join(",")}]`);
    if (shown.length < values.length) lines.text(`,"params_count":${values.length}`);
    lines.reserve(ROOM_BYTES);
  }

  #isFor(user: string): boolean {
    return (this.#users.size === 0 || this.#users.has(user)) &&
      (this.#except.size === 0 || !this.#except.has(user));
  }

  #write(entry: object): void {
    if (this.#file.dropped > this.#toldDropped) this.#tellDropped();
    this.#writeEntry(entry);
  }

  /** As soon as there is room for it: until then what is missing becomes more. */
  #tellDropped(): void {
    const { dropped } = this.#file;
    if (!this.#file.hasRoom(REST_BYTES)) return;
    const count = dropped - this.#toldDropped;
    this.#toldDropped = dropped;
    this.#writeEntry({ event: "dropped", count });
  }

  #writeEntry(entry: object): void {
    this.#file.write(`{"time":"${new Date().toISOString()}",${JSON.stringify(entry).slice(1)}\n`);
  }

  /** What stands between the statement's text and what came of it. */
  #digestOf(text: string): Uint8Array {
    if (text === this.#lastText) return this.#lastDigest;
    this.#lastText = text;
    return this.#lastDigest = text === "" ? NO_DIGEST : this.#digestBytes(text);
  }

  #digestBytes(text: string): Uint8Array {
    const known = this.#digests.get(text);
    if (known !== undefined) return known;
    if (this.#digests.size >= DIGESTS_MAX) this.#digests.clear();
    const hex = this.#names.of(text) ??
      createHash("sha256").update(text, "latin1").digest("hex");
    const digest = Buffer.from(`","digest":"${hex}",`);
    this.#digests.set(text, digest);
    return digest;
  }

  /** What servers call these is known by now: lines to come have it. */
  renameDigests(names: readonly DigestName[]): void {
    for (const [text] of names) this.#digests.delete(text);
    this.#lastText = "";
    this.#lastDigest = NO_DIGEST;
  }

  /** Resolves when all of it is written. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

const DIGESTS_MAX = 10_000;

/** How a line about a statement goes on behind the time, up to its text. */
function headOf({ db, server, command }: LoggedStatement, who: LoggedSession): Uint8Array {
  const { head, headDb, headServer, headCommand } = who;
  if (headDb === db && headServer === server && headCommand === command) return head;
  who.headDb = db;
  who.headServer = server;
  who.headCommand = command;
  const { session, user, client } = who;
  const facts = { event: "statement", session, user, client, db, server, command };
  return who.head = Buffer.from(`${JSON.stringify(facts).slice(1, -1)},"text":"`);
}

/** A value as it stands in a line. @param room About so many characters at most. */
function parameterText(value: BinaryValue, room: number): string {
  if (value === null) return "null";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (typeof value === "string") return JSON.stringify(value);
  const bytes = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, room));
  const text = bytes.toString();
  // What is no text, or was cut within a character.
  return JSON.stringify(text.includes("\ufffd") ? `0x${bytes.toString("hex")}` : text);
}

function number(lines: LineBuffer, name: Uint8Array, value: number): void {
  lines.copy(name);
  lines.number(Math.round(value));
}

/** Where the milliseconds are behind `{"time":"2026-11-29T12:34:56.`. */
const MILLIS_AT = 29;
const ZERO = 0x30;

function writeMillis(bytes: Uint8Array, millis: number): void {
  bytes[MILLIS_AT] = ZERO + ((millis / 100) | 0);
  bytes[MILLIS_AT + 1] = ZERO + (((millis / 10) | 0) % 10);
  bytes[MILLIS_AT + 2] = ZERO + (millis % 10);
}

/** What a line has beside its head and its text, about and at most, in bytes. */
const REST_BYTES = 200;
const ROOM_BYTES = 1024;
const MAY_HOLD_PASSWORD = /identified|password/i;

const field = (name: string): Uint8Array => Buffer.from(`,"${name}":`);
const TEXT_BYTES = field("text_bytes");
const US: Uint8Array = Buffer.from('"us":');
const QUEUE_US = field("queue_us");
const RESTORE_US = field("restore_us");
const CONSISTENCY_US = field("consistency_us");
const EXECUTE_US = field("execute_us");
const STREAM_US = field("stream_us");
const RETRIES = field("retries");
const ERROR = field("error");
const LINE_END: Uint8Array = Buffer.from("}\n");
