// What has happened to the servers, newest first; what belongs to one failover is held together by
// a line at the left.

import { clock, duration, millis, whenSeen } from "../format.ts";
import type { Model } from "../model.ts";
import { numberOf, type Row, textOf } from "../snapshot.ts";
import type { Tone } from "../theme.ts";
import { type List, textColumn } from "./list.ts";
import { stateTone } from "./servers.ts";

/** When an event was, milliseconds since 1970. */
function eventMs(row: Row): number {
  return Date.parse(textOf(row, "time"));
}

/** What an event says, as `up → down`. */
export function changeOf(row: Row): string {
  const before = textOf(row, "before");
  const after = textOf(row, "after");
  if (before === "") return after;
  return `${before} → ${after || "none"}`;
}

/** What an event means. */
export function eventTone(row: Row): Tone | undefined {
  switch (textOf(row, "kind")) {
    case "failover-began":
      return "bad";
    case "failover-ended":
      return "ok";
    case "state-changed":
      return stateTone(textOf(row, "after"));
    case "lag-crossed":
    case "server-removed":
    case "role-changed":
      return "warn";
    default:
      return undefined;
  }
}

/** Why, and how long what has ended had lasted. */
export function reasonOf(row: Row): string {
  const ms = numberOf(row, "duration_ms");
  const lasted = ms === null ? "" : `(${ms < 60_000 ? millis(ms) : duration(ms / 1000)})`;
  return [textOf(row, "reason"), lasted].filter((text) => text !== "").join(" ");
}

/** Newest first, each with the sign that ties a failover together and the time since the one before. */
function timeline(model: Model): readonly Row[] {
  const events = model.tables.events ?? [];
  const rows: Row[] = [];
  let isInside = false;
  let before: number | undefined;
  for (const row of events) {
    const kind = textOf(row, "kind");
    const begins = kind === "failover-began";
    const ends = kind === "failover-ended";
    const tie = begins ? "╰" : ends ? "╭" : isInside ? "│" : " ";
    if (begins) isInside = true;
    if (ends) isInside = false;
    const at = eventMs(row);
    const when = whenSeen(at, model.snapshot.atMs);
    rows.push({ ...row, tie, when, gap_s: before === undefined ? null : (at - before) / 1000 });
    before = at;
  }
  return rows.reverse();
}

/** The events of all servers. */
export const eventsList: List = {
  name: "events",
  title: "Timeline",
  tables: ["events"],
  sort: { key: undefined, descending: false },
  columns: [
    textColumn("tie", { title: "", width: 1, tone: () => "bad" }),
    textColumn("time", {
      title: "TIME",
      width: 12,
      widthMax: 18,
      text: (row) => textOf(row, "when"),
      tone: () => "muted",
    }),
    textColumn("gap_s", {
      title: "+AFTER",
      width: 7,
      drop: 4,
      align: "right",
      text: (row) => gap(numberOf(row, "gap_s")),
      order: (row) => numberOf(row, "gap_s"),
      descends: true,
    }),
    textColumn("kind", { title: "EVENT", width: 15 }),
    textColumn("server", { title: "SERVER", width: 14, widthMax: 30, drop: 3 }),
    textColumn("change", {
      title: "CHANGE",
      width: 16,
      widthMax: 44,
      text: changeOf,
      order: changeOf,
      tone: eventTone,
    }),
    textColumn("reason", {
      title: "WHY",
      width: 12,
      grows: true,
      drop: 1,
      text: reasonOf,
      order: reasonOf,
      tone: () => "muted",
    }),
  ],
  rows: timeline,
  keyOf: (row) => textOf(row, "number"),
  empty: (model) =>
    textOf(model.tables.proxy?.[0], "flavor") === ""
      ? "the servers are not watched: the proxy has no account for it"
      : "nothing has happened yet",
};

function gap(seconds: number | null): string {
  if (seconds === null) return "";
  return seconds < 60 ? `+${millis(seconds * 1000)}` : `+${duration(seconds)}`;
}

/** One event in the short form of the first screen. */
export function shortTime(row: Row): string {
  return clock(eventMs(row));
}
