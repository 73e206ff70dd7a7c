// The application: what was chosen, what was read, and the screen that is made of both.

import { useCallback, useEffect, useMemo } from "react";
import { Screen } from "./components/screen.tsx";
import type { Feed, Wanted } from "./feed.ts";
import { useChoices } from "./hooks/use_choices.ts";
import { useRecording } from "./hooks/use_recording.ts";
import { useSnapshot } from "./hooks/use_snapshot.ts";
import { LISTS } from "./lists/all.ts";
import { portionsFor } from "./picked.ts";
import type { Recorder } from "./recording.ts";
import { type Snapshot, TABLES } from "./snapshot.ts";
import { type initialState, listOf, type State, viewOf } from "./state.ts";

/** How the application begins. */
export interface Beginning {
  readonly state: Parameters<typeof initialState>[0];
}

/** Before a proxy that runs. */
export function LiveApp({ beginning, feed, recorder, recordingTo }: {
  readonly beginning: Beginning;
  readonly feed: Feed;
  /** Gets every snapshot, with all tables. */
  readonly recorder?: Recorder | undefined;
  /** Its file. */
  readonly recordingTo?: string | undefined;
}) {
  const choices = useChoices(beginning.state);
  const { state, dispatch } = choices;
  const wanted = useWanted(state, recorder !== undefined);
  const { intervalMs, paused } = state;
  const onSnapshot = useCallback((snapshot: Snapshot) => recorder?.write(snapshot), [recorder]);
  const { refresh, ...seen } = useSnapshot(feed, { intervalMs, paused, wanted, onSnapshot });
  const give = useCallback((statement: string) => {
    feed.order(statement).then(
      () => ({ text: `done: ${statement}`, failed: false }),
      (error: unknown) => ({ text: `${statement}: ${(error as Error).message}`, failed: true }),
    ).then((notice) => {
      dispatch({ do: "notice", notice });
      refresh();
    });
  }, [feed, refresh]);
  useEffect(() => {
    if (state.notice === undefined) return;
    const timer = setTimeout(() => dispatch({ do: "notice", notice: undefined }), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [state.notice]);
  return (
    <Screen
      choices={choices}
      seen={seen}
      situation={{ name: feed.name, recordingTo, nowMs: Date.now() }}
      give={give}
    />
  );
}

const NOTICE_MS = 5000;

/** Before a recording. */
export function RecordingApp({ beginning, snapshots, name, startAt = 0 }: {
  readonly beginning: Beginning;
  readonly snapshots: readonly Snapshot[];
  /** The file. */
  readonly name: string;
  readonly startAt?: number;
}) {
  const choices = useChoices(beginning.state);
  const { step, ...seen } = useRecording(snapshots, { paused: choices.state.paused, startAt });
  return (
    <Screen
      choices={choices}
      seen={seen}
      situation={{ name, recordingTo: undefined, nowMs: Date.now() }}
      give={undefined}
      step={step}
    />
  );
}

/** What is read for the list that is shown; a recording is to have all. */
function useWanted(state: State, all: boolean): Wanted {
  const list = LISTS[viewOf(state)];
  const portions = portionsFor(list, listOf(state));
  const key = JSON.stringify([list.name, portions]);
  return useMemo(
    () => all ? { tables: new Set(TABLES) } : { tables: new Set(list.tables), portions },
    [key, all],
  );
}
