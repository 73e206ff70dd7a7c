// Draws what a terminal shows as an SVG: `tmux capture-pane -e -p | bun tools/screen_svg.ts COLUMNS
// > picture.svg`. Only what `top` writes is understood: SGR sequences and characters of one column.

/** How a cell looks. */
interface Style {
  readonly color: string | undefined;
  readonly isBold: boolean;
  readonly isFaint: boolean;
  readonly isInverse: boolean;
  readonly isUnderlined: boolean;
}

const PLAIN: Style = {
  color: undefined,
  isBold: false,
  isFaint: false,
  isInverse: false,
  isUnderlined: false,
};

const BACKGROUND = "#12161c";
const FOREGROUND = "#d5dae2";
/** The sixteen colours of the terminal, as a dark theme has them. */
const PALETTE = [
  ...["#3b4252", "#e5646e", "#8fce7a", "#e6c35c", "#5fa8e8", "#c38be0", "#58c4c4", "#d5dae2"],
  ...["#6b7689", "#ff8a92", "#b0e89c", "#ffdc7d", "#86c1ff", "#dcaef5", "#80e2e2", "#ffffff"],
];

const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 18;
const BASELINE = 13.5;
const FONT_SIZE = 14;
const MARGIN = 12;

/** A text in one style. */
interface Run {
  readonly text: string;
  readonly at: number;
  readonly style: Style;
}

/** The SVG of a screen. */
export function screenSvg(screen: string, columns: number): string {
  const lines = screen.replace(/\n+$/, "").split("\n");
  const width = columns * CELL_WIDTH + 2 * MARGIN;
  const height = lines.length * CELL_HEIGHT + 2 * MARGIN;
  const drawn = lines.flatMap((line, row) => runsOf(line).flatMap((run) => drawRun(run, row)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${round(height)}"` +
    ` viewBox="0 0 ${round(width)} ${
      round(height)
    }" font-family="ui-monospace, 'DejaVu Sans Mono',` +
    ` Menlo, Consolas, monospace" font-size="${FONT_SIZE}" fill="${FOREGROUND}">`,
    `<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function runsOf(line: string): readonly Run[] {
  const runs: Run[] = [];
  let style = PLAIN;
  let at = 0;
  const [first, ...rest] = line.split("\x1b[");
  for (const piece of [`m${first}`, ...rest]) {
    const end = piece.indexOf("m");
    const text = piece.slice(end + 1);
    if (end > 0) style = styled(style, piece.slice(0, end).split(";").map(Number));
    if (text === "") continue;
    runs.push({ text, at, style });
    at += [...text].length;
  }
  return runs;
}

function styled(before: Style, codes: readonly number[]): Style {
  let style = before;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at];
    if (code === 0) style = PLAIN;
    else if (code === 1) style = { ...style, isBold: true };
    else if (code === 2) style = { ...style, isFaint: true };
    else if (code === 4) style = { ...style, isUnderlined: true };
    else if (code === 7) style = { ...style, isInverse: true };
    else if (code === 22) style = { ...style, isBold: false, isFaint: false };
    else if (code === 24) style = { ...style, isUnderlined: false };
    else if (code === 27) style = { ...style, isInverse: false };
    else if (code === 39) style = { ...style, color: undefined };
    else if (code === 38) {
      style = { ...style, color: colorOf(codes[at + 2]) };
      at += 2;
    } else if (code >= 30 && code <= 37) style = { ...style, color: PALETTE[code - 30] };
    else if (code >= 90 && code <= 97) style = { ...style, color: PALETTE[code - 82] };
  }
  return style;
}

/** One of the 256 colours: 16 of the palette, a cube of 6 × 6 × 6, 24 greys. */
function colorOf(number: number): string {
  if (number < 16) return PALETTE[number];
  if (number >= 232) return `rgb(${Array(3).fill(8 + (number - 232) * 10).join()})`;
  const step = (value: number) => value === 0 ? 0 : 55 + value * 40;
  const cube = number - 16;
  return `rgb(${step(Math.floor(cube / 36))},${step(Math.floor(cube / 6) % 6)},${step(cube % 6)})`;
}

const BLOCKS = "▁▂▃▄▅▆▇█";

/** Curves are drawn as areas: fonts leave gaps between their blocks. */
function drawRun({ text, at, style }: Run, row: number): readonly string[] {
  const x = MARGIN + at * CELL_WIDTH;
  const y = MARGIN + row * CELL_HEIGHT;
  const length = [...text].length;
  const ink = style.color ?? FOREGROUND;
  const drawn: string[] = [];
  if (style.isInverse) {
    drawn.push(rect({ x, y, width: length * CELL_WIDTH, height: CELL_HEIGHT }, ink));
  }
  const fill = style.isInverse ? BACKGROUND : ink;
  const opacity = style.isFaint ? ' opacity="0.55"' : "";
  let letters = "";
  for (const [index, character] of [...text].entries()) {
    const eighths = BLOCKS.indexOf(character) + 1;
    letters += eighths > 0 || character === "░" ? " " : character;
    const cell = { x: x + index * CELL_WIDTH, width: CELL_WIDTH };
    if (eighths > 0) {
      const height = CELL_HEIGHT * eighths / BLOCKS.length;
      drawn.push(rect({ ...cell, y: y + CELL_HEIGHT - height, height }, fill, opacity));
    } else if (character === "░") {
      drawn.push(rect({ ...cell, y: y + 4, height: CELL_HEIGHT - 8 }, fill, ' opacity="0.2"'));
    }
  }
  if (letters.trim() !== "") {
    const weight = style.isBold ? ' font-weight="bold"' : "";
    const line = style.isUnderlined ? ' text-decoration="underline"' : "";
    drawn.push(
      `<text x="${round(x)}" y="${round(y + BASELINE)}" xml:space="preserve"` +
        ` textLength="${round(length * CELL_WIDTH)}" lengthAdjust="spacingAndGlyphs"` +
        ` fill="${fill}"${opacity}${weight}${line}>${escaped(letters)}</text>`,
    );
  }
  return drawn;
}

function rect(
  { x, y, width, height }: Readonly<Record<"x" | "y" | "width" | "height", number>>,
  fill: string,
  more = "",
): string {
  // A hair wider, so that no line is seen between two of them.
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width + 0.1)}"` +
    ` height="${round(height)}" fill="${fill}"${more}/>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

if (import.meta.main) {
  const columns = Number(process.argv[2] ?? 80);
  process.stdout.write(screenSvg(await new Response(Bun.stdin.stream()).text(), columns));
}
