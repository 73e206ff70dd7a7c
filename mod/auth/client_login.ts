// The proxy as a server: finds out whether a client is who it says, switching it to the account's
// plugin where needed. It makes payloads and takes payloads; sending them is the caller's business.

import { type Account, type AccountPolicy, type AuthMethod } from "./accounts.ts";
import { checkAccountRules, type TlsFacts } from "./account_rules.ts";
import {
  accessDenied,
  type AuthError,
  type ErrorSubject,
  pluginNotLoaded,
  pluginNotSupportedByClient,
} from "./auth_error.ts";
import type { Credential } from "./credential.ts";
import { type ClientAddress, shownHost } from "./host_mask.ts";
import type {
  Accepted,
  AuthPlugin,
  ClientConversation,
  LearnedPassword,
  Verdict,
} from "./plugin.ts";
import { findPlugin } from "./plugins.ts";
import type { RsaKey } from "./rsa.ts";
import { cryptoRandom, type RandomFill } from "./salt.ts";
import { decoySecret, type Secret } from "./secret.ts";

/** All that is known about a client when its HandshakeResponse (or COM_CHANGE_USER) has come. */
export interface ClientLoginOptions {
  /** User name as the client gave it. */
  readonly user: string;
  readonly address: ClientAddress;
  /** The account found for them; absent when there is none. */
  readonly account?: Account;
  readonly policy: AccountPolicy;
  /** The salt of the greeting, 20 bytes. */
  readonly salt: Uint8Array;
  /** Whether the client is connected over TLS or a unix socket. */
  readonly secureTransport: boolean;
  /** The client's TLS, to be given whenever it has one. */
  readonly tls?: TlsFacts;
  /** Whether the client gave CLIENT_PLUGIN_AUTH and so can be switched. */
  readonly pluginAuth: boolean;
  /** Whether the client gave CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS. */
  readonly handlesExpiredPasswords: boolean;
  /** The plugin that the greeting announced; unknown users are asked for this one. */
  readonly defaultPlugin: string;
  readonly rsaKey: RsaKey;
  /** What is remembered under the account's key, if anything. */
  readonly learned?: LearnedPassword;
  /**
   * There are no accounts to check against: get the password, with `defaultPlugin` or, if that one
   * does not give it, with caching_sha2_password, and let the server decide.
   *
   * @default {false}
   */
  readonly provisional?: boolean;
  /** Milliseconds since 1970, for passwords that expire. */
  readonly now: () => number;
  /** @default {cryptoRandom} */
  readonly random?: RandomFill;
}

/** A login that succeeded as far as the proxy can tell. */
export interface LoginAccepted {
  readonly kind: "accept";
  readonly account?: Account;
  /** What can log in at the server; undefined when the client's proof did not show it. */
  readonly credential: Credential | undefined;
  /** False when nothing was checked: the client gets its OK only after the server's. */
  readonly verified: boolean;
  /** Payload of an AuthMoreData packet (after its 0x01) to send right before the OK packet. */
  readonly preface?: Uint8Array;
  /** Only statements that set a new password are allowed (1820 for the others). */
  readonly sandbox: boolean;
  /** Input of `certificateProof`, where the plugin has one. */
  readonly proofKey?: Uint8Array;
}

/** What to do next in a client's login. */
export type LoginStep =
  /** Send an AuthSwitchRequest with this plugin and data, and read the answer. */
  | { readonly kind: "switch"; readonly plugin: string; readonly data: Uint8Array }
  /** Send AuthMoreData with this after its 0x01, and read the answer. */
  | { readonly kind: "more"; readonly data: Uint8Array }
  | LoginAccepted
  /** Send this error and close. */
  | { readonly kind: "reject"; readonly error: AuthError };

interface Candidate {
  readonly plugin: AuthPlugin;
  readonly secrets: readonly Secret[];
}

/** One login of a client: `start` once, then `next` for each packet until `accept` or `reject`. */
export class ClientLogin {
  readonly #options: ClientLoginOptions;
  readonly #subject: ErrorSubject;
  /** Ways to prove the account that were not tried yet. */
  readonly #candidates: Candidate[];
  #conversation: ClientConversation | undefined;
  #switching = false;

  constructor(options: ClientLoginOptions) {
    this.#options = options;
    this.#subject = { user: options.user, host: shownHost(options.address) };
    this.#candidates = [];
  }

  /**
   * The client's first answer: the plugin it names (undefined without CLIENT_PLUGIN_AUTH) and its
   * answer to the greeting's salt.
   */
  async start(plugin: string | undefined, answer: Uint8Array): Promise<LoginStep> {
    const started = plugin ?? "mysql_native_password";
    this.#candidates.push(...candidates(this.#options, started));
    const first = this.#candidates.shift();
    if (first === undefined) {
      const missing = this.#options.account?.methods[0]?.plugin ?? "";
      return { kind: "reject", error: pluginNotLoaded(missing) };
    }
    if (first.plugin.name !== started || !this.#answersGreeting(first.plugin, answer)) {
      return this.#switchTo(first);
    }
    this.#conversation = this.#converse(first, this.#options.salt);
    return await this.#judge(this.#conversation.first(answer));
  }

