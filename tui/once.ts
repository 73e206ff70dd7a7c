// The dashboard for scripts: two readings, so that there are rates, printed once.

import type { Feed } from "./feed.ts";
import { headerLines, type Situation } from "./header.ts";
import { headLine, place, rowLine } from "./grid.ts";
import { modelAt } from "./hooks/use_recording.ts";
import { LISTS } from "./lists/all.ts";
import { advance, latest, type Model } from "./model.ts";
import { type Snapshot, TABLES } from "./snapshot.ts";
import { withoutTones } from "./theme.ts";

/** Reads twice, so long apart. */
async function readTwice(feed: Feed, intervalMs: number): Promise<Model> {
  const wanted = { tables: new Set(TABLES) };
  const first = advance(undefined, await feed.read(wanted));
  await Bun.sleep(intervalMs);
  return advance(first, await feed.read(wanted));
}

/**
 * All tables and the numbers of the header as one JSON value. Keys stay as they are as long as
 * `schema` is 1; new ones may come.
 */
export async function onceJson(feed: Feed, intervalMs: number): Promise<string> {
  return jsonOf(await readTwice(feed, intervalMs));
}

/** The JSON value of a model. */
function jsonOf(model: Model): string {
  const { atMs: _atMs, ...sample } = latest(model);
  const { qps, p50, p95, p99, errorRate, clients, waiting, longestWait, pinned } = sample;
  return JSON.stringify(
    {
      schema: 1,
      time: new Date(model.snapshot.atMs).toISOString(),
      summary: {
        qps,
        p50_us: p50,
        p95_us: p95,
        p99_us: p99,
        error_rate: errorRate,
        clients,
        waiting,
        longest_wait_us: longestWait,
        pinned,
      },
      tables: model.snapshot.tables,
    },
    null,
    2,
  );
}

/** The first screen as plain text. */
export async function onceText(feed: Feed, intervalMs: number, width: number): Promise<string> {
  const model = await readTwice(feed, intervalMs);
  return textOf(model, { link: { kind: "live" }, name: feed.name, intervalMs }, width);
}

function textOf(
  model: Model,
  situation: Pick<Situation, "link" | "name" | "intervalMs">,
  width: number,
): string {
  const header = headerLines(model, {
    ...situation,
    paused: false,
    recordingTo: undefined,
    nowMs: model.snapshot.atMs,
  }, width);
  const sections = [LISTS.servers, LISTS.events].map((list) => {
    const rows = list.rows(model);
    const placement = place(list.columns, rows, { width: width - 1, sort: list.sort });
    const lines = rows.map((row) => rowLine(row, placement, { width, selected: false }));
    return [[list.title], headLine(placement, list.sort), ...lines].map((line) => [" ", ...line]);
  });
  return [header, ...sections.map((lines) => [[], ...lines])].flat()
    .map((line) => withoutTones(line).trimEnd()).join("\n");
}

/** The first screen of a recording, at its end or at a place. */
export function recordedText(
  snapshots: readonly Snapshot[],
  { name, at = snapshots.length - 1, width }: {
    /** The file. */
    readonly name: string;
    readonly at?: number | undefined;
    readonly width: number;
  },
): string {
  const link = { kind: "recording", at, count: snapshots.length } as const;
  return textOf(modelAt(snapshots, at), { link, name, intervalMs: 0 }, width);
}

/** A snapshot of a recording as JSON: the last one, or the one at a place. */
export function recordedJson(snapshots: readonly Snapshot[], at?: number): string {
  return jsonOf(modelAt(snapshots, at ?? snapshots.length - 1));
}
