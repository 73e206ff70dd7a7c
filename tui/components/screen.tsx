// The whole screen: header, tabs, body, bottom line; keys become actions here.

import { Box, useApp, useInput, useWindowSize } from "ink";
import { useRef } from "react";
import { HEADER_LINES, type Situation } from "../header.ts";
import type { Choices } from "../hooks/use_choices.ts";
import type { Seen } from "../hooks/use_snapshot.ts";
import { type Command, commandOf, hintsOf, pressesOf } from "../keys.ts";
import { LISTS } from "../lists/all.ts";
import { nextSort, pick, type Picked } from "../picked.ts";
import { place, windowTop } from "../grid.ts";
import { listOf, type State, type ViewName, viewOf } from "../state.ts";
import { themeOf } from "../theme.ts";
import { Body } from "./body.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { Help } from "./help.tsx";
import { Lines, ThemeContext } from "./line.tsx";
import { TabBar } from "./tab_bar.tsx";

/** What the screen is made of. */
export interface ScreenProps {
  readonly choices: Choices;
  readonly seen: Seen;
  readonly situation: Omit<Situation, "link" | "paused" | "intervalMs">;
  /** Gives the proxy an order; undefined where there is none to give it to. */
  readonly give: ((statement: string) => void) | undefined;
  /** Goes through a recording. */
  readonly step?: ((by: number) => void) | undefined;
}

/** Smaller terminals get what fits. */
const WIDTH_MIN = 20;
const PAGE_OVERLAP = 1;

/** Everything that is seen. */
export function Screen(props: ScreenProps) {
  const { choices: { state, current }, seen, situation, give } = props;
  const { columns, rows } = useWindowSize();
  const { exit } = useApp();
  const tops = useRef<Partial<Record<ViewName, number>>>({});
  const width = Math.max(WIDTH_MIN, columns);
  const height = Math.max(1, rows - HEADER_LINES - 2);
  const list = LISTS[viewOf(state)];
  const chosen = listOf(state);
  const picked = pick(list, chosen, seen.model);
  const top = topOf(picked, tops.current[list.name] ?? 0, height);
  tops.current[list.name] = top;
  useInput((input, key) => {
    // What is pasted, or typed faster than it is read, comes in one piece.
    const presses = input.length > 1 ? pressesOf(input, key) : [{ input, key }];
    for (const { input, key } of presses) {
      const state = current();
      const command = commandOf(input, key, state);
      if (command !== undefined) run(command, { ...props, state, page: height, width, exit });
    }
  });
  const hints = hintsOf(state, list, { isRecording: props.step !== undefined });
  return (
    <ThemeContext.Provider value={themeOf(state.theme)}>
      <Box flexDirection="column" width={width} height={rows}>
        <Header
          model={seen.model}
          situation={{
            ...situation,
            link: seen.link,
            paused: state.paused,
            intervalMs: state.intervalMs,
          }}
          width={width}
        />
        <TabBar tab={state.tab} width={width} />
        {state.mode === "help"
          ? <Help width={width} height={height} />
          : seen.model === undefined
          ? <Lines lines={blank(height)} width={width} />
          : (
            <Body
              model={seen.model}
              state={state}
              picked={picked}
              chosen={chosen}
              top={top}
              width={width}
              height={height}
            />
          )}
        <Footer
          state={state}
          chosen={chosen}
          hints={give === undefined && props.step === undefined ? [] : hints}
          link={seen.link}
          width={width}
        />
      </Box>
    </ThemeContext.Provider>
  );
}

function blank(height: number) {
  return Array.from({ length: height }, () => []);
}

function topOf({ cursor, rows }: Picked, top: number, height: number): number {
  return windowTop(Math.max(0, cursor), { top, height: Math.max(1, height), count: rows.length });
}

interface Context extends ScreenProps {
  /** After the last key, which may not be drawn yet. */
  readonly state: State;
  /** Lines of the body. */
  readonly page: number;
  /** Columns of the screen. */
  readonly width: number;
  readonly exit: () => void;
}

function pickedOf({ state, seen }: Context): Picked {
  return pick(LISTS[viewOf(state)], listOf(state), seen.model);
}

/** Does what a key means. */
function run(command: Command, context: Context): void {
  const { state, choices: { dispatch }, give, step, exit } = context;
  switch (command.do) {
    case "quit":
      return exit();
    case "move":
      return move(command.by, context);
    case "next-sort":
      return sortByNext(command.by, context);
    case "reverse": {
      const { key, descending } = pickedOf(context).sort;
      return dispatch({ do: "sort", sort: { key, descending: !descending } });
    }
    case "type":
      return dispatch({ do: "filter", text: listOf(state).filter + command.text });
    case "erase":
      return dispatch({
        do: "filter",
        text: command.all ? "" : [...listOf(state).filter].slice(0, -1).join(""),
      });
    case "step":
      return step?.(command.by);
    case "order":
      return ask(command.key, context);
    case "execute":
      dispatch({ do: "mode", mode: "list" });
      if (state.order !== undefined) give?.(state.order.statement);
      return;
    default:
      return dispatch(command);
  }
}

function move(by: Extract<Command, { do: "move" }>["by"], context: Context): void {
  const { list, rows, cursor } = pickedOf(context);
  if (rows.length === 0) return;
  const last = rows.length - 1;
  const distance = Math.max(1, context.page - 2 - PAGE_OVERLAP);
  const wanted = by === "first"
    ? 0
    : by === "last"
    ? last
    : cursor + (by === "page-up" ? -distance : by === "page-down" ? distance : by);
  const at = Math.max(0, Math.min(last, wanted));
  context.choices.dispatch({ do: "select", key: list.keyOf(rows[at]), at });
}

/** Columns that there is no room for are not sorted by. */
function sortByNext(by: 1 | -1, context: Context): void {
  const { list, rows, sort } = pickedOf(context);
  const { placed } = place(list.columns, rows, { width: context.width - 2, sort });
  const columns = placed.map(({ column }) => column);
  context.choices.dispatch({ do: "sort", sort: nextSort(columns, sort, by) });
}

/** Asks before anything is done to the selected row. */
function ask(key: string, context: Context): void {
  const { choices: { dispatch }, give } = context;
  const { list, selected, cursor } = pickedOf(context);
  const order = selected === undefined ? undefined : list.orders?.[key]?.order(selected);
  if (selected === undefined || order === undefined) return;
  if (give === undefined) {
    dispatch({ do: "notice", notice: { text: "a recording takes no orders", failed: true } });
    return;
  }
  // It stays on this row, whatever comes before it in the meantime.
  dispatch({ do: "select", key: list.keyOf(selected), at: cursor });
  dispatch({ do: "confirm", order });
}
