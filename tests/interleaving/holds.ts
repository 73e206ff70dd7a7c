// Which sessions hold a server connection: what docs/pooling.md says a pool cannot share, judged by
// what the session did and what a direct server answered. A program never needs more connections
// than there are: see rehearsal.ts. To take a session for a holder that is none costs a program some
// of its interleaving; the other way round it would wait for ever.

import { ServerStatus } from "../../mod/wire/mod.ts";
import type { Step } from "./program.ts";
import type { Answer } from "./session_client.ts";

/** Reasons that begin and end with statements; names tell several apart, as of several locks. */
interface Reason {
  readonly name: string;
  /** Begins it; the first group is what it is named by. */
  readonly begins: RegExp;
  /** Ends the one named by its first group, or without a group all of them. */
  readonly ends?: readonly RegExp[];
  /** It has to end as often as it has begun. */
  readonly counted?: true;
  /** A name without a schema is one of the current schema. */
  readonly inSchema?: true;
  /** Also where the statement fails. */
  readonly alsoFailed?: true;
}

const FOREIGN_LETTERS = "variable of foreign letters";
/** To prepare a text that sets it is enough. */
const FOREIGN_VARIABLE = /@[\w$.]*[\u0080-\uffff]/gi;

const REASONS: readonly Reason[] = [
  {
    name: "temporary table",
    begins: /\bCREATE (?:OR REPLACE )?TEMPORARY (?:TABLE|SEQUENCE) (?:IF NOT EXISTS )?([\w.{}]+)/gi,
    counted: true,
    inSchema: true,
    ends: [/\bDROP (?:TEMPORARY )?(?:TABLE|SEQUENCE) (?:IF EXISTS )?([\w.{}]+)/gi],
  },
  { name: "made by a procedure", begins: /\bCALL (?:\{db\}\.)?p_(?:temporary|prepared)\b/gi },
  {
    name: "locked tables",
    begins: /\b(?:LOCK TABLES?|FLUSH TABLES? [^;]*(?:WITH READ LOCK|FOR EXPORT))\b/gi,
    ends: [/\bUNLOCK TABLES?\b/gi],
  },
  {
    name: "user lock",
    begins: /\bGET_LOCK\('([^']+)'/gi,
    ends: [/\bRELEASE_LOCK\('([^']+)'/gi, /\bRELEASE_ALL_LOCKS\(\)/gi],
    counted: true,
  },
  {
    name: "handler",
    begins: /\bHANDLER ([\w.{}]+) OPEN(?: AS \w+)?/gi,
    ends: [/\bHANDLER ([\w.{}]+) CLOSE\b/gi],
  },
  { name: "XA", begins: /\bXA (?:START|BEGIN) /gi, ends: [/\bXA (?:COMMIT|ROLLBACK) /gi] },
  {
    name: "prepared statement",
    begins: /\bPREPARE (\w+) FROM\b/gi,
    ends: [/\b(?:DEALLOCATE|DROP) PREPARE (\w+)/gi],
  },
  {
    name: "next transaction",
    begins:
      /\bSET (?:TRANSACTION\b|@@(?:transaction_isolation|transaction_read_only|tx_isolation|tx_read_only)\b)/gi,
    ends: [/^(?:COMMIT|ROLLBACK)$/gi],
  },
  {
    name: "one-shot setting",
    begins: /\b(?:insert_id|identity) *:?=/gi,
    ends: [/^(?:INSERT|REPLACE)\b/gi],
  },
  { name: "random seed", begins: /\brand_seed[12] *:?=/gi },
  { name: "sequence", begins: /\b(?:NEXTVAL|LASTVAL|SETVAL|(?:NEXT|PREVIOUS) VALUE FOR)\b/gi },
  { name: "own trackers", begins: /\bsession_track_\w+ *:?=/gi },
  { name: "large variable", begins: /@large\b/gi },
  { name: FOREIGN_LETTERS, begins: FOREIGN_VARIABLE, alsoFailed: true },
  { name: "more warnings than kept", begins: /\bmax_error_count *:?= *[012]\b/gi },
  { name: "no metadata", begins: /\bresultset_metadata *:?=/gi },
  { name: "auto is null", begins: /\bsql_auto_is_null *:?=/gi },
  { name: "profile", begins: /\bprofiling\b/gi },
  { name: "optimizer trace", begins: /\boptimizer_trace\b/gi },
];

const ROLE_LEFT = "role of another user";

const BEGINS_AMONG_OTHERS = /\b(?:BEGIN|START TRANSACTION)\b[^;]*;/i;

/** The model of one session. */
export class Holds {
  /** Reasons that hold, each with what it is named by, and how often it has begun. */
  readonly #reasons = new Map<string, number>();
  /** Statements prepared in the binary protocol. */
  readonly #texts = new Map<string, string>();
  readonly #cursors = new Set<string>();
  /** The default schema as programs name it; empty: none, or not known. */
  schema = "";
  /** A role was chosen that a change of user may leave behind. */
  #hasRole = false;
  #inTransaction = false;
  #autocommit = true;
  /** Several statements in one text: as at the login, and now. */
  #multiAtLogin = false;
  #multi = false;

