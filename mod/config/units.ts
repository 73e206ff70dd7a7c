// Durations and sizes as people write them: "1h30m", "500ms", "64MiB".

const durationUnits: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

const sizeUnits: readonly (readonly [string, number])[] = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["B", 1],
];

/**
 * Reads a duration: `0`, or whole numbers each with a unit (d, h, m, s, ms), as in `1h30m`.
 *
 * @returns Milliseconds.
 * @throws {SyntaxError} If the text is no duration.
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!/^(\d{1,9}(d|h|ms|m|s))+$/.test(text)) {
    throw new SyntaxError('must be a duration such as "10s", "500ms" or "1h30m"');
  }
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([a-z]+)/g)) {
    ms += Number(count) * durationUnits.find(([name]) => name === unit)![1];
  }
  return ms;
}

/** Writes milliseconds with the largest units that need no fraction: 5400000 is `1h30m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  let text = "";
  let rest = ms;
  for (const [name, unit] of durationUnits) {
    const count = Math.floor(rest / unit);
    if (count > 0) text += `${count}${name}`;
    rest -= count * unit;
  }
  return text;
}

/**
 * Reads a size: a whole number with or without a unit (B, KiB, MiB, GiB).
 *
 * @returns Bytes.
 * @throws {SyntaxError} If the text is no size.
 */
export function parseSize(text: string): number {
  const match = /^(\d{1,15})\s*(GiB|MiB|KiB|B)?$/.exec(text);
  if (!match) throw new SyntaxError('must be a size such as "64MiB" or a number of bytes');
  const unit = sizeUnits.find(([name]) => name === (match[2] ?? "B"))!;
  return Number(match[1]) * unit[1];
}

/** Writes bytes with the largest unit that needs no fraction: 67108864 is `64MiB`. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return "0";
  const [name, unit] = sizeUnits.find(([, unit]) => bytes % unit === 0)!;
  return `${bytes / unit}${name}`;
}
