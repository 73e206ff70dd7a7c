// LIKE for answers that no table stands behind.

/** LIKE as a regular expression: % any characters, _ one; a backslash makes the next one plain. */
export function likePattern(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|([%_])|[.*+?^${}()|[\]\\]/g, (all, plain, wild) => {
    if (plain !== undefined) return /\w/.test(plain) ? plain : `\\${plain}`;
    if (wild !== undefined) return wild === "%" ? ".*" : ".";
    return `\\${all}`;
  });
  return new RegExp(`^${source}$`, "is");
}
