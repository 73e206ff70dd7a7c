// MariaDB's variant of Ed25519: the private key is SHA512(password), for a password of any length;
// apart from that it is RFC 8032. Verification is the ordinary one.
// https://mariadb.com/docs/server/reference/plugins/authentication-plugins/authentication-plugin-ed25519

import { createPublicKey, verify } from "node:crypto";
import { digest } from "./digests.ts";

/** The order of the base point (RFC 8032, section 5.1). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** DER of "this is an Ed25519 public key", before its 32 bytes (RFC 8410). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** The public key of a password: 32 bytes. */
export function ed25519PublicKey(password: Uint8Array): Uint8Array {
  return expand(password).publicKey;
}

/** The 32 bytes of a stored public key (base64 of 43 characters), or undefined for other texts. */
export function parseEd25519Hash(hash: string): Uint8Array | undefined {
  return /^[0-9A-Za-z+/]{43}$/.test(hash) ? Buffer.from(hash, "base64") : undefined;
}

/** The signature (64 bytes) of a server's nonce with a password. */
export function ed25519Sign(password: Uint8Array, nonce: Uint8Array): Uint8Array {
  const { scalar, prefix, publicKey } = expand(password);
  const r = reduced(digest("sha512", [prefix, nonce]));
  const point = multiplyBase(r);
  const k = reduced(digest("sha512", [point, publicKey, nonce]));
  const signature = new Uint8Array(64);
  signature.set(point);
  signature.set(littleEndian((r + k * scalar) % ORDER), 32);
  return signature;
}

/** Whether a signature of a nonce belongs to a public key. */
export function ed25519Verify(
  signature: Uint8Array,
  options: { readonly nonce: Uint8Array; readonly publicKey: Uint8Array },
): boolean {
  if (signature.length !== 64) return false;
  try {
    const der = Buffer.concat([SPKI_PREFIX, options.publicKey]);
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    return verify(null, options.nonce, key, signature);
  } catch {
    // A stored key that is no point of the curve fits no signature.
    return false;
  }
}

interface ExpandedKey {
  readonly scalar: bigint;
  readonly prefix: Uint8Array;
  readonly publicKey: Uint8Array;
}

function expand(password: Uint8Array): ExpandedKey {
  const hash = digest("sha512", [password]);
  const clamped = Uint8Array.from(hash.subarray(0, 32));
  clamped[0] &= 0xf8;
  clamped[31] = (clamped[31] & 0x3f) | 0x40;
  const scalar = reduced(clamped);
  return { scalar, prefix: hash.subarray(32), publicKey: multiplyBase(scalar) };
}

function multiplyBase(scalar: bigint): Uint8Array {
  return curve().Point.BASE.multiply(scalar).toBytes();
}

/** The curve is set up with the first key: that takes longer than the rest of a login. */
function curve(): typeof import("@noble/curves/ed25519.js").ed25519 {
  const { ed25519 } = require(
    "@noble/curves/ed25519.js",
  ) as typeof import("@noble/curves/ed25519.js");
  return ed25519;
}

function reduced(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) % ORDER;
}

function littleEndian(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
}
