// Keys: what each does, as data, so that the help and the bottom line say what is true.

import type { Key } from "ink";
import type { List } from "./lists/list.ts";
import { type Action, type State, TABS, VIEWS } from "./state.ts";

/** What a key means: an action of the state, or something that needs to know the rows. */
export type Command =
  | Action
  | { readonly do: "move"; readonly by: number | "page-up" | "page-down" | "first" | "last" }
  | { readonly do: "next-sort"; readonly by: 1 | -1 }
  | { readonly do: "reverse" }
  | { readonly do: "order"; readonly key: string }
  | { readonly do: "execute" }
  | { readonly do: "type"; readonly text: string }
  | { readonly do: "erase"; readonly all: boolean }
  | { readonly do: "step"; readonly by: -1 | 1 }
  | { readonly do: "quit" };

/** A key as the help has it. */
export interface Binding {
  /** As it is written on the keyboard. */
  readonly keys: string;
  readonly does: string;
}

/** Keys that mean the same everywhere. */
const EVERYWHERE: Readonly<Record<string, Command>> = {
  q: { do: "quit" },
  "?": { do: "mode", mode: "help" },
  h: { do: "mode", mode: "help" },
  p: { do: "pause" },
  " ": { do: "pause" },
  "+": { do: "interval", by: -1 },
  "=": { do: "interval", by: -1 },
  "-": { do: "interval", by: 1 },
  t: { do: "theme" },
  "/": { do: "mode", mode: "filter" },
  v: { do: "next-view" },
  s: { do: "next-sort", by: 1 },
  S: { do: "next-sort", by: -1 },
  r: { do: "reverse" },
  j: { do: "move", by: 1 },
  k: { do: "move", by: -1 },
  g: { do: "move", by: "first" },
  G: { do: "move", by: "last" },
  "[": { do: "step", by: -1 },
  "]": { do: "step", by: 1 },
};

/** The help: the groups of the left column, and those of the right one. */
export const HELP: readonly (readonly {
  readonly title: string;
  readonly bindings: readonly Binding[];
}[])[] = [
  [
    {
      title: "Where to look",
      bindings: [
        { keys: "1 … 8", does: "a tab by its number" },
        { keys: "← → Tab", does: "the tabs beside it" },
        { keys: "v", does: "the next list of the tab" },
        { keys: "↑ ↓ j k", does: "move" },
        { keys: "PgUp PgDn", does: "move by a page" },
        { keys: "g G", does: "first row, last row" },
        { keys: "Enter", does: "all of a row" },
        { keys: "Esc", does: "back, step by step" },
      ],
    },
    {
      title: "What to do (asks first)",
      bindings: [
        { keys: "x X", does: "kill query, connection" },
        { keys: "d e", does: "drain server, enable it" },
        { keys: "P", does: "pause pool, resume it" },
      ],
    },
  ],
  [
    {
      title: "What to show",
      bindings: [
        { keys: "/", does: "filter, as below" },
        { keys: "s S", does: "sort by the next column" },
        { keys: "r", does: "reverse the order" },
        { keys: "p Space", does: "pause, go on" },
        { keys: "+ -", does: "refresh faster, slower" },
        { keys: "[ ]", does: "recording: back, forward" },
        { keys: "t", does: "the next theme" },
        { keys: "q", does: "leave" },
      ],
    },
    {
      title: "Filters: all words must fit",
      bindings: [
        { keys: "word", does: "anywhere in the row" },
        { keys: "user:app", does: "host db state query pin …" },
        { keys: "state=wait", does: "exactly that" },
        { keys: "age>60", does: "seconds: age idle; ms: lag" },
        { keys: "!user:app", does: "not" },
      ],
    },
  ],
];

/** What a key means now; undefined: nothing. */
export function commandOf(input: string, key: Key, state: State): Command | undefined {
  if (key.ctrl && input === "c") return { do: "quit" };
  switch (state.mode) {
    case "filter":
      return whileTyping(input, key);
    case "confirm":
      if (input === "y" || input === "Y") return { do: "execute" };
      // Enter is pressed too easily for something that cannot be taken back.
      return key.return ? undefined : { do: "back" };
    case "help":
      return input === "q" ? { do: "quit" } : { do: "back" };
    case "list":
      return inList(input, key);
  }
}

/** A key with what it is as text. */
export interface Press {
  readonly input: string;
  readonly key: Key;
}

/** Keys one by one that have come in one piece: pasted, or typed faster than they are read. */
export function pressesOf(text: string, key: Key): readonly Press[] {
  return [...text].map((character) => ({
    input: /\p{Cc}/u.test(character) ? "" : character,
    key: {
      ...key,
      return: character === "\r" || character === "\n",
      tab: character === "\t",
      escape: character === "\x1b",
      backspace: character === "\x7f" || character === "\b",
    },
  }));
}

function whileTyping(input: string, key: Key): Command | undefined {
  if (key.return) return { do: "mode", mode: "list" };
  if (key.escape) return { do: "back" };
  if (key.backspace || key.delete) return { do: "erase", all: false };
  if (key.ctrl) return input === "u" || input === "w" ? { do: "erase", all: true } : undefined;
  if (key.meta || input === "") return undefined;
  return { do: "type", text: input };
}

function inList(input: string, key: Key): Command | undefined {
  if (key.upArrow) return { do: "move", by: -1 };
  if (key.downArrow) return { do: "move", by: 1 };
  if (key.pageUp || key.ctrl && input === "b") return { do: "move", by: "page-up" };
  if (key.pageDown || key.ctrl && input === "f") return { do: "move", by: "page-down" };
  if (key.home) return { do: "move", by: "first" };
  if (key.end) return { do: "move", by: "last" };
  if (key.leftArrow || key.tab && key.shift) return { do: "next-tab", by: -1 };
  if (key.rightArrow || key.tab) return { do: "next-tab", by: 1 };
  if (key.return) return { do: "detail" };
  if (key.escape) return { do: "back" };
  if (key.ctrl || key.meta) return undefined;
  const tab = TABS[Number(input) - 1];
  if (tab !== undefined) return { do: "tab", tab };
  return EVERYWHERE[input] ?? (input.length === 1 ? { do: "order", key: input } : undefined);
}

/** What the bottom line offers for what is shown. */
export function hintsOf(
  state: State,
  list: List,
  { isRecording }: { readonly isRecording: boolean },
): readonly Binding[] {
  if (state.mode === "filter") {
    return [{ keys: "Enter", does: "keep" }, { keys: "Esc", does: "back" }, {
      keys: "^U",
      does: "clear",
    }];
  }
  if (state.mode === "help") return [{ keys: "any key", does: "back" }];
  const views: readonly string[] = VIEWS[state.tab];
  const orders = isRecording ? [] : Object.entries(list.orders ?? {});
  return [
    ...(isRecording
      ? [{ keys: "Space", does: state.paused ? "play" : "pause" }, { keys: "[ ]", does: "step" }]
      : []),
    ...orders.map(([key, { label }]) => ({ keys: key, does: label })),
    ...(views.length > 1 ? [{ keys: "v", does: "view" }] : []),
    { keys: "Enter", does: state.detail ? "close" : "detail" },
    { keys: "/", does: "filter" },
    { keys: "s", does: "sort" },
    ...(isRecording ? [] : [{ keys: "p", does: state.paused ? "go on" : "pause" }]),
    { keys: "?", does: "help" },
    { keys: "q", does: "quit" },
  ];
}
