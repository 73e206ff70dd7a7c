// Control plane of logins: chooses the mode, reads the server's accounts, keeps the store fresh.

import {
  AccountSync,
  chooseMode,
  Credential,
  CredentialStore,
  LearnedPasswords,
  type OwnEndpoint,
  staticAccounts,
} from "../auth/mod.ts";
import type { Config, ServerAddress } from "../config/mod.ts";
import type { Log } from "../observe/mod.ts";
import { backendPem } from "./tls_context.ts";

/** Passwords kept in memory at most, in the modes that learn them. */
export const LEARNED_MAX = 10_000;
const READ_TIMEOUT_MS = 5000;

/** The store of a process and what keeps it fresh. */
export interface Credentials {
  readonly store: CredentialStore;
  /**
   * Accounts have changed: reads them again and resolves when that is done, or has failed.
   * Undefined where they are not read at all.
   */
  readonly refresh: (() => Promise<void>) | undefined;
  /** From now on they are read at another server. */
  readAt(address: ServerAddress): void;
  /** The accounts of the configuration are others; without effect where they do not decide. */
  setUsers(users: Config["users"], revision: number): void;
  stop(): void;
}

/** As `Credentials`, where accounts are read in this process. */
export interface OwnCredentials extends Credentials {
  /** Resolves after the first reading, or at once where there is none. */
  readonly ready: Promise<void>;
}

/**
 * Makes the store for a configuration and starts to read accounts if that is called for.
 *
 * @param options.onChange Told when the mode or the accounts have changed.
 */
export function startCredentials(
  config: Config,
  whole: Log,
  options: { readonly onChange?: () => void } = {},
): OwnCredentials {
  const log = whole.of("auth");
  const facts = {
    configured: config.auth.mode,
    users: config.users.length,
    hasAccount: config.account !== undefined,
  };
  const learned = new LearnedPasswords({
    lifetimeMs: config.auth.learnedTtlMs,
    entriesMax: LEARNED_MAX,
    now: () => performance.now(),
  });
  const store = new CredentialStore(chooseMode(facts), learned);
  const tell = () => log.info("authentication", { mode: store.mode, reason: store.reason });
  const setUsers = (users: Config["users"], revision: number) => {
    if (store.mode !== "static") return;
    const { snapshot, problems } = staticAccounts(users, { revision });
    for (const problem of problems) log.warn(problem);
    if (store.setSnapshot(snapshot)) options.onChange?.();
  };
  setUsers(config.users, config.revision);
  tell();
  const mayRead = config.account && store.mode === "relay" && config.auth.mode !== "relay";
  if (!mayRead) {
    return {
      store,
      refresh: undefined,
      ready: Promise.resolve(),
      readAt() {},
      setUsers,
      stop() {},
    };
  }
  let endpoint = ownEndpoint(config, config.backends[0]!);
  let complaint = "";
  const sync = new AccountSync({
    endpoint: () => endpoint,
    intervalMs: config.auth.syncIntervalMs,
    timeoutMs: READ_TIMEOUT_MS,
    onOutcome(outcome) {
      if (outcome.kind !== "accounts" && outcome.reason !== complaint) {
        log.warn("accounts not read", { reason: outcome.reason });
      }
      complaint = outcome.kind === "accounts" ? "" : outcome.reason;
      if (outcome.kind === "unreachable") return;
      const newer = outcome.kind === "accounts" && store.setSnapshot(outcome.snapshot);
      const readable = outcome.kind === "accounts" ? true : outcome.reason;
      const changed = store.setMode(chooseMode({ ...facts, readable }));
      if (changed) tell();
      if (changed || newer) options.onChange?.();
    },
  });
  const ready = sync.start().then(() => {});
  return {
    store,
    refresh: async () => void await sync.refreshNow(),
    ready,
    setUsers,
    readAt: (address) => void (endpoint = ownEndpoint(config, address)),
    stop: () => sync.stop(),
  };
}

/** How the proxy's own account gets to a server. */
export function ownEndpoint(config: Config, address: ServerAddress): OwnEndpoint {
  const { user, password } = config.account!;
  const base = { user, credential: Credential.password(password) };
  if (address.kind === "unix") return { ...base, socketPath: address.path };
  const { host, port } = address;
  const { mode } = config.backendTls;
  if (mode === "disabled") return { ...base, host, port };
  const verified = mode === "verify-ca" || mode === "verify-identity";
  const ssl = {
    ...backendPem(config.backendTls),
    rejectUnauthorized: verified,
    verifyIdentity: mode === "verify-identity",
  };
  return { ...base, host, port, ssl, sslOptional: mode === "preferred" };
}
