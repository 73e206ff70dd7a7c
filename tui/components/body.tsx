// What is below the tabs: the list of the tab, and what belongs to it.

import { detailLines } from "../details.ts";
import { cut, fit, plain, UNKNOWN, widthOf } from "../format.ts";
import { windowTop } from "../grid.ts";
import { poolsList } from "../lists/backends.ts";
import { changeOf, eventTone, reasonOf, shortTime } from "../lists/events.ts";
import type { Model } from "../model.ts";
import { type Picked, PORTION } from "../picked.ts";
import { numberOf, type Row, type TableName, textOf } from "../snapshot.ts";
import type { ListState, State } from "../state.ts";
import type { Line } from "../theme.ts";
import { nowLine, nowLines, stageLines } from "../waits.ts";
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

/** Screens of so many lines have room for curves, and for the pools. */
const CHARTS_FROM = 28;
const POOLS_FROM = 34;
const CHART_LINES = 7;
const POOLS_MAX = 8;

/** The tab's list with what stands above and below it. */
export function Body(props: BodyProps) {
  const { state, picked, width, height } = props;
  if (state.tab === "cluster") return <ClusterBody {...props} />;
  const above = aboveOf(props);
  const detail = detailHeight(props);
  return (
    <>
      <Lines lines={[...above, titleOf(props)]} width={width} />
      <ListTable {...props} height={height - above.length - 1 - detail} />
      <Detail row={picked.selected} width={width} height={detail} />
    </>
  );
}

/** Curves where there is room, servers, pools where there is room, events in what is left. */
function ClusterBody(props: BodyProps) {
  const { model, picked, width, height } = props;
  const detail = detailHeight(props);
  const charts = height - detail >= CHARTS_FROM ? CHART_LINES + 2 : 0;
  const pools = height - detail >= POOLS_FROM ? poolRows(model) : [];
  const poolsHeight = pools.length === 0 ? 0 : pools.length + 3;
  const room = height - detail - charts - poolsHeight - 1;
  const servers = Math.max(2, Math.min(picked.rows.length + 1, Math.ceil(room / 2)));
  return (
    <>
      {charts > 0
        ? (
          <>
            <Lines lines={[[]]} width={width} />
            <Charts model={model} width={width} height={CHART_LINES} />
            <Lines lines={[[]]} width={width} />
          </>
        )
        : null}
      <Lines lines={[titleOf(props)]} width={width} />
      <ListTable {...props} height={servers} />
      {poolsHeight > 0
        ? (
          <>
            <Lines lines={[[], [" ", { text: "Pools", tone: "strong" }]]} width={width} />
            <Table
              columns={poolsList.columns}
              rows={pools}
              cursor={undefined}
              top={0}
              sort={poolsList.sort}
              height={pools.length + 1}
              width={width}
            />
          </>
        )
        : null}
      <Lines lines={recentEvents(model, width, room - servers)} width={width} />
      <Detail row={picked.selected} width={width} height={detail} />
    </>
  );
}

/** The pools that somebody waits for, then the fullest ones. */
function poolRows(model: Model): readonly Row[] {
  return poolsList.rows(model).toSorted((a, b) =>
    (numberOf(b, "waiting") ?? 0) - (numberOf(a, "waiting") ?? 0) ||
    (numberOf(b, "running") ?? 0) - (numberOf(a, "running") ?? 0)
  ).slice(0, POOLS_MAX);
}

/** What the selected row needs; of the list there stays what it is chosen from, or the row alone. */
function detailHeight({ state, picked, width, height }: BodyProps): number {
  const { selected, rows } = picked;
  if (!state.detail || selected === undefined) return 0;
  if (state.tab === "cluster") return Math.floor(height / 2);
  const needed = detailLines(selected, { width: width - 2, height: Infinity }).length + 1;
  const above = state.tab === "waits" ? Math.floor(height / 2) : TITLE_LINES;
  const beside = (list: number) => Math.max(0, height - above - list);
  const withList = beside(Math.min(rows.length, LIST_LINES));
  return Math.min(needed, needed <= withList ? withList : beside(1));
}

/** A list's title and those of its columns. */
const TITLE_LINES = 2;
/** Rows that stay beside the details of one of them where there is room. */
const LIST_LINES = 4;

