// Snapshots between processes: secrets print as masks, so that sending them is a step of its own.

import {
  type Account,
  type AccountPolicy,
  type AccountSnapshot,
  AccountTable,
} from "./accounts.ts";
import { Secret } from "./secret.ts";

type PlainSecret = { readonly hash: string } | { readonly password: string };

interface PlainMethod {
  readonly plugin?: string;
  readonly secrets: readonly PlainSecret[];
}

type PlainAccount = Omit<Account, "methods"> & { readonly methods: readonly PlainMethod[] };

/** A snapshot as a plain value for structured clone or JSON. It holds secrets: never print it. */
export interface PlainSnapshot {
  readonly revision: number;
  readonly source: "config" | "server";
  readonly policy: AccountPolicy;
  readonly accounts: readonly PlainAccount[];
}

/** A snapshot made into a plain value. */
export function packSnapshot(snapshot: AccountSnapshot): PlainSnapshot {
  const { revision, source, policy, table } = snapshot;
  const accounts = table.accounts.map((account) => ({
    ...account,
    methods: account.methods.map(({ plugin, secrets }) => ({
      ...(plugin === undefined ? {} : { plugin }),
      secrets: secrets.map(packSecret),
    })),
  }));
  return { revision, source, policy, accounts };
}

/** The snapshot that a plain value was made of. */
export function unpackSnapshot(plain: PlainSnapshot): AccountSnapshot {
  const { revision, source, policy } = plain;
  const accounts = plain.accounts.map((account): Account => ({
    ...account,
    methods: account.methods.map(({ plugin, secrets }) => ({
      plugin,
      secrets: secrets.map(unpackSecret),
    })),
  }));
  return { revision, source, policy, table: new AccountTable(accounts, policy.flavor) };
}

function packSecret(secret: Secret): PlainSecret {
  if (secret.hash !== undefined) return { hash: secret.hash };
  return { password: Buffer.from(secret.credential?.reveal() ?? []).toString("base64") };
}

function unpackSecret(plain: PlainSecret): Secret {
  if ("hash" in plain) return Secret.hash(plain.hash);
  return Secret.password(Buffer.from(plain.password, "base64"));
}
