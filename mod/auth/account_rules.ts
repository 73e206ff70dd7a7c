// The rules that an account sets besides its password: locked, transport, expired password. They
// are looked at after the password was proved, so that a stranger learns nothing from them.

import type { Account, AccountPolicy, Requirement } from "./accounts.ts";
import {
  accessDenied,
  accountLocked,
  type AuthError,
  type ErrorSubject,
  passwordExpired,
} from "./auth_error.ts";

/** What is known of a client's TLS. */
export interface TlsFacts {
  /** Name of the cipher, as OpenSSL has it. */
  readonly cipher: string;
  /** The client's certificate, when it showed one that the proxy's authorities signed. */
  readonly certificate?: {
    /** In the `/C=…/CN=…` notation. */
    readonly subject: string;
    readonly issuer: string;
  };
}

/** What the rules are checked against. */
export interface RuleFacts {
  readonly subject: ErrorSubject;
  /** Absent when the connection has no TLS; a unix socket does not count as TLS here. */
  readonly tls?: TlsFacts;
  /** Whether the client gave CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS. */
  readonly handlesExpiredPasswords: boolean;
  readonly usingPassword: boolean;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** The outcome: an error, or a session, which may be confined to setting a new password. */
export type RuleOutcome = { readonly error: AuthError } | { readonly sandbox: boolean };

const DAY_MS = 86_400_000;

/** Applies an account's rules to a client that has proved the password. */
export function checkAccountRules(
  account: Account,
  policy: AccountPolicy,
  facts: RuleFacts,
): RuleOutcome {
  if (account.locked) return { error: accountLocked(facts.subject, policy.flavor) };
  if (!meetsRequirement(account.require, facts.tls)) {
    return { error: accessDenied(facts.subject, facts.usingPassword) };
  }
  if (!hasExpired(account, policy, facts.nowMs)) return { sandbox: false };
  const refused = policy.disconnectsOnExpiredPassword && !facts.handlesExpiredPasswords;
  return refused ? { error: passwordExpired() } : { sandbox: true };
}

function meetsRequirement(require: Requirement, tls: TlsFacts | undefined): boolean {
  switch (require.kind) {
    case "none":
      return true;
    case "ssl":
      return tls !== undefined;
    case "x509":
      return tls?.certificate !== undefined;
    case "specified": {
      if (tls?.certificate === undefined) return false;
      const { subject, issuer } = tls.certificate;
      return (require.cipher === "" || require.cipher === tls.cipher) &&
        (require.issuer === "" || require.issuer === issuer) &&
        (require.subject === "" || require.subject === subject);
    }
  }
}

function hasExpired(account: Account, policy: AccountPolicy, nowMs: number): boolean {
  if (account.expired) return true;
  const days = account.passwordLifetimeDays ?? policy.passwordLifetimeDays;
  if (days <= 0 || account.passwordChangedMs === undefined) return false;
  return nowMs >= account.passwordChangedMs + days * DAY_MS;
}
