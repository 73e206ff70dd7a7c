// The proof that lets MariaDB's clients (from 11.4, and Connector/C 3.4) trust a certificate that no
// authority signed: only who knows the account's stored password can bind the certificate's
// fingerprint to the salt of this connection. It stands in the info of the login's OK packet.
// https://mariadb.com/docs/server/security/encryption/data-in-transit-encryption/zero-configuration-tls

import { digest, saltBytes } from "./digests.ts";

/** The kind of digest, in front of it: SHA-256. */
const SHA256_MARK = 1;

/** What the proof is made of. */
export interface CertificateProofOptions {
  /** `proofKey` of the accepted login: SHA1(SHA1(password)) or the ed25519 public key. */
  readonly proofKey: Uint8Array;
  /** The greeting's salt, 20 bytes. */
  readonly salt: Uint8Array;
  /** SHA-256 of the DER form of the certificate that the client was shown. */
  readonly fingerprint: Uint8Array;
}

/**
 * The info string of the OK packet: 0x01 and 64 hexadecimal digits. Without a password, and with
 * plugins that send it in full, there is no proof, and such clients will not trust the connection.
 */
export function certificateProof(options: CertificateProofOptions): Uint8Array {
  const { proofKey, salt, fingerprint } = options;
  const proof = digest("sha256", [proofKey, saltBytes(salt), fingerprint]);
  const info = new Uint8Array(1 + 2 * proof.length);
  info[0] = SHA256_MARK;
  info.set(Buffer.from(Buffer.from(proof).toString("hex").toUpperCase()), 1);
  return info;
}

/** SHA-256 of a certificate in DER form. */
export function certificateFingerprint(der: Uint8Array): Uint8Array {
  return digest("sha256", [der]);
}
