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

/** A line as text for the terminal. */
export function paint(line: Line, theme: Theme): string {
  let text = "";
  for (const piece of line) {
    if (typeof piece === "string") {
      text += piece;
      continue;
    }
    const codes = piece.tone === undefined ? "" : theme.tones[piece.tone];
    text += codes === "" || piece.text.trim() === "" && piece.tone !== "selected"
      ? piece.text
      : `\x1b[${codes}m${piece.text}\x1b[${endOf(codes)}m`;
  }
  return text;
}

/** What ends each of the codes, so that nothing around it changes. */
function endOf(codes: string): string {
  const ends: string[] = [];
  const parts = codes.split(";");
  for (let at = 0; at < parts.length; at++) {
    const code = parts[at];
    if (code === "1" || code === "2") ends.push("22");
    else if (code === "4") ends.push("24");
    else if (code === "7") ends.push("27");
    else ends.push("39");
    if (code === "38") at += 2;
  }
  return ends.join(";");
}

/** A line without its meanings. */
export function withoutTones(line: Line): string {
  return line.map((piece) => typeof piece === "string" ? piece : piece.text).join("");
}
