// Control plane of logins: chooses the mode, reads the server's accounts, keeps the store fresh.

import {
  AccountSync,
  chooseMode,
  Credential,
  CredentialStore,
  LearnedPasswords,
  type OwnEndpoint,
  staticAccounts,
  type SyncOutcome,
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
  /** Accounts have changed: reads them again, if at all; resolves when that is done, or has failed. */
  refresh(): Promise<void>;
  /** From now on they are read at another server. */
  readAt(address: ServerAddress): void;
  /** Logins are decided as another configuration says. */
  reconfigure(config: Config): void;
  stop(): void;
}

/** As `Credentials`, where accounts are read in this process. */
export interface OwnCredentials extends Credentials {
  /** Resolves after the first reading, or at once where there is none. */
  readonly ready: Promise<void>;
}

/** What the choice of a mode depends on before anything was read. */
function factsOf({ auth, users, account }: Config) {
  return { configured: auth.mode, users: users.length, hasAccount: account !== undefined };
}

/** Accounts are read from the server, or it is tried to. */
export function readsAccounts(config: Config): boolean {
  return config.account !== undefined && config.auth.mode !== "relay" &&
    chooseMode(factsOf(config)).mode === "relay";
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
  return new Reading(config, whole.of("auth"), options.onChange ?? (() => {}));
}

class Reading implements OwnCredentials {
  readonly store: CredentialStore;
  readonly ready: Promise<void>;
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #sync: AccountSync;
  #config: Config;
  /** Where accounts are read. */
  #address: ServerAddress;
  #isReading = false;
  #complaint = "";

  constructor(config: Config, log: Log, onChange: () => void) {
    this.#config = config;
    this.#log = log;
    this.#onChange = onChange;
    this.#address = config.backends[0]!;
    const learned = new LearnedPasswords({
      lifetimeMs: config.auth.learnedTtlMs,
      entriesMax: LEARNED_MAX,
      now: () => performance.now(),
    });
    this.store = new CredentialStore(chooseMode(factsOf(config)), learned);
    const interval = () => this.#config.auth.syncIntervalMs;
    this.#sync = new AccountSync({
      endpoint: () => ownEndpoint(this.#config, this.#address),
      get intervalMs() {
        return interval();
      },
      timeoutMs: READ_TIMEOUT_MS,
      onOutcome: (outcome) => this.#take(outcome),
    });
    this.#setUsers();
    this.#tell();
    this.#isReading = readsAccounts(config);
    this.ready = this.#isReading ? this.#sync.start().then(() => {}) : Promise.resolve();
  }

  async refresh(): Promise<void> {
    if (this.#isReading) await this.#sync.refreshNow();
  }

  readAt(address: ServerAddress): void {
    this.#address = address;
  }

  /** Where accounts are read as before, what is known of them counts until they are read again. */
  reconfigure(config: Config): void {
    const before = this.#config;
    this.#config = config;
    const wasReading = this.#isReading;
    this.#isReading = readsAccounts(config);
    // Where the servers are watched it is told which one is the primary.
    if (!config.account) this.#address = config.backends[0]!;
    const isOther = JSON.stringify([factsOf(before), before.users, before.account]) !==
      JSON.stringify([factsOf(config), config.users, config.account]);
    const isOtherPace = before.auth.syncIntervalMs !== config.auth.syncIntervalMs;
    if (isOther && !(wasReading && this.#isReading)) {
      this.#sync.stop();
      const choice = chooseMode(factsOf(config));
      if (choice.mode !== this.store.mode) this.store.forget();
      if (this.store.setMode(choice)) this.#tell();
      this.#onChange();
    }
    this.#setUsers();
    if (this.#isReading && (isOther || isOtherPace)) void this.#sync.start();
  }

  stop(): void {
    this.#sync.stop();
  }

  #tell(): void {
    const { mode, reason } = this.store;
    this.#log.info("authentication", { mode, reason });
  }

  /** Those of the configuration; without effect where they do not decide. */
  #setUsers(): void {
    if (this.store.mode !== "static") return;
    const { users, revision } = this.#config;
    const { snapshot, problems } = staticAccounts(users, { revision });
    for (const problem of problems) this.#log.warn(problem);
    if (this.store.setSnapshot(snapshot)) this.#onChange();
  }

  #take(outcome: SyncOutcome): void {
    if (!this.#isReading) return; // it was under way when the configuration changed
    if (outcome.kind !== "accounts" && outcome.reason !== this.#complaint) {
      this.#log.warn("accounts not read", { reason: outcome.reason });
    }
    this.#complaint = outcome.kind === "accounts" ? "" : outcome.reason;
    if (outcome.kind === "unreachable") return;
    const newer = outcome.kind === "accounts" && this.store.setSnapshot(outcome.snapshot);
    const readable = outcome.kind === "accounts" ? true : outcome.reason;
    const changed = this.store.setMode(chooseMode({ ...factsOf(this.#config), readable }));
    if (changed) this.#tell();
    if (changed || newer) this.#onChange();
  }
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
