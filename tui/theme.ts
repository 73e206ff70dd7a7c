// Colours by meaning. Screens say `bad`, never "red"; a theme says what that looks like. Whatever a
// colour tells is told by a word or a sign as well, so that no theme is needed to read a screen.

/** What a piece of text means. */
export type Tone =
  /** All is well. */
  | "ok"
  /** To be watched. */
  | "warn"
  /** Broken, or about to be. */
  | "bad"
  /** A number or name that matters. */
  | "strong"
  /** A title, or a key that can be pressed. */
  | "accent"
  /** Labels, units, what is always the same. */
  | "muted"
  /** The row that keys act on. */
  | "selected"
  /** The tab that is shown. */
  | "active"
  /** Curves. */
  | "curve";

/** A piece of a line. */
export interface Span {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

/** A line of the screen. */
export type Line = readonly (Span | string)[];

/** How each meaning looks: parameters of the terminal's SGR sequence. */
export interface Theme {
  readonly name: ThemeName;
  readonly tones: Readonly<Record<Tone, string>>;
}

/** The themes, in the order in which the key goes through them. */
export const THEME_NAMES = ["default", "colorblind", "light", "mono"] as const;

/** The name of a theme. */
export type ThemeName = typeof THEME_NAMES[number];

const THEMES: Readonly<Record<ThemeName, Theme["tones"]>> = {
  // The terminal's own sixteen colours: they suit whatever background it has.
  default: {
    ok: "32",
    warn: "33",
    bad: "1;31",
    strong: "1",
    accent: "36",
    muted: "2",
    selected: "7",
    active: "1;7",
    curve: "34",
  },
  // Sky blue, yellow and vermilion of Okabe and Ito: told apart with any kind of colour vision.
  colorblind: {
    ok: "38;5;74",
    warn: "38;5;227",
    bad: "1;38;5;208",
    strong: "1",
    accent: "38;5;175",
    muted: "2",
    selected: "7",
    active: "1;7",
    curve: "38;5;74",
  },
  light: {
    ok: "38;5;28",
    warn: "38;5;130",
    bad: "1;38;5;160",
    strong: "1",
    accent: "38;5;25",
    muted: "38;5;243",
    selected: "7",
    active: "1;7",
    curve: "38;5;25",
  },
  mono: {
    ok: "",
    warn: "4",
    bad: "1;4",
    strong: "1",
    accent: "1",
    muted: "",
    selected: "7",
    active: "7",
    curve: "",
  },
};

/** A theme by its name. */
export function themeOf(name: ThemeName): Theme {
  return { name, tones: THEMES[name] };
}

/**
 * The theme to begin with: the given one, without colour where NO_COLOR (no-color.org) or the
 * terminal says so.
 */
export function chosenThemeName(
  given: ThemeName | undefined,
  env: Readonly<Record<string, string | undefined>>,
): ThemeName {
  if (given !== undefined) return given;
  return env["NO_COLOR"] || env["TERM"] === "dumb" ? "mono" : "default";
}

/** The theme after this one. */
export function nextThemeName(name: ThemeName): ThemeName {
  return THEME_NAMES[(THEME_NAMES.indexOf(name) + 1) % THEME_NAMES.length];
}

/**
 * A line as text for the terminal, without blanks at its end. Pieces of one meaning are one, and
 * codes stand in the order in which ink writes them itself: it then reads each line only once.
 */
export function paint(line: Line, theme: Theme): string {
  let text = "";
  let open = "";
  for (const piece of line) {
    const own = typeof piece === "string" ? piece : piece.text;
    const tone = typeof piece === "string" ? undefined : piece.tone;
    const codes = tone === undefined ? "" : theme.tones[tone];
    // Blanks around a word look the same in any colour, but not with a line below them.
    const isArea = tone === "selected" || tone === "active";
    const [start, end] = isArea ? [0, own.length] : inked(own);
    const before = own.slice(0, start);
    const after = own.slice(end);
    if (before !== "") {
      text += endOf(open) + before;
      open = "";
    }
    if (start < end) {
      if (codes !== open) text += endOf(open) + startOf(codes);
      open = codes;
      text += own.slice(start, end);
    }
    if (after !== "") {
      text += endOf(open) + after;
      open = "";
    }
  }
  return open === "" ? text.trimEnd() : text + endOf(open);
}

/** Where a text that may have blanks around it begins and ends. */
function inked(text: string): readonly [start: number, end: number] {
  const end = text.trimEnd().length;
  return [end === 0 ? 0 : text.length - text.trimStart().length, end];
}

/** The codes one by one: `1;31` as two sequences, `38;5;74` as one. */
function parts(codes: string): readonly string[] {
  return codes === "" ? [] : codes.match(/38;5;\d+|\d+/g) ?? [];
}

function startOf(codes: string): string {
  return parts(codes).map((code) => `\x1b[${code}m`).join("");
}

/** What ends each of the codes, the last one first. */
function endOf(codes: string): string {
  return parts(codes).toReversed().map((code) => `\x1b[${ENDS[code] ?? "39"}m`).join("");
}

/** What ends a code; all others are colours. */
const ENDS: Readonly<Record<string, string>> = { "1": "22", "2": "22", "4": "24", "7": "27" };

/** A line without its meanings. */
export function withoutTones(line: Line): string {
  return line.map((piece) => typeof piece === "string" ? piece : piece.text).join("");
}
