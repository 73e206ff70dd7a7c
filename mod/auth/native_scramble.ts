// The arithmetic of mysql_native_password: answer = SHA1(pw) XOR SHA1(salt + SHA1(SHA1(pw))).
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_native_password_authentication.html

import { digest, equalSecrets, saltBytes, xor } from "./digests.ts";

/** SHA1(password): enough to log in. */
export function nativeStage1(password: Uint8Array): Uint8Array {
  return digest("sha1", [password]);
}

/** SHA1(SHA1(password)): what servers store. */
export function nativeStage2(stage1: Uint8Array): Uint8Array {
  return digest("sha1", [stage1]);
}

/** What servers store of a password, as `*HEX40`; empty for no password. */
export function nativeHash(password: string): string {
  if (password === "") return "";
  const hash = nativeStage2(nativeStage1(new TextEncoder().encode(password)));
  return `*${Buffer.from(hash).toString("hex").toUpperCase()}`;
}

/** The 20 bytes of a stored `*HEX40`, or undefined when the text is not of that form. */
export function parseNativeHash(hash: string): Uint8Array | undefined {
  return /^\*[0-9A-F]{40}$/i.test(hash) ? Buffer.from(hash.slice(1), "hex") : undefined;
}

/** A client's answer to a salt. */
export function nativeScramble(stage1: Uint8Array, salt: Uint8Array): Uint8Array {
  return xor(stage1, digest("sha1", [saltBytes(salt), nativeStage2(stage1)]));
}

/**
 * SHA1(password) out of a client's answer, or undefined when the answer does not fit the stored
 * hash (`stage2`).
 */
export function recoverNativeStage1(
  answer: Uint8Array,
  options: { readonly salt: Uint8Array; readonly stage2: Uint8Array },
): Uint8Array | undefined {
  if (answer.length !== 20) return undefined;
  const stage1 = xor(answer, digest("sha1", [saltBytes(options.salt), options.stage2]));
  return equalSecrets(nativeStage2(stage1), options.stage2) ? stage1 : undefined;
}
