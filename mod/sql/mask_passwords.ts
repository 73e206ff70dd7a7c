// Statements as they may be written down.

const STRINGS = /'(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.|"")*(?:"|$)/gs;
const MAY_HOLD_PASSWORD = /identified|password/i;

/** The text, with all strings hidden where one of them may be a password. */
export function maskPasswords(text: string): string {
  return MAY_HOLD_PASSWORD.test(text) ? text.replace(STRINGS, "'***'") : text;
}