function Detail({ row, width, height }: {
  readonly row: Row | undefined;
  readonly width: number;
  readonly height: number;
}) {
  if (row === undefined || height === 0) return null;
  return <Lines lines={detailOf(row, width, height)} width={width} />;
}

/** The window of the list, and lines to fill it up. */
function ListTable({ model, state, picked, chosen, top, width, height }: BodyProps) {
  const { list, rows, cursor, sort } = picked;
  if (rows.length === 0) {
    const text = !wasAsked(list.tables, model)
      ? "…"
      : picked.total > 0
      ? "no row fits the filter"
      : list.empty(model);
    return <Lines lines={filledUp([[" ", { text, tone: "muted" }]], height)} width={width} />;
  }
  const shown = Math.max(1, height - 1);
  // The first screen is looked at more than it is worked with: nothing stands out that is well.
  const isCursorShown = state.tab !== "cluster" || chosen.selected !== undefined || state.detail;
  const first = windowTop(cursor, { top, height: shown, count: rows.length });
  const missing = height - 1 - Math.min(shown, rows.length - first);
  return (
    <>
      <Table
        columns={list.columns}
        rows={rows}
        cursor={isCursorShown ? cursor : undefined}
        top={first}
        sort={sort}
        height={height}
        width={width}
      />
      {missing > 0 ? <Lines lines={filledUp([], missing)} width={width} /> : null}
    </>
  );
}

/** What a tab is made of comes with the next answer of the proxy. */
function wasAsked(names: readonly TableName[], { tables, snapshot: { asked } }: Model): boolean {
  return names.every((name) => tables[name] !== undefined || asked?.includes(name) !== false);
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
  const isCut = filter !== "" && rows.length >= PORTION && rows.length < total;
  const counted = filter === "" ? `${total}` : `${rows.length}${isCut ? "+" : ""} of ${total}`;
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
  const isRoomy = height >= WAITS_ROOMY;
  const stages = stageLines(model, { width: inner, max: isRoomy ? STAGES_MAX : STAGES_MIN });
  return [
    ...(stages.length > 0 ? [...stages, []] : []),
    ...(isRoomy ? nowLines(model, inner) : [nowLine(model)]),
    [],
  ].map((line): Line => line.length === 0 ? line : [" ", ...line]);
}

/** Screens of fewer lines say in one line where sessions are. */
const WAITS_ROOMY = 26;
const STAGES_MAX = 12;
const STAGES_MIN = 6;

/** The last events, newest first. */
function recentEvents(model: Model, width: number, height: number): readonly Line[] {
  const events = (model.tables.events ?? []).toReversed().slice(0, Math.max(0, height - 2));
  const changes = events.map((row) => plain(changeOf(row)));
  const servers = events.map((row) => plain(textOf(row, "server") || UNKNOWN));
  const serverWidth = Math.min(30, widest(servers));
  const changeWidth = Math.min(Math.floor(width / 3), widest(changes));
  const lines = events.map((row, at): Line => [
    " ",
    { text: shortTime(row), tone: "muted" },
    "  ",
    fit(textOf(row, "kind"), KIND_WIDTH),
    "  ",
    fit(servers[at], serverWidth),
    "  ",
    { text: fit(changes[at], changeWidth), tone: eventTone(row) },
    "  ",
    { text: plain(reasonOf(row)), tone: "muted" },
  ]);
  const none: Line = [" ", { text: "nothing has happened yet", tone: "muted" }];
  const title: Line = [" ", { text: "Events", tone: "strong" }];
  return filledUp([[], title, ...(lines.length > 0 ? lines : [none])], height);
}

/** The longest kind of event. */
const KIND_WIDTH = "server-ordered".length;

function widest(texts: readonly string[]): number {
  return texts.reduce((max, text) => Math.max(max, widthOf(text)), 0);
}

function detailOf(row: Row, width: number, height: number): readonly Line[] {
  const rule: Line = [{ text: "─".repeat(width), tone: "muted" }];
  const lines = detailLines(row, { width: width - 2, height: height - 1 });
  return filledUp([rule, ...lines.map((line): Line => [" ", ...line])], height);
}
