// SHA-256 crypt (the "$5$" scheme), which MySQL uses for `$A$` and `$5$` hashes with 20-byte salts.
// It is the scheme's published specification; the salt is not cut to 16 bytes, as MySQL does not.

import { createHash } from "node:crypto";

const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// The order in which the scheme takes the digest's bytes, in groups of three.
const BYTE_ORDER = [
  [0, 10, 20],
  [21, 1, 11],
  [12, 22, 2],
  [3, 13, 23],
  [24, 4, 14],
  [15, 25, 5],
  [6, 16, 26],
  [27, 7, 17],
  [18, 28, 8],
  [9, 19, 29],
] as const;

// A round takes about 0.6 µs: the event loop is given back about once a millisecond.
const ROUNDS_PER_SLICE = 1000;

/** What a hash is made with. */
export interface Sha256CryptOptions {
  /** Salt, any length. */
  readonly salt: Uint8Array;
  /** Number of rounds. */
  readonly rounds: number;
}

/**
 * The 43 characters of the hash of a password. It works in slices of about a millisecond and lets
 * other work run between them.
 */
export async function sha256Crypt(
  password: Uint8Array,
  options: Sha256CryptOptions,
): Promise<string> {
  const { salt, rounds } = options;
  let state = firstDigest(password, salt);
  const p = repeatDigest(password, password.length, password.length);
  const s = repeatDigest(salt, 16 + state[0], salt.length);
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && round % ROUNDS_PER_SLICE === 0) await nextTurn();
    const hash = createHash("sha256");
    hash.update((round & 1) === 1 ? p : state);
    if (round % 3 !== 0) hash.update(s);
    if (round % 7 !== 0) hash.update(p);
    hash.update((round & 1) === 1 ? state : p);
    state = hash.digest();
  }
  return encode(state);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function firstDigest(password: Uint8Array, salt: Uint8Array): Uint8Array {
  const inner = createHash("sha256").update(password).update(salt).update(password).digest();
  const hash = createHash("sha256").update(password).update(salt);
  hash.update(stretch(inner, password.length));
  for (let bits = password.length; bits > 0; bits >>= 1) {
    hash.update((bits & 1) === 1 ? inner : password);
  }
  return hash.digest();
}

/** The digest of `times` copies of the bytes, stretched or cut to `length`. */
function repeatDigest(bytes: Uint8Array, times: number, length: number): Uint8Array {
  const hash = createHash("sha256");
  for (let i = 0; i < times; i++) hash.update(bytes);
  return stretch(hash.digest(), length);
}

function stretch(block: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = block[i % block.length];
  return out;
}

function encode(digest: Uint8Array): string {
  let out = "";
  for (const [a, b, c] of BYTE_ORDER) {
    out += group((digest[a] << 16) | (digest[b] << 8) | digest[c], 4);
  }
  return out + group((digest[31] << 8) | digest[30], 3);
}

function group(bits: number, characters: number): string {
  let out = "";
  for (let i = 0, rest = bits; i < characters; i++, rest >>= 6) out += ALPHABET[rest & 0x3f];
  return out;
}
