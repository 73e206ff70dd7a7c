// RSA-OAEP exchange of a password over a connection that is not encrypted; see "Caching SHA-2
// Pluggable Authentication" in MySQL's manual.

import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from "node:crypto";
import { promisify } from "node:util";
import { saltBytes, terminated, unterminated, xor } from "./digests.ts";

const MODULUS_BITS = 2048;
// OAEP with SHA-1 takes two digests and two bytes of the modulus.
const OAEP_OVERHEAD = 42;

/**
 * The proxy's own key pair. Making one takes tens of milliseconds, so it is made off the main
 * thread, at the first request, once.
 */
export class RsaKey {
  #pair: Promise<{ readonly privateKey: KeyObject; readonly publicPem: Uint8Array }> | undefined;
  readonly #privatePem: string | undefined;

  /** Without a PEM private key, a key of 2048 bits is made when it is first needed. */
  constructor(privatePem?: string) {
    this.#privatePem = privatePem;
  }

  /** The public key in PEM (SPKI), as sent to clients. */
  async publicPem(): Promise<Uint8Array> {
    return (await this.#keys()).publicPem;
  }

  /**
   * The password that a client sent, or undefined when the bytes do not decrypt to a terminated
   * one. `salt` is the challenge's; the client has XORed the password with it.
   */
  async decryptPassword(encrypted: Uint8Array, salt: Uint8Array): Promise<Uint8Array | undefined> {
    const { privateKey } = await this.#keys();
    try {
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const mixed = privateDecrypt({ key: privateKey, padding }, encrypted);
      return unterminated(xor(mixed, saltBytes(salt)));
    } catch {
      // Garbage from the network is an answer like any other: a wrong one.
      return undefined;
    }
  }

  #keys(): Promise<{ readonly privateKey: KeyObject; readonly publicPem: Uint8Array }> {
    this.#pair ??= makeKeys(this.#privatePem);
    return this.#pair;
  }
}

async function makeKeys(
  privatePem: string | undefined,
): Promise<{ readonly privateKey: KeyObject; readonly publicPem: Uint8Array }> {
  const privateKey = privatePem === undefined
    ? (await promisify(generateKeyPair)("rsa", { modulusLength: MODULUS_BITS })).privateKey
    : createPrivateKey(privatePem);
  const pem = createPublicKey(privateKey).export({ type: "spki", format: "pem" });
  return { privateKey, publicPem: Buffer.from(pem) };
}

/** The outcome of {@link encryptPassword}. */
export type EncryptedPassword = { readonly encrypted: Uint8Array } | { readonly fail: string };

/** A password encrypted for a server's public key (PEM), mixed with the server's salt. */
export function encryptPassword(
  password: Uint8Array,
  options: { readonly salt: Uint8Array; readonly publicPem: string },
): EncryptedPassword {
  let key: KeyObject;
  try {
    key = createPublicKey(options.publicPem);
  } catch {
    return { fail: "the server sent a public key that cannot be read" };
  }
  const modulusBytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const mixed = xor(terminated(password), saltBytes(options.salt));
  if (mixed.length > modulusBytes - OAEP_OVERHEAD) {
    return { fail: "the password is too long for the server's RSA key: use TLS" };
  }
  const encrypted = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, mixed);
  return { encrypted };
}
