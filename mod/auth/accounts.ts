// Accounts as the proxy knows them, and the table in which the one for a client is found.

import type { Flavor } from "./auth_error.ts";
import {
  type ClientAddress,
  compareSpecificity,
  type HostMask,
  parseHostMask,
} from "./host_mask.ts";
import { digest } from "./digests.ts";
import { findPlugin } from "./plugins.ts";
import type { Secret } from "./secret.ts";

/** One way to prove an account. MariaDB's accounts can have several (`VIA … OR …`). */
export interface AuthMethod {
  /**
   * The plugin as the server names it; undefined for "the one the client starts with", possible
   * only where the password itself is known.
   */
  readonly plugin: string | undefined;
  /** Any of these proves it; MySQL's accounts can have two. */
  readonly secrets: readonly Secret[];
}

/** What an account demands of the connection (`REQUIRE …`). */
export type Requirement =
  | { readonly kind: "none" | "ssl" | "x509" }
  | {
    readonly kind: "specified";
    /** Each is demanded when it is not empty; subject and issuer in the `/C=…/CN=…` notation. */
    readonly subject: string;
    readonly issuer: string;
    readonly cipher: string;
  };

/** An account. */
export interface Account {
  /** Empty for the anonymous user, who may have any name. */
  readonly user: string;
  /** Host part as written. */
  readonly host: string;
  readonly methods: readonly AuthMethod[];
  readonly locked: boolean;
  /** `PASSWORD EXPIRE` was said. */
  readonly expired: boolean;
  /** Last change of the password, in milliseconds since 1970; undefined when it is not known. */
  readonly passwordChangedMs?: number;
  /** Days a password lives; 0: for ever; undefined: the policy's default. */
  readonly passwordLifetimeDays?: number;
  readonly require: Requirement;
  /** Sessions at a time; 0: no limit of its own; MariaDB's -1: none may connect. */
  readonly userConnectionsMax: number;
}

/** What a server says about all accounts. */
export interface AccountPolicy {
  /** Whose texts and whose order of accounts. */
  readonly flavor: Flavor;
  /** Whether host names count in host parts (`skip_name_resolve` is off). */
  readonly resolvesNames: boolean;
  /** `default_password_lifetime`, in days; 0: for ever. */
  readonly passwordLifetimeDays: number;
  /** Refuse clients that cannot handle an expired password (`disconnect_on_expired_password`). */
  readonly disconnectsOnExpiredPassword: boolean;
}

/** The policy for accounts of the configuration file: MySQL's defaults. */
export const DEFAULT_POLICY: AccountPolicy = {
  flavor: "mysql",
  resolvesNames: true,
  passwordLifetimeDays: 0,
  disconnectsOnExpiredPassword: true,
};

/** All accounts of one reading: an immutable value with a number. */
export interface AccountSnapshot {
  /** Grows with each change. */
  readonly revision: number;
  readonly source: "config" | "server";
  readonly policy: AccountPolicy;
  readonly table: AccountTable;
}

interface Row {
  readonly account: Account;
  readonly user: string;
  readonly mask: HostMask;
  /** Place in the order of all accounts. */
  readonly rank: number;
}

/** Accounts in the order in which a server tries them. Immutable. */
export class AccountTable {
  readonly #rows: readonly Row[];
  readonly #byUser = new Map<string, Row[]>();

  /** Accounts in any order; where specificity leaves it open the given order stays. */
  constructor(accounts: readonly Account[], flavor: Flavor) {
    this.#rows = accounts
      .map((account) => ({
        account,
        user: account.user,
        mask: parseHostMask(account.host, flavor),
      }))
      .sort((a, b) => compareSpecificity(a, b, flavor))
      .map((row, rank) => ({ ...row, rank }));
    for (const row of this.#rows) {
      const rows = this.#byUser.get(row.user);
      if (rows === undefined) this.#byUser.set(row.user, [row]);
      else rows.push(row);
    }
  }

  /** All accounts, most specific first. */
  get accounts(): readonly Account[] {
    return this.#rows.map((row) => row.account);
  }

  /**
   * The account that a client logs in as: the most specific one that matches both parts. As at a
   * server, its password then decides; a less specific account is not tried.
   */
  find(user: string, address: ClientAddress): Account | undefined {
    const named = firstMatch(this.#byUser.get(user), address);
    const anonymous = user === "" ? undefined : firstMatch(this.#byUser.get(""), address);
    if (named === undefined || anonymous === undefined) return (named ?? anonymous)?.account;
    return named.rank < anonymous.rank ? named.account : anonymous.account;
  }
}

function firstMatch(rows: readonly Row[] | undefined, address: ClientAddress): Row | undefined {
  return rows?.find((row) => row.mask.matches(address));
}

/**
 * The key under which a password of an account is remembered. It changes with the account's stored
 * hashes, so that nothing remembered outlives a change of the password.
 */
export function accountKey(user: string, account: Account | undefined): string {
  if (account === undefined) return user;
  const hashes = account.methods.flatMap((method) =>
    method.secrets.map((secret) => Buffer.from(`${secret.hash ?? ""}\0`))
  );
  const version = Buffer.from(digest("sha256", hashes)).toString("base64");
  return [user, account.user, account.host, version].join("\0");
}

/**
 * Whether a client that proves this account also shows something to log in with at the server.
 * If not, its login has to be relayed.
 */
export function yieldsCredential(account: Account): boolean {
  return account.methods.some((method) => {
    const plugin = method.plugin === undefined ? undefined : findPlugin(method.plugin);
    if (method.secrets.some((secret) => secret.credential !== undefined)) return true;
    return plugin !== undefined && plugin.name !== "client_ed25519" && method.secrets.length > 0;
  });
}
