// The few byte operations that all plugins share: digests, XOR, constant-time comparison, terminators.

import { timingSafeEqual } from "node:crypto";

/** Digest algorithms of the plugins. */
export type DigestName = "sha1" | "sha256" | "sha512";

const HASHES = { sha1: Bun.SHA1, sha256: Bun.SHA256, sha512: Bun.SHA512 };

/** The digest of several byte strings, one after the other. A login takes some eight of them. */
export function digest(name: DigestName, parts: readonly Uint8Array[]): Uint8Array {
  const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return HASHES[name].hash(bytes, new Uint8Array(HASHES[name].byteLength)) as Uint8Array;
}

/** `a` XOR `b`, where a shorter `b` is repeated. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] ^ b[i % b.length];
  return out;
}

/**
 * Whether two byte strings are equal, in a time that depends on their lengths only. Both are
 * digested first, so that not even the lengths of secrets are told apart quickly.
 */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return timingSafeEqual(digest("sha256", [a]), digest("sha256", [b]));
}

/** The bytes with a NUL after them: the protocol's form of a clear password. */
export function terminated(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 1);
  out.set(bytes);
  return out;
}

/** The bytes without the one NUL at their end, or undefined when there is none. */
export function unterminated(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length > 0 && bytes[bytes.length - 1] === 0 ? bytes.subarray(0, -1) : undefined;
}

/** The salt's 20 bytes; servers send a NUL behind them, which is no part of the salt. */
export function saltBytes(data: Uint8Array): Uint8Array {
  return data.length > SALT_LENGTH ? data.subarray(0, SALT_LENGTH) : data;
}

/** Length of the salt of all plugins but MariaDB's ed25519, in bytes. */
export const SALT_LENGTH = 20;
