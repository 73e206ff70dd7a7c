// What an account's entry holds to check a password against: a stored hash, or the password itself.

import { inspect } from "node:util";
import { Credential } from "./credential.ts";

const MASK = "Secret(***)";

/**
 * One secret of an account. MySQL's accounts can have two at a time (`RETAIN CURRENT PASSWORD`).
 * Like a {@link Credential}, it prints as a mask.
 */
export class Secret {
  /** The stored hash in the server's own notation; empty for "no password"; undefined for a plain one. */
  readonly #hash: string | undefined;
  readonly #credential: Credential | undefined;

  private constructor(hash: string | undefined, credential: Credential | undefined) {
    this.#hash = hash;
    this.#credential = credential;
  }

  /** A secret known in full (from the configuration file). */
  static password(password: string | Uint8Array): Secret {
    return new Secret(undefined, Credential.password(password));
  }

  /** A hash as in `mysql.user.authentication_string`; the empty string stands for no password. */
  static hash(hash: string): Secret {
    return new Secret(hash, undefined);
  }

  /** The stored hash, or undefined when the password itself is known. */
  get hash(): string | undefined {
    return this.#hash;
  }

  /** The password as a credential, when it is known or known to be empty. */
  get credential(): Credential | undefined {
    return this.#hash === "" ? EMPTY_PASSWORD : this.#credential;
  }

  /** Whether the account has no password. */
  get isEmpty(): boolean {
    return this.credential?.isEmpty ?? false;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** The credential of an account without a password. */
export const EMPTY_PASSWORD: Credential = Credential.password("");

/**
 * The secret of an account that does not exist: a hash of the plugin's form that no password has,
 * so that a wrong name takes as long as a wrong password.
 */
export function decoySecret(plugin: string): Secret {
  switch (plugin) {
    case "mysql_native_password":
      return Secret.hash(`*${"0".repeat(40)}`);
    case "sha256_password":
      return Secret.hash(`$5$${"x".repeat(20)}$${"z".repeat(43)}`);
    case "client_ed25519":
      return Secret.hash("A".repeat(43));
    default:
      return Secret.hash(`$A$005$${"x".repeat(20)}${"z".repeat(43)}`);
  }
}
