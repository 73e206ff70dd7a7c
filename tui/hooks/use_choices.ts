// What was chosen, known at once to whoever acts on it: keys may come faster than screens are drawn.

import { useCallback, useRef, useState } from "react";
import { type Action, initialState, reduce, type State } from "../state.ts";

/** The state, and the ways to read and change it. */
export interface Choices {
  /** As it is drawn. */
  readonly state: State;
  /** As it is after the last action, drawn or not. */
  readonly current: () => State;
  readonly dispatch: (action: Action) => void;
}

/** Keeps the state. */
export function useChoices(beginning: Parameters<typeof initialState>[0]): Choices {
  const [state, setState] = useState(() => initialState(beginning));
  const newest = useRef(state);
  const current = useCallback(() => newest.current, []);
  const dispatch = useCallback((action: Action) => {
    newest.current = reduce(newest.current, action);
    setState(newest.current);
  }, []);
  return { state, current, dispatch };
}
