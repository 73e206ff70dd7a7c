// Who decides about a login and what is known for it: the mode, the accounts, the learned passwords.

import { type Account, accountKey, type AccountSnapshot } from "./accounts.ts";
import type { ClientAddress } from "./host_mask.ts";
import type { LearnedPasswords } from "./learned_passwords.ts";
import type { LearnedPassword } from "./plugin.ts";

/** Who decides about a login. */
export type CredentialMode = "relay" | "learned" | "synced" | "static";

/** What the choice of a mode depends on. */
export interface ModeFacts {
  /** `auth.mode` of the configuration. */
  readonly configured: "auto" | CredentialMode;
  /** Number of users in the configuration. */
  readonly users: number;
  /** The proxy's own account was given. */
  readonly hasAccount: boolean;
  /** The outcome of reading the accounts: `true`, or why not; undefined when it was not tried yet. */
  readonly readable?: true | string;
}

/** A mode and the reason for it, for the log and for SHOW PROPERTIES. */
export interface ModeChoice {
  readonly mode: CredentialMode;
  /** One sentence. */
  readonly reason: string;
  /** The server's accounts are still to be read for the first time: it may soon be another mode. */
  readonly isProvisional?: boolean;
}

/** Chooses the mode from what is configured and what could be read. */
export function chooseMode(facts: ModeFacts): ModeChoice {
  const { configured, users, hasAccount, readable } = facts;
  if (configured !== "auto" && configured !== "synced") {
    return { mode: configured, reason: `auth.mode is "${configured}"` };
  }
  if (configured === "auto" && users > 0) {
    return { mode: "static", reason: `the configuration has ${users} user(s)` };
  }
  if (!hasAccount) {
    return { mode: "relay", reason: "the proxy has no account of its own to read accounts with" };
  }
  if (readable === true) {
    return { mode: "synced", reason: "the proxy's account can read the server's accounts" };
  }
  return {
    mode: "relay",
    reason: readable ?? "the server's accounts have not been read yet",
    isProvisional: readable === undefined,
  };
}

/** What is known about a client that gave its name. */
export interface KnownClient {
  /** The account that applies; undefined when there is none, or none is known at all. */
  readonly account: Account | undefined;
  /** Under what `LearnedPasswords` keeps the password. */
  readonly key: string;
  readonly learned: LearnedPassword | undefined;
}

/**
 * The state behind all logins of a process. The snapshot and the mode are replaced as a whole; a
 * login that is under way keeps those it started with.
 */
export class CredentialStore {
  readonly learned: LearnedPasswords;
  #choice: ModeChoice;
  #snapshot: AccountSnapshot | undefined;

  constructor(choice: ModeChoice, learned: LearnedPasswords) {
    this.#choice = choice;
    this.learned = learned;
  }

  get mode(): CredentialMode {
    return this.#choice.mode;
  }

  /** Why it is this mode, in one sentence. */
  get reason(): string {
    return this.#choice.reason;
  }

  /** The server's accounts are still to be read for the first time. */
  get isProvisional(): boolean {
    return this.#choice.isProvisional === true;
  }

  /** The accounts in use; undefined in the modes that have none. */
  get snapshot(): AccountSnapshot | undefined {
    return this.#snapshot;
  }

  /** Changes the mode; true when it is another one than before, or is final now. */
  setMode(choice: ModeChoice): boolean {
    const changed = choice.mode !== this.#choice.mode ||
      (choice.isProvisional === true) !== this.isProvisional;
    this.#choice = choice;
    return changed;
  }

  /** Takes newer accounts; true when they were newer. */
  setSnapshot(snapshot: AccountSnapshot): boolean {
    const current = this.#snapshot;
    if (current?.source === snapshot.source && snapshot.revision <= current.revision) return false;
    this.#snapshot = snapshot;
    return true;
  }

  /** Accounts do not count any more, nor what was learned of them: others decide now. */
  forget(): void {
    this.#snapshot = undefined;
    this.learned.clear();
  }

  /** What is known about a client. */
  lookUp(user: string, address: ClientAddress): KnownClient {
    const account = this.#snapshot?.table.find(user, address);
    const key = accountKey(user, account);
    return { account, key, learned: this.learned.get(key) };
  }
}
