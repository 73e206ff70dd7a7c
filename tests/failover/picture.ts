// A run as a picture: answers in each tenth of a second, the slowest of them, and what was done.

import type { Timeline } from "./timeline.ts";

const WIDTH = 800;
const HEIGHT = 120;
const LEFT = 60;
const GAP = 50;
const COLORS = { reads: "#6baed6", writes: "#2171b5", errors: "#cb181d", slowest: "#636363" };

/** An SVG file's text. */
export function timelineSvg(timeline: Timeline, title: string): string {
  const { buckets, marks } = timeline;
  const answersMax = Math.max(1, ...buckets.map(({ reads, writes }) => reads + writes));
  const slowestMax = Math.max(1, ...buckets.map(({ slowestMs }) => slowestMs));
  const step = WIDTH / Math.max(1, buckets.length);
  const second = HEIGHT + GAP;
  const parts: string[] = [];
  const bar = (at: number, top: number, height: number, color: string) =>
    parts.push(
      `<rect x="${(LEFT + at * step).toFixed(1)}" y="${top.toFixed(1)}" ` +
        `width="${step.toFixed(2)}" height="${height.toFixed(1)}" fill="${color}"/>`,
    );
  for (const [at, { reads, writes, errors, slowestMs }] of buckets.entries()) {
    const high = (count: number) => count / answersMax * HEIGHT;
    bar(at, GAP + HEIGHT - high(writes), high(writes), COLORS.writes);
    bar(at, GAP + HEIGHT - high(writes + reads), high(reads), COLORS.reads);
    if (errors > 0) bar(at, GAP + HEIGHT, Math.min(8, 2 + errors / 4), COLORS.errors);
    const long = slowestMs / slowestMax * HEIGHT;
    bar(at, GAP + second + HEIGHT - long, long, COLORS.slowest);
  }
  const text = (x: number, y: number, words: string) =>
    parts.push(`<text x="${x.toFixed(1)}" y="${y}">${escaped(words)}</text>`);
  text(0, 16, title);
  text(0, GAP + 10, `${answersMax * 10}/s`);
  text(0, GAP + second + 10, `${Math.round(slowestMax)} ms`);
  text(LEFT, GAP - 6, "answers: writes dark, reads light, errors red");
  text(LEFT, GAP + second - 6, "slowest answer in each tenth of a second");
  const bottom = GAP + second + HEIGHT + 14;
  const done = marks.filter(({ what }) => !what.startsWith(" "));
  for (const [at, { atMs, what }] of done.entries()) {
    const x = LEFT + atMs / 100 * step;
    parts.push(`<line x1="${x}" x2="${x}" y1="${GAP}" y2="${bottom}" stroke="black"/>`);
    text(x, bottom + 14 * (at + 1), `${(atMs / 1000).toFixed(2)} s ${what.replace(/127\S+/, "")}`);
  }
  const height = bottom + 14 * (done.length + 1);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${
    LEFT + WIDTH + 160
  }" height="${height}" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>\n` +
    `${parts.join("\n")}\n</svg>\n`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
