// The whole screen: header, tabs, body, bottom line; keys become actions here.

import { Box, useApp, useInput, useWindowSize } from "ink";
import { type Dispatch, useRef } from "react";
import { HEADER_LINES, type Situation } from "../header.ts";
import type { Seen } from "../hooks/use_snapshot.ts";
import { type Command, commandOf, hintsOf } from "../keys.ts";
import { LISTS } from "../lists/all.ts";
import { nextSort, pick, type Picked } from "../picked.ts";
import { windowTop } from "../grid.ts";
import { type Action, listOf, type State, type ViewName, viewOf } from "../state.ts";
import { themeOf } from "../theme.ts";
import { Body } from "./body.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { Help } from "./help.tsx";
import { Lines, ThemeContext } from "./line.tsx";
import { TabBar } from "./tab_bar.tsx";

/** What the screen is made of. */
export interface ScreenProps {
  readonly state: State;
  readonly dispatch: Dispatch<Action>;
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
  const { state, seen, situation, give } = props;
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
    const isText = input.length > 1 && state.mode !== "filter";
    for (const each of isText ? input : [input]) {
      const command = commandOf(each, key, state);
      if (command !== undefined) run(command, { ...props, picked, page: height, exit });
    }
  });
  const hints = hintsOf(state, list, { isRecording: props.step !== undefined });
  return (
    <ThemeContext.Provider value={themeOf(state.theme)}>
      <Box flexDirection="column" width={width} height={rows} overflow="hidden">
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
  readonly picked: Picked;
  /** Lines of the body. */
  readonly page: number;
  readonly exit: () => void;
}

/** Does what a key means. */
function run(command: Command, context: Context): void {
  const { state, dispatch, picked, give, step } = context;
  switch (command.do) {
    case "quit":
      return context.exit();
    case "move":
      return move(command.by, context);
    case "next-sort":
      return dispatch({ do: "sort", sort: nextSort(picked.list, picked.sort, command.by) });
    case "reverse": {
      const { key, descending } = picked.sort;
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
    case "execute": {
      dispatch({ do: "mode", mode: "list" });
      if (state.order !== undefined) give?.(state.order.statement);
      return;
    }
    default:
      return dispatch(command);
  }
}

function move(by: Extract<Command, { do: "move" }>["by"], context: Context): void {
  const { picked: { list, rows, cursor }, page, dispatch } = context;
  if (rows.length === 0) return;
  const last = rows.length - 1;
  const distance = Math.max(1, page - 2 - PAGE_OVERLAP);
  const wanted = by === "first"
    ? 0
    : by === "last"
    ? last
    : cursor + (by === "page-up" ? -distance : by === "page-down" ? distance : by);
  const at = Math.max(0, Math.min(last, wanted));
  dispatch({ do: "select", key: list.keyOf(rows[at]), at });
}

/** Asks before anything is done to the selected row. */
function ask(key: string, { picked, dispatch, give }: Context): void {
  const chosen = picked.list.orders?.[key];
  if (chosen === undefined || picked.selected === undefined) return;
  const order = chosen.order(picked.selected);
  if (order === undefined) return;
  if (give === undefined) {
    dispatch({ do: "notice", notice: { text: "a recording takes no orders", failed: true } });
    return;
  }
  dispatch({ do: "confirm", order });
  dispatch({
    do: "select",
    key: picked.list.keyOf(picked.selected),
    at: picked.cursor,
  });
}
