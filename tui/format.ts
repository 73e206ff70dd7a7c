// Numbers, times and texts as the screens show them: short, aligned, and the same width for the
// same kind of thing. Pure.

/** What stands for a value that is not known. */
export const UNKNOWN = "–";

/** What could not be known, or has not been measured. */
export type Maybe<T> = T | null | undefined;

const UNITS = ["", "k", "M", "G", "T"] as const;

/** A count in at most five characters: `812`, `4.21k`, `12.4k`, `1.30M`. */
export function count(value: Maybe<number>): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  return scaled(value, 1000, (size) => (size < 10 ? 2 : size < 100 ? 1 : 0));
}

/** Events a second: as `count`, with one decimal below ten so that slow is told from nothing. */
export function rate(value: Maybe<number>): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  if (value > 0 && value < 0.05) return "<0.1";
  return value > 0 && value < 9.95 ? value.toFixed(1) : count(value);
}

/** Bytes, in powers of 1024: `512B`, `4.0K`, `116M`. */
export function bytes(value: Maybe<number>): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (Math.abs(value) < 1024) return `${Math.round(value)}B`;
  return scaled(value, 1024, (size) => (size < 10 ? 1 : 0)).replace("k", "K");
}

/** A number with the unit that leaves three digits of it; `decimals` is for numbers with a unit. */
function scaled(value: number, base: number, decimals: (size: number) => number): string {
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= base * 0.9995 && unit < UNITS.length - 1) {
    size /= base;
    unit++;
  }
  return size.toFixed(unit === 0 ? 0 : decimals(Math.abs(size))) + UNITS[unit];
}

/** Microseconds: `85µs`, `2.1ms`, `120ms`, `1.2s`, from a minute on as `duration`. */
export function micros(value: Maybe<number>): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (value === 0) return "0";
  if (value < 999.5) return `${Math.max(1, Math.round(value))}µs`;
  return millis(value / 1000);
}

/** Milliseconds: `0.3ms`, `12ms`, `1.2s`, from a minute on as `duration`. */
export function millis(value: Maybe<number>): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (value === 0) return "0";
  if (value < 9.95) return `${value.toFixed(1)}ms`;
  if (value < 999.5) return `${Math.round(value)}ms`;
  if (value < 9950) return `${(value / 1000).toFixed(1)}s`;
  return duration(value / 1000);
}

/** Seconds of something that mostly takes less than one: `12ms`, `2.4s`, `3m04s`. */
export function elapsed(seconds: Maybe<number>): string {
  return seconds === null || seconds === undefined ? "" : micros(seconds * 1e6);
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds, in the two largest units: `8s`, `3m04s`, `2h05m`, `3d04h`, `412d`. */
export function duration(seconds: Maybe<number>): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m${two(whole % MINUTE)}s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)}h${two(Math.floor(whole % HOUR / MINUTE))}m`;
  const days = Math.floor(whole / DAY);
  return days < 100 ? `${days}d${two(Math.floor(whole % DAY / HOUR))}h` : `${days}d`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** A part of one as percent: `0%`, `0.02%`, `3.1%`, `42%`. */
export function percent(part: Maybe<number>): string {
  if (part === null || part === undefined || !Number.isFinite(part)) return UNKNOWN;
  const value = part * 100;
  if (value === 0) return "0%";
  if (value < 0.005) return "<.01%";
  return `${value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)}%`;
}

/** The time of day in the terminal's time zone, `14:03:09`. */
export function clock(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

/** Day and time of day, `11-28 14:03:09.120`. */
function timestamp(ms: number): string {
  const date = new Date(ms);
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock(ms)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The time of day to the millisecond, with the day where that is another than now's. */
export function whenSeen(ms: number, nowMs: number): string {
  if (Number.isNaN(ms)) return UNKNOWN;
  const isSameDay = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return isSameDay ? timestamp(ms).slice("MM-DD ".length) : timestamp(ms);
}

/** Text of a client or server on one line: what would move the cursor or hide text is made visible. */
export function plain(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(/\s+/gu, " ").replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, "·");
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : Bun.stringWidth(text);
}

/** A text in exactly so many columns: cut with `…` where it is longer, filled up where shorter. */
export function fit(text: string, width: number, align: "left" | "right" = "left"): string {
  if (width <= 0) return "";
  const own = widthOf(text);
  if (own > width) return cut(text, width);
  const blank = " ".repeat(width - own);
  return align === "right" ? blank + text : text + blank;
}

/** A text in at most so many columns; the last one is `…` where something is missing. */
export function cut(text: string, width: number): string {
  if (width <= 0) return "";
  if (widthOf(text) <= width) return text;
  if (width === 1) return "…";
  let kept = "";
  let used = 0;
  for (const character of text) {
    const own = widthOf(character);
    if (used + own > width - 1) break;
    kept += character;
    used += own;
  }
  return `${kept}…${" ".repeat(width - 1 - used)}`;
}

/** A text broken into lines of at most so many columns, at blanks where there are any. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    let rest = word;
    if (line !== "" && widthOf(line) + 1 + widthOf(rest) <= width) {
      line += ` ${rest}`;
      continue;
    }
    if (line !== "") lines.push(line);
    while (widthOf(rest) > width && width > 1) {
      const piece = cut(rest, width).replace(/….*$/, "");
      lines.push(piece);
      rest = rest.slice(piece.length);
    }
    line = rest;
  }
  if (line !== "" || lines.length === 0) lines.push(line);
  return lines;
}