  /** Whether the session may hold a connection while nothing runs. */
  get holding(): boolean {
    return this.#inTransaction || this.#reasons.size > 0 || this.#cursors.size > 0 ||
      this.#multi !== this.#multiAtLogin;
  }

  /** Nothing is left of what was. */
  #clear(): void {
    this.#reasons.clear();
    this.#texts.clear();
    this.#cursors.clear();
    this.#inTransaction = false;
    this.#autocommit = true;
  }

  /** Learns of a step that a direct server has answered. */
  observe(step: Step, answer: Answer): void {
    switch (step.command) {
      case "enter":
        this.#clear();
        this.#hasRole = false;
        this.schema = step.database;
        this.#multi = this.#multiAtLogin = step.flags.includes("MULTI_STATEMENTS");
        return;
      case "init_db":
        if (answer.errorCode === 0) this.schema = step.database;
        break;
      case "set_option":
        if (answer.errorCode === 0) this.#multi = step.option === 0;
        return;
      case "leave":
        this.#multi = this.#multiAtLogin;
        this.#clear();
        this.schema = "";
        return;
      case "change_user":
        this.#clear();
        if (this.#hasRole) this.#reasons.set(ROLE_LEFT, 1);
        if (answer.errorCode === 0) this.schema = step.database;
        return;
      case "reset_connection":
        this.#clear();
        this.#hasRole = false;
        return;
      case "prepare":
        if (answer.errorCode === 0) this.#texts.set(step.statement, step.sql);
        if (step.sql.search(FOREIGN_VARIABLE) >= 0) this.#reasons.set(FOREIGN_LETTERS, 1);
        return;
      case "query":
        this.#statement(step.sql, answer);
        // One of several statements has failed, behind the one that has begun it.
        if (answer.errorCode !== 0 && BEGINS_AMONG_OTHERS.test(step.sql)) {
          this.#inTransaction = true;
        }
        break;
      case "execute":
        this.#cursors.delete(step.statement);
        if (answer.errorCode === 0 && (answer.status & ServerStatus.CURSOR_EXISTS) !== 0) {
          this.#cursors.add(step.statement);
        }
        this.#statement(this.#texts.get(step.statement) ?? "", answer);
        break;
      case "bulk":
        this.#statement(this.#texts.get(step.statement) ?? "", answer);
        break;
      case "fetch":
        if (answer.errorCode !== 0 || (answer.status & ServerStatus.LAST_ROW_SENT) !== 0) {
          this.#cursors.delete(step.statement);
        }
        break;
      case "reset":
      case "close":
        this.#cursors.delete(step.statement);
        return;
    }
    this.#readStatus(answer);
  }

  #readStatus({ status, errorCode }: Answer): void {
    if (errorCode === 0) {
      this.#inTransaction = (status & ServerStatus.IN_TRANS) !== 0;
      this.#autocommit = (status & ServerStatus.AUTOCOMMIT) !== 0;
      // An error tells no flags: a failed statement may well have begun a transaction.
    } else if (!this.#autocommit) this.#inTransaction = true;
  }

  #statement(sql: string, { errorCode }: Answer): void {
    for (const reason of REASONS) {
      const { name, begins, ends = [], counted = false } = reason;
      for (const end of ends) {
        if (errorCode === 0) {
          for (const [, what] of sql.matchAll(end)) this.#end(reason, this.#nameOf(reason, what));
        }
      }
      // What an error stopped may have come so far, in a procedure or as one of several statements.
      const failed = errorCode !== 0 && !/;|\bCALL\b/i.test(sql);
      if (failed && reason.alsoFailed !== true) continue;
      for (const [, what] of sql.matchAll(begins)) {
        const key = `${name} ${this.#nameOf(reason, what) ?? ""}`;
        this.#reasons.set(key, counted ? (this.#reasons.get(key) ?? 0) + 1 : 1);
      }
    }
    if (errorCode === 0) {
      for (const [, role = ""] of sql.matchAll(/\bSET ROLE (\S+)/gi)) {
        this.#hasRole = role.toUpperCase() !== "NONE";
        this.#reasons.delete(ROLE_LEFT);
      }
      for (const [, schema = ""] of sql.matchAll(/\bUSE ([\w{}]+)/gi)) this.schema = schema;
    }
  }

  #nameOf({ inSchema }: Reason, what: string | undefined): string | undefined {
    return inSchema && what?.includes(".") === false ? `${this.schema}.${what}` : what;
  }

  /** Ends a reason once; without `what` all of its name, however often they have begun. */
  #end({ name }: Reason, what: string | undefined): void {
    for (const [key, times] of [...this.#reasons]) {
      if (what === undefined ? !key.startsWith(`${name} `) : key !== `${name} ${what}`) continue;
      if (what !== undefined && times > 1) this.#reasons.set(key, times - 1);
      else this.#reasons.delete(key);
    }
  }
}
