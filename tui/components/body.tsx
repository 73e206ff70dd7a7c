// What is below the tabs: the list of the tab, and what belongs to it.

import { detailLines } from "../details.ts";
import { cut, fit, plain, UNKNOWN } from "../format.ts";
import { windowTop } from "../grid.ts";
import { changeOf, eventTone, reasonOf, shortTime } from "../lists/events.ts";
import type { Model } from "../model.ts";
import type { Picked } from "../picked.ts";
import { type Row, textOf } from "../snapshot.ts";
import type { ListState, State } from "../state.ts";
import type { Line } from "../theme.ts";
import { nowLines, stageLines } from "../waits.ts";
import { Charts } from "./charts.tsx";
import { Lines } from "./line.tsx";
import { Table } from "./table.tsx";

/** What the body is made of. */
export interface BodyProps {
  readonly model: Model;
  readonly state: State;
  readonly picked: Picked;
  readonly chosen: ListState;
  /** The first row that was seen; the body answers with the new one. */
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Screens of so many lines have room for curves. */
const CHARTS_FROM = 28;
const CHART_LINES = 7;
const DETAIL_MAX = 14;

/** The tab's list with what stands above and below it. */
export function Body(props: BodyProps) {
  const { model, state, picked, width, height } = props;
  const above = aboveOf(props);
  const detail = state.detail && picked.selected !== undefined
    ? Math.min(DETAIL_MAX, Math.floor(height / 2))
    : 0;
  const isCluster = state.tab === "cluster";
  const charts = isCluster && height >= CHARTS_FROM ? CHART_LINES + 1 : 0;
  const room = height - above.length - detail - charts - 1;
  // Servers are few: what they leave is for the events.
  const listHeight = isCluster
    ? Math.max(2, Math.min(picked.rows.length + 1, Math.ceil(room / 2)))
    : room;
  const events = isCluster ? room - listHeight : 0;
  return (
    <>
      {charts > 0 ? <Charts model={model} width={width} height={CHART_LINES} /> : null}
      {charts > 0 ? <Lines lines={[[]]} width={width} /> : null}
      <Lines lines={[...above, titleOf(props)]} width={width} />
      <ListTable {...props} height={listHeight} />
      {events > 0 ? <Lines lines={recentEvents(model, width, events)} width={width} /> : null}
      {detail > 0
        ? <Lines lines={detailOf(picked.selected!, width, detail)} width={width} />
        : null}
    </>
  );
}

/** The window of the list, and lines to fill it up. */
function ListTable({ model, picked, top, width, height }: BodyProps) {
  const { list, rows, cursor, sort } = picked;
  if (rows.length === 0) {
    const text = picked.total > 0 ? "no row fits the filter" : list.empty(model);
    return <Lines lines={filledUp([[" ", { text, tone: "muted" }]], height)} width={width} />;
  }
  const shown = Math.max(1, height - 1);
  const first = windowTop(cursor, { top, height: shown, count: rows.length });
  const missing = height - 1 - Math.min(shown, rows.length - first);
  return (
    <>
      <Table
        columns={list.columns}
        rows={rows}
        cursor={cursor}
        top={first}
        sort={sort}
        height={height}
        width={width}
      />
      {missing > 0 ? <Lines lines={filledUp([], missing)} width={width} /> : null}
    </>
  );
}

function filledUp(lines: readonly Line[], height: number): readonly Line[] {
  return [...lines, ...Array.from({ length: Math.max(0, height - lines.length) }, () => [])].slice(
    0,
    height,
  );
}

/** The name of the list, how much of it is shown, and what else there is. */
function titleOf({ model, state, picked, chosen, width }: BodyProps): Line {
  const { list, rows, total } = picked;
  const filter = chosen.filter === "" ? "" : `filter ${chosen.filter}`;
  const counted = filter === "" ? `${total}` : `${rows.length} of ${total}`;
  const about = state.tab === "cluster" ? clusterAbout(model) : counted;
  const line: Line = [" ", { text: list.title, tone: "strong" }, "  ", {
    text: about,
    tone: "muted",
  }];
  if (filter === "") return line;
  return [...line, "  ", { text: cut(filter, Math.max(8, Math.floor(width / 2))), tone: "accent" }];
}

function clusterAbout(model: Model): string {
  const proxy = model.tables.proxy?.[0];
  const flavor = textOf(proxy, "flavor");
  if (flavor === "") return "not watched: the proxy has no account for it";
  return `${flavor}, primary ${textOf(proxy, "primary_server") || UNKNOWN}`;
}

/** What stands above the list. */
function aboveOf({ model, state, width, height }: BodyProps): readonly Line[] {
  if (state.tab !== "waits") return [];
  const inner = width - 2;
  const stages = stageLines(model, { width: inner, max: Math.max(3, Math.floor(height / 3)) });
  const measured: readonly Line[] = stages.length > 0 ? [...stages, []] : [];
  return [...measured, ...nowLines(model, inner), []].map((line): Line =>
    line.length === 0 ? line : [" ", ...line]
  );
}

/** The last events, newest first. */
function recentEvents(model: Model, width: number, height: number): readonly Line[] {
  const events = (model.tables.events ?? []).toReversed().slice(0, height - 2);
  const server = Math.max(0, ...events.map((row) => textOf(row, "server").length));
  const lines = events.map((row): Line => [
    " ",
    { text: shortTime(row), tone: "muted" },
    "  ",
    fit(textOf(row, "kind"), 14),
    "  ",
    fit(plain(textOf(row, "server") || "–"), Math.min(server, 30)),
    "  ",
    { text: cut(plain(changeOf(row)), Math.max(10, Math.floor(width / 3))), tone: eventTone(row) },
    "  ",
    { text: plain(reasonOf(row)), tone: "muted" },
  ]);
  const none: Line = [" ", { text: "nothing has happened yet", tone: "muted" }];
  return filledUp([
    [],
    [" ", { text: "Events", tone: "strong" }],
    ...(lines.length > 0 ? lines : [none]),
  ], height);
}

function detailOf(row: Row, width: number, height: number): readonly Line[] {
  const rule: Line = [{ text: "─".repeat(width), tone: "muted" }];
  const lines = detailLines(row, { width: width - 2, height: height - 1 });
  return filledUp([rule, ...lines.map((line): Line => [" ", ...line])], height);
}
