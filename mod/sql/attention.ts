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
  /** May be about the cluster: SHOW CLUSTER and the like, DRAIN, ENABLE or SET SERVER. */
  CLUSTER: 16,
} as const;

const UNDERSCORE = 0x5f;
const ANY_START = Attention.KILL | Attention.PROCESSLIST | Attention.ACCOUNTS | Attention.CLUSTER;

/** What a statement may be by its first two letters, in lower case. */
const BY_START = new Map<number, number>();
for (
  const [letters, found] of [
    ["ki", Attention.KILL],
    ["sh", Attention.PROCESSLIST | Attention.CLUSTER],
    ["en", Attention.CLUSTER],
    ["cr", Attention.ACCOUNTS],
    ["al", Attention.ACCOUNTS],
    ["dr", Attention.ACCOUNTS | Attention.CLUSTER],
    ["gr", Attention.ACCOUNTS],
    ["fl", Attention.ACCOUNTS],
    ["re", Attention.ACCOUNTS],
  ] as const
) BY_START.set(letters.charCodeAt(0) | (letters.charCodeAt(1) << 8), found);

/** A first byte that starts or ends a comment or is blank hides the first word. */
const HIDES = new Uint8Array(256);
for (const letter of "/*-# \t\r\n\f\v") HIDES[letter.charCodeAt(0)] = 1;

const SE = 0x73 | (0x65 << 8);
const LETTER_L = 0x6c;
const LETTER_R = 0x72;

function byStart(bytes: Uint8Array, start: number, end: number): number {
  if (HIDES[bytes[start]] === 1) return ANY_START;
  if (end - start < 3) return Attention.NONE;
  const letters = (bytes[start] | 0x20) | ((bytes[start + 1] | 0x20) << 8);
  // Most statements are SELECT: told from SET by the third letter, without a look-up.
  if (letters === SE) {
    if ((bytes[start + 2] | 0x20) === LETTER_L) return Attention.NONE;
    return mayBeSetServer(bytes, start, end)
      ? Attention.ACCOUNTS | Attention.CLUSTER
      : Attention.ACCOUNTS;
  }
  return BY_START.get(letters) ?? Attention.NONE;
}

/** Drivers send SET all the time: of SET SERVER the letters "ser" or a comment must follow. */
function mayBeSetServer(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start + 3;
  while (at < end && (bytes[at] === 0x20 || (bytes[at] >= 0x09 && bytes[at] <= 0x0d))) at++;
  if (at >= end) return false;
  if (HIDES[bytes[at]] === 1) return true;
  return end - at > 2 && ((bytes[at] | 0x20) | ((bytes[at + 1] | 0x20) << 8)) === SE &&
    (bytes[at + 2] | 0x20) === LETTER_R;
}

/**
 * Tells cheaply what a statement may contain. Never misses anything; may say too much.
 *
 * @returns A set of `Attention` flags.
 */
export function attention(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return Attention.NONE;
  let found = byStart(bytes, start, end);
  for (let at = start + 1; at < end - 1; at++) {
    // Of connection_id the "n_id" is enough.
    if (
      bytes[at] === UNDERSCORE && (bytes[at + 1] | 0x20) === 0x69 &&
      (bytes[at + 2] | 0x20) === 0x64 && (bytes[at - 1] | 0x20) === 0x6e
    ) found |= Attention.CONNECTION_ID;
  }
  return found;
}
