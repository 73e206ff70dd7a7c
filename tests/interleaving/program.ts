// A program of the interleaving test: which session does what, one command at a time.

import type { ServerKind } from "../servers/mod.ts";

/** Sessions of a program by their letters. Each has tables of its own, named after the letter. */
export const SESSIONS = ["a", "b", "c", "d", "e", "f"] as const;

/** A session's letter. */
export type SessionName = typeof SESSIONS[number];

/** Capability flags that sessions differ in, each by its name in the protocol. */
export const VARIED_FLAGS = [
  "DEPRECATE_EOF",
  "SESSION_TRACK",
  "FOUND_ROWS",
  "MULTI_STATEMENTS",
  "QUERY_ATTRIBUTES",
  "INTERACTIVE",
  "IGNORE_SPACE",
  "OPTIONAL_RESULTSET_METADATA",
  "CACHE_METADATA",
  "EXTENDED_METADATA",
  "STMT_BULK_OPERATIONS",
] as const;

/** One of the flags that sessions differ in. */
export type VariedFlag = typeof VARIED_FLAGS[number];

/** Types of parameters as `COM_STMT_EXECUTE` names them; those with a `u` are unsigned. */
export type ParameterType =
  | "tiny"
  | "utiny"
  | "short"
  | "ushort"
  | "long"
  | "ulong"
  | "longlong"
  | "ulonglong"
  | "float"
  | "double"
  | "decimal"
  | "string"
  | "varchar"
  | "blob"
  | "json"
  | "date"
  | "datetime"
  | "timestamp"
  | "time"
  | "null";

/** A parameter of a prepared statement. The value is text, NULL, or left to COM_STMT_SEND_LONG_DATA. */
export interface Parameter {
  readonly type: ParameterType;
  readonly value: string | null | undefined;
}

/** The account of a login: one with all privileges, or one with few. */
export type AccountChoice = "first" | "second";

/** What a session does in one step. Names of prepared statements are the session's own. */
export type Action =
  | {
    readonly command: "enter";
    readonly account: AccountChoice;
    readonly database: string;
    readonly collation: number;
    readonly flags: readonly VariedFlag[];
  }
  | { readonly command: "leave"; readonly how: "quit" | "abort" }
  | { readonly command: "query"; readonly sql: string; readonly attributes?: number }
  | { readonly command: "prepare"; readonly statement: string; readonly sql: string }
  | {
    readonly command: "execute" | "bulk";
    readonly statement: string;
    /** Open a read-only cursor. */
    readonly cursor: boolean;
    /** Whether the types are sent; without, the server remembers those sent last. */
    readonly bind: boolean;
    /** For "bulk" as many for each row as the statement has. */
    readonly parameters: readonly Parameter[];
  }
  | {
    readonly command: "long_data";
    readonly statement: string;
    readonly parameter: number;
    readonly data: string;
  }
  | { readonly command: "fetch"; readonly statement: string; readonly rows: number }
  | { readonly command: "reset" | "close"; readonly statement: string }
  | { readonly command: "init_db"; readonly database: string }
  | { readonly command: "field_list"; readonly table: string; readonly wildcard: string }
  | { readonly command: "set_option"; readonly option: number }
  | {
    readonly command: "change_user";
    readonly account: AccountChoice;
    readonly database: string;
    readonly collation: number;
  }
  | { readonly command: "ping" | "reset_connection" };

/** An action of one session. */
export type Step = Action & {
  readonly session: SessionName;
  /** Sent in one piece with the session's next step, without a wait for the answer. */
  readonly together?: true;
  /** The statement kind it was made by, for counting. */
  readonly kind?: string;
};

/** Whether a step may be sent in one piece with others: it neither ends nor changes the connection. */
export function mayGoTogether(step: Step): boolean {
  if (step.command === "enter" || step.command === "leave") return false;
  return step.command !== "change_user" && !/\b(?:LOAD|KILL|RELEASE)\b/i.test(textOf(step));
}

/** How many server connections programs have: each has one of these. */
export const POOL_SIZES = [1, 2] as const;

/** What is played: the steps in their order. */
export interface Program {
  /** The kinds of server it is for. */
  readonly servers: readonly ServerKind[];
  /** Sessions that may hold a server connection at the same time. */
  readonly connections: number;
  readonly steps: readonly Step[];
}

/** The sessions that take part. */
export function sessionsOf(program: Program): SessionName[] {
  const taking = new Set(program.steps.map(({ session }) => session));
  return SESSIONS.filter((name) => taking.has(name));
}

/** The statement text of a step, if it has one. */
export function textOf(step: Step): string {
  return "sql" in step ? step.sql : "";
}
