/**
 * Authentication: the plugins in both directions, accounts and their rules, what is known of
 * passwords, and the throttle of failures.
 *
 * Towards a client: {@link CredentialStore.lookUp} finds the account, {@link ClientLogin} runs the
 * conversation (`start` with the HandshakeResponse, `next` with each packet after `switch` or
 * `more`) and ends with `accept` or `reject`. Towards a server: {@link ServerLogin} answers the
 * greeting, each AuthSwitchRequest and each AuthMoreData. Nothing here reads a socket or a clock;
 * only {@link AccountSync} does I/O.
 *
 * @module
 */

export { Credential } from "./credential.ts";
export { Secret } from "./secret.ts";
export { newSalt, type RandomFill } from "./salt.ts";
export {
  accessDenied,
  accountLocked,
  type AuthError,
  type ErrorSubject,
  type Flavor,
  hostBlocked,
  mustResetPassword,
  passwordExpired,
  pluginNotLoaded,
  pluginNotSupportedByClient,
} from "./auth_error.ts";
export {
  type Account,
  accountKey,
  type AccountPolicy,
  type AccountSnapshot,
  AccountTable,
  type AuthMethod,
  DEFAULT_POLICY,
  type Requirement,
  yieldsCredential,
} from "./accounts.ts";
export {
  checkAccountRules,
  type RuleFacts,
  type RuleOutcome,
  type TlsFacts,
} from "./account_rules.ts";
export {
  type ClientAddress,
  clientAddress,
  type ClientAddressOptions,
  type HostMask,
  parseHostMask,
  shownHost,
} from "./host_mask.ts";
export { nativeHash } from "./native_scramble.ts";
export { type LearnedPassword, type ServerStep } from "./plugin.ts";
export { PLUGIN_NAMES } from "./plugins.ts";
export { type EncryptedPassword, encryptPassword, RsaKey } from "./rsa.ts";
export { type InitialAnswer, ServerLogin, type ServerLoginOptions } from "./server_login.ts";
export {
  ClientLogin,
  type ClientLoginOptions,
  type LoginAccepted,
  type LoginStep,
} from "./client_login.ts";
export { LearnedPasswords, type LearnedPasswordsOptions } from "./learned_passwords.ts";
export {
  chooseMode,
  type CredentialMode,
  CredentialStore,
  type KnownClient,
  type ModeChoice,
  type ModeFacts,
} from "./credential_store.ts";
export { type StaticAccounts, staticAccounts, type StaticUser } from "./static_accounts.ts";
export { connectAsOwn, type OwnEndpoint } from "./own_connection.ts";
export { AccountSync, type AccountSyncOptions, type SyncOutcome } from "./sync_accounts.ts";
export { packSnapshot, type PlainSnapshot, unpackSnapshot } from "./snapshot_transfer.ts";
export {
  FailureThrottle,
  type FailureThrottleOptions,
  type ThrottleDecision,
} from "./failure_throttle.ts";
export {
  certificateFingerprint,
  certificateProof,
  type CertificateProofOptions,
} from "./certificate_proof.ts";
