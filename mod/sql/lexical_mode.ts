// What changes the meaning of a statement's bytes: sql_mode, the client's charset, the server.

/** The charsets in which a byte below 0x80 may be something else than that ASCII character. */
export const Multibyte = {
  /** Any other charset. */
  NONE: 0,
  /** sjis and cp932. */
  SJIS: 1,
  BIG5: 2,
  GBK: 3,
  GB18030: 4,
  /** swe7, where the bytes of brackets and others are letters: such text is not understood. */
  SWE7: 5,
} as const;

/** How a session's sql_mode and charset change what bytes mean. */
export interface LexicalMode {
  /** sql_mode has NO_BACKSLASH_ESCAPES. */
  readonly noBackslashEscapes: boolean;
  /** Of character_set_client; a value of `Multibyte`. @default {Multibyte.NONE} */
  readonly multibyte?: number;
  /** sql_mode has ANSI_QUOTES; where it is not known, statements in which it matters are unknown. */
  readonly ansiQuotes?: boolean;
  /** Whose functions count as built-in; where it is not known, those that both servers have. */
  readonly server?: "mysql" | "mariadb";
}

/** The `Multibyte` of a charset by its name in any case, such as "gbk". */
export function multibyteOf(charset: string): number {
  switch (charset.toLowerCase()) {
    case "sjis":
    case "cp932":
      return Multibyte.SJIS;
    case "big5":
      return Multibyte.BIG5;
    case "gbk":
      return Multibyte.GBK;
    case "gb18030":
      return Multibyte.GB18030;
    case "swe7":
      return Multibyte.SWE7;
    default:
      return Multibyte.NONE;
  }
}

/**
 * How many bytes the multi-byte character at `at` has that may have an ASCII byte behind its first;
 * 1 where there is none. By the charsets' definitions in the MySQL manual, "Character Sets".
 *
 * @param charset A value of `Multibyte`.
 */
export function characterLength(
  bytes: Uint8Array,
  at: number,
  { limit, charset }: { readonly limit: number; readonly charset: number },
): number {
  const lead = bytes[at];
  if (lead < 0x81 || at + 1 >= limit) return 1;
  const next = bytes[at + 1];
  const low = next >= 0x40 && next <= 0x7e;
  switch (charset) {
    case Multibyte.SJIS:
      if (lead > 0x9f && (lead < 0xe0 || lead > 0xfc)) return 1;
      return low || (next >= 0x80 && next <= 0xfc) ? 2 : 1;
    case Multibyte.BIG5:
      return lead >= 0xa1 && lead <= 0xf9 && (low || (next >= 0xa1 && next <= 0xfe)) ? 2 : 1;
    case Multibyte.GBK:
      return lead <= 0xfe && (low || (next >= 0x80 && next <= 0xfe)) ? 2 : 1;
    case Multibyte.GB18030:
      if (lead > 0xfe) return 1;
      if (low || (next >= 0x80 && next <= 0xfe)) return 2;
      return next >= 0x30 && next <= 0x39 && at + 3 < limit && bytes[at + 2] >= 0x81 &&
          bytes[at + 2] <= 0xfe && bytes[at + 3] >= 0x30 && bytes[at + 3] <= 0x39
        ? 4
        : 1;
    default:
      return 1;
  }
}
