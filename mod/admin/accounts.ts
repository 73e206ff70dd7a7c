// Who may log in to the admin port over TCP. The unix socket needs no account: its file lets in who
// may.

import { type AccountSnapshot, staticAccounts } from "../auth/mod.ts";
import type { Config } from "../config/mod.ts";
import type { AdminRole } from "./view.ts";

/** The account that may only read. */
export const STATS_USER = "stats";
/** The account that may do all. */
export const ADMIN_USER = "admin";

const THIS_MACHINE = ["127.0.0.1", "::1", "localhost"];

/**
 * The accounts of a configuration: `admin` and `stats` with their passwords, and the proxy's own.
 * Only where neither `admin` nor that one has a password, both come in without from this machine.
 */
export function adminAccounts({ account, admin, revision }: Config): AccountSnapshot {
  const users = [];
  if (account) users.push(userOf(account.user, account.password, "%"));
  if (admin.password !== "") users.push(userOf(ADMIN_USER, admin.password, "%"));
  if (admin.statsPassword !== "") users.push(userOf(STATS_USER, admin.statsPassword, "%"));
  if (!account && admin.password === "") {
    for (const host of THIS_MACHINE) {
      users.push(userOf(ADMIN_USER, "", host));
      if (admin.statsPassword === "") users.push(userOf(STATS_USER, "", host));
    }
  }
  return staticAccounts(users, { revision }).snapshot;
}

function userOf(name: string, password: string, host: string) {
  const secret = { kind: "password" as const, password };
  return { name, host, secret, require: "none" as const };
}

/** What an account may do. */
export function roleOf(user: string): AdminRole {
  return user === STATS_USER ? "stats" : "admin";
}
