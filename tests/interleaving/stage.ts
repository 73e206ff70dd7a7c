// Where a program is played: a port to connect to, and the names its words in braces stand for.
// Programs that run side by side have databases, accounts and roles of their own.

import type { AccountChoice } from "./program.ts";

/** A place to play programs at, one at a time. */
export interface Stage {
  readonly port: number;
  readonly names: StageNames;
  /** Clients may keep metadata: a shared pool does not offer it. */
  readonly cachesMetadata: boolean;
  /** Clients that read beside each session. */
  readonly crowd: number;
  /** Told that an answer is missing, while its client still waits for it, or had no connection. */
  readonly onLate?: () => Promise<void>;
}

/** What the words in braces stand for: `{db}`, `{db2}`, `{first}`, … */
export interface StageNames {
  /** The database with the program's tables, and a second one. */
  readonly db: string;
  readonly db2: string;
  /** The accounts; each has its name for a password. */
  readonly first: string;
  readonly second: string;
  readonly role1: string;
  readonly role2: string;
  /** Begins the names of what a whole server shares: user locks, XA transactions. */
  readonly lane: string;
}

/** The names of a lane. */
export function stageNames(lane: number): StageNames {
  const name = `lane${lane}`;
  return {
    db: `${name}_db`,
    db2: `${name}_db2`,
    first: `${name}_first`,
    second: `${name}_second`,
    role1: `${name}_role1`,
    role2: `${name}_role2`,
    lane: name,
  };
}

/** Puts the names in; `{id}` is the session's own connection id. */
export function withNames(text: string, names: StageNames & { readonly id: number }): string {
  if (!text.includes("{")) return text;
  return text.replace(
    /\{(db2?|first|second|role1|role2|lane|id)\}/g,
    (_, word: keyof typeof names) => String(names[word]),
  );
}

/** Name and password of an account. */
export function accountOf(
  choice: AccountChoice,
  names: StageNames,
): { readonly user: string; readonly password: string } {
  return { user: names[choice], password: names[choice] };
}

/** What a client sends where a statement asks for a local file. */
export const LOCAL_FILE: Uint8Array = Buffer.from("101\tone\n102\ttwo\nthree\tthree\n");
