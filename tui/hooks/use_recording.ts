// A recording as it was: a snapshot after the other, at the pace at which they were made.

import { useCallback, useEffect, useRef, useState } from "react";
import { advance, HISTORY_MS, type Model } from "../model.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Seen } from "./use_snapshot.ts";

/** Longer pauses, as of a proxy that was gone, are not waited for. */
const PAUSE_MS_MAX = 2000;

/** Plays a recording to its end and stays there. `step` goes back or forward by so many snapshots. */
export function useRecording(
  snapshots: readonly Snapshot[],
  { paused, startAt = 0 }: { readonly paused: boolean; readonly startAt?: number },
): Seen & { readonly step: (by: number) => void } {
  const last = snapshots.length - 1;
  const [at, setAt] = useState(Math.min(startAt, last));
  const shown = useRef<{ readonly at: number; readonly model: Model } | undefined>(undefined);
  const step = useCallback(
    (by: number) => setAt((from) => Math.max(0, Math.min(last, from + by))),
    [last],
  );
  useEffect(() => {
    if (paused || at >= last) return;
    const pause = Math.min(PAUSE_MS_MAX, snapshots[at + 1].atMs - snapshots[at].atMs);
    const timer = setTimeout(() => step(1), Math.max(0, pause));
    return () => clearTimeout(timer);
  }, [snapshots, at, last, paused, step]);
  const before = shown.current;
  if (before?.at !== at) {
    const model = before?.at === at - 1
      ? advance(before.model, snapshots[at])
      : modelAt(snapshots, at);
    shown.current = { at, model };
  }
  return {
    model: shown.current!.model,
    link: { kind: "recording", at, count: snapshots.length },
    step,
  };
}

/** The model at a place, from as far back as curves go. */
export function modelAt(snapshots: readonly Snapshot[], at: number): Model {
  const since = snapshots[at].atMs - HISTORY_MS;
  const first = snapshots.findIndex(({ atMs }) => atMs >= since);
  let model: Model | undefined;
  for (const snapshot of snapshots.slice(first, at + 1)) model = advance(model, snapshot);
  return model!;
}
