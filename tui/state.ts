// What the person before the screen has chosen: the tab, the row, the order, the filter. Pure:
// a state and an action give the next state.

import type { Sort } from "./grid.ts";
import { nextThemeName, type ThemeName } from "./theme.ts";

/** The tabs, in the order of their numbers. */
export const TABS = [
  "cluster",
  "frontends",
  "backends",
  "statements",
  "waits",
  "failover",
  "config",
  "logs",
] as const;

/** The name of a tab. */
export type TabName = typeof TABS[number];

/** What can be listed; `v` goes from one to the next of a tab. */
export const VIEWS = {
  cluster: ["servers"],
  frontends: ["frontends"],
  backends: ["pools", "connections"],
  statements: ["statements"],
  waits: ["waiting"],
  failover: ["events"],
  config: ["limits", "properties", "rules"],
  logs: ["log", "errors", "counters"],
} as const satisfies Readonly<Record<TabName, readonly string[]>>;

/** The name of a list. */
export type ViewName = typeof VIEWS[TabName][number];

/** What was chosen of a list; undefined: as the list is by itself. */
export interface ListState {
  /** The key of the row under the cursor; undefined: the first one. */
  readonly selected?: string | undefined;
  /** Where the cursor was last, for when that row is gone. */
  readonly at: number;
  readonly sort?: Sort | undefined;
  readonly filter: string;
}

/** A command for the proxy that somebody is asked to confirm. */
export interface Order {
  /** What would happen, as a question. */
  readonly question: string;
  readonly statement: string;
}

/** What keys go to. */
export type Mode = "list" | "filter" | "help" | "confirm";

/** All that was chosen. */
export interface State {
  readonly tab: TabName;
  /** Which of its views each tab shows. */
  readonly views: Readonly<Partial<Record<TabName, ViewName>>>;
  readonly lists: Readonly<Partial<Record<ViewName, ListState>>>;
  readonly mode: Mode;
  /** Whether all of the selected row is shown. */
  readonly detail: boolean;
  /** Set in mode `confirm`. */
  readonly order?: Order | undefined;
  readonly paused: boolean;
  readonly intervalMs: number;
  readonly theme: ThemeName;
  /** What the last command came to. */
  readonly notice?: Notice | undefined;
}

/** A sentence for the bottom line. */
export interface Notice {
  readonly text: string;
  readonly failed: boolean;
}

/** How often the screen can be made to change, milliseconds. */
export const INTERVALS_MS = [250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000] as const;

/** What keys, and what came of a command, do to the state. */
export type Action =
  | { readonly do: "tab"; readonly tab: TabName }
  | { readonly do: "next-tab"; readonly by: 1 | -1 }
  | { readonly do: "next-view" }
  | { readonly do: "select"; readonly key: string | undefined; readonly at: number }
  | { readonly do: "sort"; readonly sort: Sort }
  | { readonly do: "filter"; readonly text: string }
  | { readonly do: "mode"; readonly mode: Mode }
  | { readonly do: "confirm"; readonly order: Order }
  | { readonly do: "notice"; readonly notice: Notice | undefined }
  | { readonly do: "detail" }
  | { readonly do: "back" }
  | { readonly do: "pause" }
  | { readonly do: "interval"; readonly by: 1 | -1 }
  | { readonly do: "theme" };

/** The state to begin with. */
export function initialState(
  chosen: Pick<State, "intervalMs" | "theme"> & Partial<Pick<State, "tab" | "paused">>,
): State {
  const { intervalMs, theme, tab = "cluster", paused = false } = chosen;
  return {
    tab,
    views: {},
    lists: {},
    mode: "list",
    detail: false,
    paused,
    intervalMs,
    theme,
  };
}

/** The list that a state shows. */
export function viewOf(state: State): ViewName {
  return state.views[state.tab] ?? VIEWS[state.tab][0];
}

const UNTOUCHED: ListState = { at: 0, filter: "" };

/** What was chosen of the list that is shown. */
export function listOf(state: State): ListState {
  return state.lists[viewOf(state)] ?? UNTOUCHED;
}

/** The next state. */
export function reduce(state: State, action: Action): State {
  switch (action.do) {
    case "tab":
      return { ...atRest(state), tab: action.tab };
    case "next-tab": {
      const at = TABS.indexOf(state.tab) + action.by + TABS.length;
      return { ...atRest(state), tab: TABS[at % TABS.length] };
    }
    case "next-view": {
      const views: readonly ViewName[] = VIEWS[state.tab];
      const view = views[(views.indexOf(viewOf(state)) + 1) % views.length];
      return { ...atRest(state), views: { ...state.views, [state.tab]: view } };
    }
    case "select":
      return withList(state, { selected: action.key, at: action.at });
    case "sort":
      return withList(state, { sort: action.sort });
    case "filter":
      return withList(state, { filter: action.text, selected: undefined, at: 0 });
    case "mode":
      return { ...state, mode: action.mode, order: undefined, notice: undefined };
    case "confirm":
      return { ...state, mode: "confirm", order: action.order, notice: undefined };
    case "notice":
      return { ...state, notice: action.notice };
    case "detail":
      return { ...state, detail: !state.detail };
    case "back":
      return backFrom(state);
    case "pause":
      return { ...state, paused: !state.paused };
    case "interval": {
      const at = INTERVALS_MS.findIndex((each) => each >= state.intervalMs);
      const next = Math.max(0, Math.min(INTERVALS_MS.length - 1, at + action.by));
      return { ...state, intervalMs: INTERVALS_MS[next] };
    }
    case "theme":
      return { ...state, theme: nextThemeName(state.theme) };
  }
}

function atRest(state: State): State {
  return { ...state, mode: "list", order: undefined, notice: undefined, detail: false };
}

function withList(state: State, change: Partial<ListState>): State {
  const list = { ...listOf(state), ...change };
  return { ...state, lists: { ...state.lists, [viewOf(state)]: list } };
}

/** Escape undoes one thing at a time, the latest first. */
function backFrom(state: State): State {
  if (state.mode === "filter") return withList({ ...state, mode: "list" }, { filter: "", at: 0 });
  if (state.mode !== "list") return { ...state, mode: "list", order: undefined };
  if (state.notice !== undefined) return { ...state, notice: undefined };
  if (state.detail) return { ...state, detail: false };
  if (listOf(state).filter !== "") return withList(state, { filter: "", at: 0 });
  return state;
}
