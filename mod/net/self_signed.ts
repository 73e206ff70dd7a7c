// Makes a self-signed X.509 certificate for TLS when nobody gave one. Runtimes can sign but not write
// certificates, so the few ASN.1 forms needed are written here. Source: RFC 5280, DER of X.690.

import { createHash, generateKeyPair, randomBytes, sign } from "node:crypto";
import { promisify } from "node:util";

/** A certificate and its private key, both PEM. */
export interface CertificateAndKey {
  /** PKCS #8. Never to be printed or logged. */
  readonly key: string;
  readonly cert: string;
}

const DAY_MS = 86_400_000;
/** Clocks of client machines may be behind. */
const NOT_BEFORE_MS = DAY_MS;

/**
 * Makes a certificate with an elliptic key (P-256, SHA-256) that is valid for `localhost`,
 * `127.0.0.1` and `::1` and signs itself, so that it can be trusted by naming it as authority.
 *
 * @param options.commonName The subject, 1 to 64 characters.
 * @param options.days Validity from now, at least 1.
 */
export async function selfSignedCertificate(
  options: { readonly commonName: string; readonly days: number },
): Promise<CertificateAndKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const publicKeyInfo = publicKey.export({ type: "spki", format: "der" });
  const now = Date.now();
  const name = sequence(set(sequence(oid(COMMON_NAME), utf8(options.commonName))));
  const certificate = sequence(
    explicit(0, integer(Buffer.of(2))), // version 3
    integer(positive(randomBytes(16))),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - NOT_BEFORE_MS), time(now + options.days * DAY_MS)),
    name,
    publicKeyInfo,
    explicit(3, sequence(...extensions(publicKeyInfo))),
  );
  const signature = sign("sha256", certificate, privateKey);
  const der = sequence(certificate, ECDSA_WITH_SHA256, bitString(signature));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    cert: pem("CERTIFICATE", der),
  };
}

const COMMON_NAME = [2, 5, 4, 3];
const SUBJECT_KEY_ID = [2, 5, 29, 14];
const KEY_USAGE = [2, 5, 29, 15];
const SUBJECT_ALT_NAME = [2, 5, 29, 17];
const BASIC_CONSTRAINTS = [2, 5, 29, 19];
const EXTENDED_KEY_USAGE = [2, 5, 29, 37];
const SERVER_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 1];
const ECDSA_WITH_SHA256 = sequence(oid([1, 2, 840, 10045, 4, 3, 2]));

const TRUE = tagged(0x01, Buffer.of(0xff));
/** digitalSignature and keyCertSign: bits 0 and 5, two bits unused. */
const KEY_USAGE_BITS = tagged(0x03, Buffer.of(2, 0x84));

/** GeneralNames: [2] dNSName, [7] iPAddress. */
const SUBJECT_ALT_NAMES = sequence(
  tagged(0x82, Buffer.from("localhost", "latin1")),
  tagged(0x87, Buffer.of(127, 0, 0, 1)),
  tagged(0x87, Buffer.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
);

function extensions(publicKeyInfo: Buffer): Buffer[] {
  const keyId = createHash("sha1").update(publicKeyInfo).digest();
  return [
    extension(BASIC_CONSTRAINTS, { critical: true, value: sequence(TRUE) }),
    extension(KEY_USAGE, { critical: true, value: KEY_USAGE_BITS }),
    extension(EXTENDED_KEY_USAGE, { critical: false, value: sequence(oid(SERVER_AUTH)) }),
    extension(SUBJECT_KEY_ID, { critical: false, value: tagged(0x04, keyId) }),
    extension(SUBJECT_ALT_NAME, { critical: false, value: SUBJECT_ALT_NAMES }),
  ];
}

function extension(id: readonly number[], options: { critical: boolean; value: Buffer }): Buffer {
  const critical = options.critical ? [TRUE] : [];
  return sequence(oid(id), ...critical, tagged(0x04, options.value));
}

/** A tag, the length of the content in as few bytes as DER demands, the content. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function set(part: Buffer): Buffer {
  return tagged(0x31, part);
}

function explicit(number: number, part: Buffer): Buffer {
  return tagged(0xa0 | number, part);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

/** Makes big-endian bytes a positive number without leading zeros: a serial number must be one. */
function positive(bytes: Buffer): Buffer {
  bytes[0] = (bytes[0] & 0x7f) | 0x40;
  return bytes;
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

function utf8(text: string): Buffer {
  return tagged(0x0c, Buffer.from(text));
}

/** UTCTime up to 2049, GeneralizedTime from 2050, as RFC 5280 prescribes. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  return digits < "2050"
    ? tagged(0x17, Buffer.from(digits.slice(2)))
    : tagged(0x18, Buffer.from(digits));
}

function oid(numbers: readonly number[]): Buffer {
  const [first = 0, second = 0, ...rest] = numbers;
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
