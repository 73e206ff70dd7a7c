// Checks a clear password against the hashes that servers store. Formats, as read from mysql.user:
//   *HEX40                      mysql_native_password: SHA1(SHA1(password))
//   $A$RRR$<salt 20><43 chars>  caching_sha2_password: SHA-256 crypt, RRR thousand rounds (hex)
//   $B$RRR$<salt 20><base64>    caching_sha2_password (MySQL 9.7): PBKDF2-SHA512, RRR thousand rounds
//   $5$<salt 20>$<43 chars>     sha256_password: SHA-256 crypt, 5000 rounds
//   43 characters of base64     ed25519: public key

import { pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { equalSecrets } from "./digests.ts";
import { ed25519PublicKey, parseEd25519Hash } from "./ed25519_keys.ts";
import { nativeStage1, nativeStage2, parseNativeHash } from "./native_scramble.ts";
import { sha256Crypt } from "./sha256_crypt.ts";
import type { Secret } from "./secret.ts";

/**
 * Longest password that is checked against a hash, in bytes: the limit of MySQL's SHA-2 plugins,
 * and a bound on the work that a client can cause.
 */
export const HASHED_PASSWORD_MAX = 256;

const SALT_BYTES = 20;
const SHA256_PASSWORD_ROUNDS = 5000;
const PBKDF2_BYTES = 64;
const ROUNDS_UNIT = 1000;

/** Names of the plugins whose hashes are known here. */
export type HashPlugin =
  | "mysql_native_password"
  | "caching_sha2_password"
  | "sha256_password"
  | "client_ed25519";

/** Which plugin a stored hash belongs to by its form, or undefined when it is none of them. */
export function pluginOfHash(hash: string): HashPlugin | undefined {
  if (parseNativeHash(hash) !== undefined) return "mysql_native_password";
  if (parseIterated(hash) !== undefined) return "caching_sha2_password";
  if (parseSha256Password(hash) !== undefined) return "sha256_password";
  return parseEd25519Hash(hash) === undefined ? undefined : "client_ed25519";
}

/** Whether a clear password (without its terminator) belongs to an account's secret. */
export async function verifyPassword(password: Uint8Array, secret: Secret): Promise<boolean> {
  const credential = secret.credential;
  if (credential !== undefined) return equalSecrets(password, credential.reveal());
  const hash = secret.hash;
  if (hash === undefined || password.length === 0 || password.length > HASHED_PASSWORD_MAX) {
    return false;
  }
  const native = parseNativeHash(hash);
  if (native !== undefined) return equalSecrets(nativeStage2(nativeStage1(password)), native);
  const iterated = parseIterated(hash) ?? parseSha256Password(hash);
  if (iterated !== undefined) {
    const made = await iterated.make(password);
    return equalSecrets(Buffer.from(made), Buffer.from(iterated.encoded));
  }
  const publicKey = parseEd25519Hash(hash);
  return publicKey !== undefined && equalSecrets(ed25519PublicKey(password), publicKey);
}

interface IteratedHash {
  readonly encoded: string;
  make(password: Uint8Array): Promise<string>;
}

function parseIterated(hash: string): IteratedHash | undefined {
  const head = /^\$([AB])\$([0-9A-F]{3})\$/i.exec(hash);
  if (head === null) return undefined;
  const body = hash.slice(head[0].length);
  const salt = Buffer.from(body.slice(0, SALT_BYTES), "latin1");
  const encoded = body.slice(SALT_BYTES);
  const rounds = Number.parseInt(head[2], 16) * ROUNDS_UNIT;
  if (rounds === 0) return undefined;
  if (head[1].toUpperCase() === "A") {
    if (encoded.length !== 43) return undefined;
    return { encoded, make: (password) => sha256Crypt(password, { salt, rounds }) };
  }
  if (encoded.length !== 88) return undefined;
  return { encoded, make: (password) => pbkdf2Base64(password, salt, rounds) };
}

async function pbkdf2Base64(
  password: Uint8Array,
  salt: Uint8Array,
  rounds: number,
): Promise<string> {
  const key = await promisify(pbkdf2)(password, salt, rounds, PBKDF2_BYTES, "sha512");
  return key.toString("base64");
}

function parseSha256Password(hash: string): IteratedHash | undefined {
  if (!hash.startsWith("$5$") || hash.length !== 3 + SALT_BYTES + 1 + 43) return undefined;
  const salt = Buffer.from(hash.slice(3, 3 + SALT_BYTES), "latin1");
  if (hash[3 + SALT_BYTES] !== "$") return undefined;
  const encoded = hash.slice(3 + SALT_BYTES + 1);
  const rounds = SHA256_PASSWORD_ROUNDS;
  return { encoded, make: (password) => sha256Crypt(password, { salt, rounds }) };
}
