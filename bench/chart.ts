// A run as one SVG file: a bar for each contender in each case. Written by hand; colours fit light
// and dark pages.

import type { RunRecord } from "./history.ts";
import type { Part } from "./part.ts";
import type { Entry } from "./run.ts";

const WIDTH = 860;
const NAME_WIDTH = 150;
const VALUE_WIDTH = 210;
const BAR_HEIGHT = 15;
const BAR_STEP = 19;
const TITLE_HEIGHT = 30;
const GAP = 14;
const MARGIN = 16;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #222; }
  .title { font-weight: 600; font-size: 13px; }
  .quiet { fill: #666; }
  .bar { fill: #9aa5b1; }
  .own { fill: #2f6fde; }
  .base { fill: #5b6673; }
  .page { fill: #fff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e6e6; }
    .quiet { fill: #a0a0a0; }
    .bar { fill: #6b7683; }
    .own { fill: #5b95ff; }
    .base { fill: #aab4c0; }
    .page { fill: #16181c; }
  }
`;

/** Draws the first column of every case of the run. */
export function drawRun(record: RunRecord, parts: readonly Part[]): string {
  const { server, commit, startedAt, machine } = record;
  const body: string[] = [];
  let y = MARGIN;
  y = line(body, y, {
    text: `mysqlproxy ${commit} before ${server.kind} ${server.version}`,
    style: "title",
  });
  const about = `${startedAt}, ${machine.cores} × ${machine.processor}, medians of ` +
    (record.scale.rounds === 1 ? "one round" : `${record.scale.rounds} rounds`) +
    "; thin lines: from the worst to the best one";
  y = line(body, y, { text: about, style: "quiet" });
  for (const part of parts) {
    for (const { id, title } of part.cases) {
      const entries = record.entries.filter((each) => each.part === part.name && each.case === id);
      if (entries.length > 0) y = drawCase(body, y + GAP, { part, title, entries });
    }
  }
  const height = y + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img">\n<style>${STYLE}</style>\n` +
    `<rect class="page" width="${WIDTH}" height="${height}"/>\n${body.join("\n")}\n</svg>\n`;
}

function drawCase(
  body: string[],
  top: number,
  { part, title, entries }: {
    readonly part: Part;
    readonly title: string;
    readonly entries: readonly Entry[];
  },
): number {
  const { figure, title: unit, digits, ratioTo } = part.columns[0];
  const to = ratioTo?.[0];
  const base = entries.find(({ contender }) => contender === to)?.median[figure];
  const most = Math.max(...entries.flatMap(({ rounds }) => rounds.map((each) => each[figure])));
  const scale = (WIDTH - 2 * MARGIN - NAME_WIDTH - VALUE_WIDTH) / (most > 0 ? most : 1);
  let y = line(body, top, { text: `${title} (${unit})`, style: "title" });
  for (const { contender, median, rounds } of entries) {
    const value = median[figure];
    const values = rounds.map((each) => each[figure]);
    const [worst, best] = [Math.min(...values), Math.max(...values)];
    const left = MARGIN + NAME_WIDTH;
    const style = contender === to
      ? "base"
      : /^(?:mysqlproxy|split-)/.test(contender)
      ? "own"
      : "bar";
    const middle = y + BAR_HEIGHT / 2;
    const shown = value.toLocaleString("en-US", { maximumFractionDigits: digits });
    const ratio = base === undefined || contender === to
      ? ""
      : `, ${(value / base).toFixed(2)} × ${to}`;
    body.push(
      label(left - 8, middle, { text: contender, end: true }),
      `<rect class="${style}" x="${left}" y="${y}" width="${(value * scale).toFixed(1)}" ` +
        `height="${BAR_HEIGHT}" rx="2"/>`,
      `<rect class="quiet" x="${(left + worst * scale).toFixed(1)}" y="${middle - 0.5}" ` +
        `width="${((best - worst) * scale).toFixed(1)}" height="1"/>`,
      label(left + best * scale + 8, middle, { text: shown + ratio, end: false }),
    );
    y += BAR_STEP;
  }
  return y;
}

/** A line of text; where the next one begins. */
function line(
  body: string[],
  y: number,
  { text, style }: { readonly text: string; readonly style: string },
): number {
  body.push(`<text class="${style}" x="${MARGIN}" y="${y + 14}">${escape(text)}</text>`);
  return y + (style === "title" ? TITLE_HEIGHT - 8 : TITLE_HEIGHT - 10);
}

function label(
  x: number,
  middle: number,
  { text, end }: { readonly text: string; readonly end: boolean },
): string {
  const anchor = end ? ' text-anchor="end"' : "";
  return `<text x="${x.toFixed(1)}" y="${middle + 4}"${anchor}>${escape(text)}</text>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
