// What proves an account: a password, or the SHA-1 of one. Printing it in any way shows only a mask.

import { timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

const MASK = "Credential(***)";

/**
 * Something that can log in at a server. The secret is in a private field, so that neither
 * `console.log`, nor `JSON.stringify`, nor a template string, nor an error can show it.
 */
export class Credential {
  /**
   * `password`: the bytes of a password, good for every plugin. `native`: the SHA-1 of a password
   * (recovered from a client's answer), good for mysql_native_password alone.
   */
  readonly kind: "password" | "native";
  readonly #secret: Uint8Array;

  private constructor(kind: "password" | "native", secret: Uint8Array) {
    this.kind = kind;
    this.#secret = secret;
  }

  /** A credential from a password; a string is taken as UTF-8, bytes are taken as they are. */
  static password(password: string | Uint8Array): Credential {
    return new Credential("password", Uint8Array.from(Buffer.from(password)));
  }

  /**
   * A credential from SHA1(password).
   *
   * @throws {RangeError} If it has not 20 bytes.
   */
  static nativeStage1(sha1: Uint8Array): Credential {
    if (sha1.length !== 20) {
      throw new RangeError(`Cannot make a credential: SHA-1 has 20 bytes, got ${sha1.length}`);
    }
    return new Credential("native", Uint8Array.from(sha1));
  }

  /** Whether the password is the empty one, with which a client sends no proof at all. */
  get isEmpty(): boolean {
    return this.kind === "password" && this.#secret.length === 0;
  }

  /** The secret's bytes; never to be written anywhere but into a plugin's answer. */
  reveal(): Uint8Array {
    return this.#secret;
  }

  /** Whether it is the same secret for the same plugins. Takes as long for any that is as long. */
  equals(other: Credential): boolean {
    const [one, another] = [this.#secret, other.#secret];
    return this.kind === other.kind && one.length === another.length &&
      timingSafeEqual(one, another);
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
