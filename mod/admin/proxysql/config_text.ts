// The configuration's text without what nobody is to read.

import { allKeys } from "../../config/mod.ts";

/** Stands for what is hidden. */
const HIDDEN = '"********"';

const STRING = `"""[\\s\\S]*?"""|'''[\\s\\S]*?'''|"(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'`;

/**
 * Hides the values of keys for passwords and hashes, wherever they stand: in tables, in tables in one
 * line, behind dots and in comments.
 */
export function withoutSecrets(text: string): string {
  const names = new Set(allKeys().flatMap(({ key, secret }) => secret ? [key] : []));
  const value = new RegExp(
    `((?<![\\w-])["']?(?:${[...names].join("|")})["']?\\s*=\\s*)(${STRING}|[^\\s,}#]+)`,
    "g",
  );
  return text.replace(value, (_, before: string) => before + HIDDEN);
}
