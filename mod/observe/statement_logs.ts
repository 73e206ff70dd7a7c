// The audit log, one JSON object a line, and the slow log in MySQL's own format. Called behind each
// answer where they are on: they make text, and give it to a file that is written later.

import { createHash } from "node:crypto";
import { maskPasswords } from "../sql/mod.ts";
import { LogFile } from "./log_file.ts";

/** A statement whose answer has ended, or that will have none. Times are in microseconds. */
export interface LoggedStatement {
  /** The proxy's id of the session. */
  readonly session: number;
  readonly user: string;
  /** `address:port`, or `localhost`. */
  readonly client: string;
  readonly db: string;
  /** The server that had it. */
  readonly server: string;
  /** `query`, `execute` and so on. */
  readonly command: string;
  /** Its text from `start` to `end`, and what stands in front of that: query attributes. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The normalised text; empty: not known. */
  readonly digestText: string;
  readonly totalUs: number;
  /** Of it, waited for a connection, and for the session's state on it. */
  readonly queueUs: number;
  readonly restoreUs: number;
  readonly rowsSent: number;
  readonly rowsAffected: number;
  /** The error number; 0: none. */
  readonly errorCode: number;
  /** `answered`; `lost`: the connection ended first; `pipelined`: nobody has waited for its answer. */
  readonly outcome: "answered" | "lost" | "pipelined";
}

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
  readonly #digests = new Map<string, string>();
  /** Counts up by the share; a statement is logged when it passes a hundred. */
  #sampled = 0;
  #toldDropped = 0;

  constructor(file: LogFile, rules: AuditRules) {
    this.#file = file;
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
  }): void {
    if (this.#isFor(facts.user)) this.#write({ event, ...facts });
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

  statement(statement: LoggedStatement): void {
    const { user, errorCode } = statement;
    if (!this.#isFor(user)) return;
    this.#sampled += this.#rules.samplePercent;
    const isChosen = this.#sampled >= 100;
    if (isChosen) this.#sampled -= 100;
    else if (errorCode === 0) return;
    const { bytes, start, end, digestText, rowsSent, rowsAffected, outcome, ...facts } = statement;
    const limit = Math.min(end, start + this.#rules.textMaxBytes);
    const text = maskPasswords(textOf(bytes, start, limit));
    const trace = traceOf(bytes, start, text);
    this.#write({
      event: "statement",
      session: facts.session,
      user,
      client: facts.client,
      db: facts.db,
      server: facts.server,
      command: facts.command,
      text,
      ...(limit < end ? { text_bytes: end - start } : {}),
      ...(digestText === "" ? {} : { digest: this.#digestOf(digestText) }),
      ...(trace === undefined ? {} : { trace }),
      ...(outcome === "answered"
        ? {
          us: Math.round(facts.totalUs),
          ...(facts.queueUs > 0 ? { queue_us: Math.round(facts.queueUs) } : {}),
          ...(facts.restoreUs > 0 ? { restore_us: Math.round(facts.restoreUs) } : {}),
          rows: rowsSent,
          affected: rowsAffected,
        }
        : { outcome }),
      ...(errorCode === 0 ? {} : { error: errorCode }),
    });
  }

  #isFor(user: string): boolean {
    return (this.#users.size === 0 || this.#users.has(user)) && !this.#except.has(user);
  }

  #write(entry: object): void {
    const { dropped } = this.#file;
    const time = new Date().toISOString();
    if (dropped > this.#toldDropped) {
      const count = dropped - this.#toldDropped;
      this.#toldDropped = dropped;
      this.#file.write(`${JSON.stringify({ time, event: "dropped", count })}\n`);
    }
    this.#file.write(`{"time":"${time}",${JSON.stringify(entry).slice(1)}\n`);
  }

  #digestOf(text: string): string {
    const known = this.#digests.get(text);
    if (known !== undefined) return known;
    if (this.#digests.size >= DIGESTS_MAX) this.#digests.clear();
    const digest = createHash("sha256").update(text, "latin1").digest("hex");
    this.#digests.set(text, digest);
    return digest;
  }

  close(): void {
    this.#file.close();
  }
}

const DIGESTS_MAX = 10_000;

/** The slow log of a worker. */
export class SlowLog {
  /** Statements that took as long are logged, in microseconds. */
  readonly thresholdUs: number;
  readonly #file: LogFile;
  readonly #textMaxBytes: number;
  #db = "";

  constructor(
    file: LogFile,
    options: { readonly thresholdUs: number; readonly textMaxBytes: number },
  ) {
    this.#file = file;
    this.thresholdUs = options.thresholdUs;
    this.#textMaxBytes = options.textMaxBytes;
  }

  get dropped(): number {
    return this.#file.dropped;
  }

  /** Source: "The Slow Query Log" of the MySQL manual. */
  statement(statement: LoggedStatement): void {
    const { user, client, session, totalUs, rowsSent, rowsAffected, bytes, start, end } = statement;
    const now = Date.now();
    const limit = Math.min(end, start + this.#textMaxBytes);
    const text = maskPasswords(textOf(bytes, start, limit)).replace(/;\s*$/, "");
    const host = client.replace(/:\d+$/, "");
    const isLocal = host === "localhost";
    const inDb = statement.db !== this.#db && statement.db !== "" ? `use ${statement.db};\n` : "";
    if (statement.db !== "") this.#db = statement.db;
    const seconds = (us: number) => (us / 1_000_000).toFixed(6);
    this.#file.write(
      `# Time: ${new Date(now).toISOString().replace("Z", "000Z")}\n` +
        `# User@Host: ${user}[${user}] @ ${isLocal ? "localhost" : ""} [${isLocal ? "" : host}]` +
        `  Id: ${session}\n` +
        `# Query_time: ${seconds(totalUs)}  Lock_time: 0.000000 Rows_sent: ${rowsSent}` +
        `  Rows_examined: 0 Rows_affected: ${rowsAffected}\n` +
        `${inDb}SET timestamp=${Math.floor((now - totalUs / 1000) / 1000)};\n${text};\n`,
    );
  }

  close(): void {
    this.#file.close();
  }
}

/** What a slow log begins with. */
export function slowLogHead(version: string): string {
  return `/usr/local/bin/mysqlproxy, Version: ${version}. started with:\nTcp port: 0  Unix socket: \n` +
    "Time                 Id Command    Argument\n";
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, end - start)).toString();
}

const TRACE = /\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b/;

/** A `traceparent` in a comment or in the query attributes. Source: "Trace Context" of the W3C. */
function traceOf(bytes: Uint8Array, start: number, text: string): string | undefined {
  if (text.includes("traceparent")) return TRACE.exec(text)?.[0];
  if (start < ATTRIBUTES_MIN) return undefined;
  const attributes = Buffer.from(bytes.buffer, bytes.byteOffset, start).toString("latin1");
  const at = attributes.indexOf("traceparent");
  return at < 0 ? undefined : TRACE.exec(attributes.slice(at))?.[0];
}

/** Where a text starts behind attributes that hold a trace. */
const ATTRIBUTES_MIN = 60;