  /** A packet of the client after `switch` or `more`. */
  async next(packet: Uint8Array): Promise<LoginStep> {
    const conversation = this.#conversation;
    if (conversation === undefined) {
      throw new TypeError("Cannot continue the login: it was not started or is over");
    }
    const first = this.#switching;
    this.#switching = false;
    return await this.#judge(first ? conversation.first(packet) : conversation.next(packet));
  }

  /**
   * Whether the first answer was made for the greeting's salt. A client that does not have the
   * greeting's plugin names its own and sends nothing, which is no empty password: it waits to be
   * switched.
   */
  #answersGreeting(plugin: AuthPlugin, answer: Uint8Array): boolean {
    const { defaultPlugin, pluginAuth } = this.#options;
    if (!plugin.answersGreeting) return false;
    return answer.length > 0 || plugin.name === defaultPlugin || !pluginAuth;
  }

  #switchTo(candidate: Candidate): LoginStep {
    if (!this.#options.pluginAuth) return this.#end(pluginNotSupportedByClient());
    const random = this.#options.random ?? cryptoRandom;
    const data = candidate.plugin.challenge(this.#options.salt, random);
    this.#conversation = this.#converse(candidate, data);
    this.#switching = true;
    return { kind: "switch", plugin: candidate.plugin.name, data };
  }

  #converse(candidate: Candidate, challenge: Uint8Array): ClientConversation {
    const { secureTransport, tls, rsaKey, learned, provisional } = this.#options;
    return candidate.plugin.towardsClient({
      challenge,
      secureTransport,
      tls: tls !== undefined,
      rsaKey,
      secrets: candidate.secrets,
      ...(learned === undefined ? {} : { learned }),
      provisional: provisional ?? false,
    });
  }

  async #judge(pending: Verdict | Promise<Verdict>): Promise<LoginStep> {
    const verdict = await pending;
    if ("more" in verdict) return { kind: "more", data: verdict.more };
    if ("accept" in verdict) return this.#accept(verdict);
    const following = this.#candidates.shift();
    if (following !== undefined) return this.#switchTo(following);
    if ("error" in verdict) return this.#end(verdict.error);
    return this.#end(accessDenied(this.#subject, verdict.deny === "with password"));
  }

  #accept(verdict: Accepted): LoginStep {
    const { account, policy, tls, handlesExpiredPasswords, now } = this.#options;
    this.#conversation = undefined;
    // Nobody is let in under a name without an account, whatever a decoy's conversation came to.
    if (account === undefined && !this.#options.provisional) {
      return this.#end(accessDenied(this.#subject, true));
    }
    const result = { kind: "accept", credential: verdict.accept, ...rest(verdict) } as const;
    if (account === undefined) return { ...result, sandbox: false };
    const outcome = checkAccountRules(account, policy, {
      subject: this.#subject,
      ...(tls === undefined ? {} : { tls }),
      handlesExpiredPasswords,
      usingPassword: !(verdict.accept?.isEmpty ?? false),
      nowMs: now(),
    });
    if ("error" in outcome) return this.#end(outcome.error);
    return { ...result, account, sandbox: outcome.sandbox };
  }

  #end(error: AuthError): LoginStep {
    this.#conversation = undefined;
    return { kind: "reject", error };
  }
}

function rest(verdict: Accepted): Omit<Accepted, "accept"> {
  const { accept: _credential, ...others } = verdict;
  return others;
}

/** Plugins with which a client gives the password itself. */
const GIVING_PASSWORD: ReadonlySet<string> = new Set([
  "caching_sha2_password",
  "sha256_password",
  "mysql_clear_password",
]);

/** The ways to prove an account, in its own order, without those the proxy cannot check. */
function candidates(options: ClientLoginOptions, started: string): Candidate[] {
  const { account, defaultPlugin } = options;
  if (account === undefined) {
    // What a client proves without giving the password would be of no use to the server.
    const usable = !options.provisional || GIVING_PASSWORD.has(defaultPlugin);
    const plugin = findPlugin(usable ? defaultPlugin : "caching_sha2_password");
    // An unknown user goes through the same conversation as a known one, against a password that nobody has.
    const secrets = options.provisional ? [] : [decoySecret(defaultPlugin)];
    return plugin === undefined ? [] : [{ plugin, secrets }];
  }
  return account.methods.flatMap((method) => {
    const plugin = methodPlugin(method, { started, defaultPlugin });
    return plugin === undefined ? [] : [{ plugin, secrets: method.secrets }];
  });
}

function methodPlugin(
  method: AuthMethod,
  choice: { readonly started: string; readonly defaultPlugin: string },
): AuthPlugin | undefined {
  if (method.plugin !== undefined) return findPlugin(method.plugin);
  // With the password known any plugin will do: the client's own saves a switch. A clear password
  // is never asked for by choice.
  const started = findPlugin(choice.started);
  const usable = started !== undefined && started.name !== "mysql_clear_password";
  return usable ? started : findPlugin(choice.defaultPlugin);
}
