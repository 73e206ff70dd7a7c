// Salts and nonces for challenges, from the cryptographic generator.

import { SALT_LENGTH } from "./digests.ts";

/** Fills the array with random bytes: `crypto.getRandomValues`, or a fixed sequence in tests. */
export type RandomFill = (bytes: Uint8Array) => void;

/** The cryptographic generator. */
export function cryptoRandom(bytes: Uint8Array): void {
  crypto.getRandomValues(bytes);
}

/**
 * A salt of 20 bytes for a greeting. Like the servers' own salts it has only 7-bit bytes and
 * neither NUL (old clients take the salt as a C string) nor `$` (which separates the fields of the
 * hashes that are made with such salts).
 */
export function newSalt(random: RandomFill = cryptoRandom): Uint8Array {
  const salt = new Uint8Array(SALT_LENGTH);
  const pool = new Uint8Array(SALT_LENGTH * 2);
  let filled = 0;
  // A byte that may not be used is drawn again rather than mapped, so that all others stay equally likely.
  while (filled < salt.length) {
    random(pool);
    for (let i = 0; i < pool.length && filled < salt.length; i++) {
      const byte = pool[i] & 0x7f;
      if (byte !== 0 && byte !== 0x24) salt[filled++] = byte;
    }
  }
  return salt;
}

/** A nonce of the given length in bytes, every value possible. */
export function newNonce(length: number, random: RandomFill = cryptoRandom): Uint8Array {
  const nonce = new Uint8Array(length);
  random(nonce);
  return nonce;
}
