// Optimizer hints: SET_VAR in one sets a variable for its statement and sets it back, and MySQL tells
// of that with its next OK packet, whoever's statement that is.

/** The text may have an optimizer hint. */
export function hasOptimizerHint(bytes: Uint8Array, start: number): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("/*+", start) >= 0;
}
