// The whole password on the wire, in the three forms of MySQL's SHA-2 plugins: as it is over a
// secure transport, or encrypted with the other side's RSA key, which can be asked for first.

import { Credential } from "./credential.ts";
import { terminated, unterminated } from "./digests.ts";
import type { ClientChallenge, ServerChallenge, ServerStep, Verdict } from "./plugin.ts";
import { encryptPassword } from "./rsa.ts";
import { verifyPassword } from "./stored_hash.ts";

/** The password in the form the transport allows; over an open one the server's key must be known. */
export function sendPassword(options: ServerChallenge): ServerStep {
  const password = options.credential.reveal();
  if (options.secureTransport) return { send: terminated(password) };
  const publicPem = options.serverPublicKey;
  if (publicPem === undefined) return { fail: "the password needs TLS or the server's public key" };
  const made = encryptPassword(password, { salt: options.challenge, publicPem });
  return "fail" in made ? made : { send: made.encrypted };
}

/** What a packet of a client gives. */
export type Reading =
  | { readonly password: Uint8Array }
  | { readonly more: Uint8Array }
  | { readonly deny: "with password" };

const DENIED: Reading = { deny: "with password" };

/** Reads the password that a client sends in full, and answers one request for the public key. */
export class PasswordReader {
  readonly #options: ClientChallenge;
  readonly #requestByte: number;
  #keySent = false;

  /** `requestByte`: the one-byte packet that asks for the key; each plugin has its own. */
  constructor(options: ClientChallenge, requestByte: number) {
    this.#options = options;
    this.#requestByte = requestByte;
  }

  /** One packet of the client: a password, a request for the key, or neither. */
  async read(packet: Uint8Array): Promise<Reading> {
    const { challenge, rsaKey, secureTransport } = this.#options;
    if (packet.length === 1 && packet[0] === this.#requestByte) {
      // A second request would let a client keep the login going for nothing.
      if (this.#keySent) return DENIED;
      this.#keySent = true;
      return { more: await rsaKey.publicPem() };
    }
    // After the key was asked for, only the encrypted form is meant, whatever the transport.
    if (secureTransport && !this.#keySent) {
      const password = unterminated(packet);
      return password === undefined ? DENIED : { password };
    }
    const password = await rsaKey.decryptPassword(packet, challenge);
    return password === undefined ? DENIED : { password };
  }
}

/** The verdict for a clear password. */
export async function judgePassword(
  password: Uint8Array,
  options: ClientChallenge,
): Promise<Verdict> {
  for (const secret of options.secrets) {
    if (await verifyPassword(password, secret)) {
      return { accept: Credential.password(password), verified: true };
    }
  }
  if (!options.provisional) return { deny: "with password" };
  return { accept: Credential.password(password), verified: false };
}
