// The first look at a statement: does anything in it concern the proxy itself?
// Hot path: one pass over the bytes, nothing allocated; most statements end here.

/** What may be in a statement; a reason to look closer. */
export const Attention = {
  NONE: 0,
  /** May be KILL. */
  KILL: 1,
  /** May be SHOW PROCESSLIST. */
  PROCESSLIST: 2,
  /** May call CONNECTION_ID(). */
  CONNECTION_ID: 4,
  /** May change accounts (CREATE/ALTER/DROP/RENAME USER, GRANT, REVOKE, SET PASSWORD, FLUSH). */
  ACCOUNTS: 8,
} as const;

const UNDERSCORE = 0x5f;
const FIRST = new Uint8Array(256);
for (const letter of ["k", "K"]) FIRST[letter.charCodeAt(0)] = Attention.KILL;
for (const letter of ["s", "S"]) {
  FIRST[letter.charCodeAt(0)] = Attention.PROCESSLIST | Attention.ACCOUNTS;
}
for (const letter of "cCaAdDrRgGfF") FIRST[letter.charCodeAt(0)] = Attention.ACCOUNTS;
// A comment or blank in front hides the first word: look closer.
for (const letter of "/-# \t\r\n\f\v(") {
  FIRST[letter.charCodeAt(0)] = Attention.KILL | Attention.PROCESSLIST | Attention.ACCOUNTS;
}

/**
 * Tells cheaply what a statement may contain. Never misses anything; may say too much.
 *
 * @returns A set of `Attention` flags.
 */
export function attention(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return Attention.NONE;
  let found = FIRST[bytes[start]!]!;
  for (let at = start + 1; at < end - 1; at++) {
    // Of connection_id the "n_id" is enough.
    if (
      bytes[at] === UNDERSCORE && (bytes[at + 1]! | 0x20) === 0x69 &&
      (bytes[at + 2]! | 0x20) === 0x64 && (bytes[at - 1]! | 0x20) === 0x6e
    ) found |= Attention.CONNECTION_ID;
  }
  return found;
}
