// Accounts from the configuration file, in the form that all accounts have.

import {
  type Account,
  type AccountSnapshot,
  AccountTable,
  DEFAULT_POLICY,
  type Requirement,
} from "./accounts.ts";
import { Secret } from "./secret.ts";
import { pluginOfHash } from "./stored_hash.ts";

/** A user of the configuration file; the shape of `UserAccount` of mod/config. */
export interface StaticUser {
  /** Account name; empty for the anonymous account. */
  readonly name: string;
  /** Host mask as in CREATE USER. */
  readonly host: string;
  readonly secret:
    | { readonly kind: "password"; readonly password: string }
    | { readonly kind: "hash"; readonly hash: string };
  /** Plugin that clients have to use; without one any will do where the password is given. */
  readonly plugin?: string;
  readonly require: "none" | "ssl" | "x509";
}

/** The accounts, and a sentence for each user that cannot be one. */
export interface StaticAccounts {
  readonly snapshot: AccountSnapshot;
  readonly problems: readonly string[];
}

/** Accounts of the configuration file. `revision` is the snapshot's. */
export function staticAccounts(
  users: readonly StaticUser[],
  options: { readonly revision: number },
): StaticAccounts {
  const accounts: Account[] = [];
  const problems: string[] = [];
  for (const user of users) {
    const account = staticAccount(user);
    if (typeof account === "string") problems.push(account);
    else accounts.push(account);
  }
  const table = new AccountTable(accounts, DEFAULT_POLICY.flavor);
  const { revision } = options;
  return { snapshot: { revision, source: "config", policy: DEFAULT_POLICY, table }, problems };
}

function staticAccount(user: StaticUser): Account | string {
  const base = {
    user: user.name,
    host: user.host,
    locked: false,
    expired: false,
    require: { kind: user.require } satisfies Requirement,
    userConnectionsMax: 0,
  };
  if (user.secret.kind === "password") {
    const secrets = [Secret.password(user.secret.password)];
    return { ...base, methods: [{ plugin: user.plugin, secrets }] };
  }
  // A hash says by its form which plugin it is for; another plugin could do nothing with it.
  const plugin = pluginOfHash(user.secret.hash);
  if (plugin === undefined) {
    return `Cannot use the hash of user "${user.name}"@"${user.host}": its form is not known`;
  }
  return { ...base, methods: [{ plugin, secrets: [Secret.hash(user.secret.hash)] }] };
}
