// The newest snapshot, again and again: the one hook that reads a feed. It goes on through the loss
// of the proxy, and through pauses, so that nothing is missing afterwards.

import { useCallback, useEffect, useRef, useState } from "react";
import type { Feed, Wanted } from "../feed.ts";
import type { Link } from "../header.ts";
import { advance, type Model } from "../model.ts";
import type { Snapshot } from "../snapshot.ts";

/** What the screen is made from. */
export interface Seen {
  /** Undefined until the proxy has answered once. */
  readonly model: Model | undefined;
  readonly link: Link;
}

/** How a feed is read. */
export interface Reading {
  readonly intervalMs: number;
  /** What is seen stays as it is; reading goes on. */
  readonly paused: boolean;
  readonly wanted: Wanted;
  /** Gets every snapshot. */
  readonly onSnapshot?: ((snapshot: Snapshot) => void) | undefined;
}

/** Follows a proxy that runs. `refresh` reads at once. */
export function useSnapshot(
  feed: Feed,
  { intervalMs, paused, wanted, onSnapshot }: Reading,
): Seen & { readonly refresh: () => void } {
  const [seen, setSeen] = useState<Seen>({ model: undefined, link: { kind: "connecting" } });
  const newest = useRef<Seen>(seen);
  const wake = useRef<() => void>(() => {});
  const reading = useRef({ intervalMs, paused, wanted, onSnapshot });
  reading.current = { intervalMs, paused, wanted, onSnapshot };

  useEffect(() => {
    let isOver = false;
    const follow = async () => {
      while (!isOver) {
        const started = performance.now();
        const next = await readOnce(feed, newest.current, reading.current);
        if (isOver) return;
        newest.current = next;
        // What is paused still tells that the proxy is gone.
        const isShown = !reading.current.paused || next.link.kind === "lost";
        setSeen((shown) => isShown ? shownNow(shown, next, reading.current) : shown);
        // Rates need two readings: the second one is not waited for as long as the others.
        const isFirst = next.link.kind === "live" && next.model?.elapsedS === null;
        const intervalMs = isFirst ? FIRST_MS : reading.current.intervalMs;
        const rest = intervalMs - (performance.now() - started);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(REST_MS_MIN, rest));
          wake.current = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    };
    void follow();
    return () => {
      isOver = true;
      wake.current();
    };
  }, [feed]);

  const refresh = useCallback(() => wake.current(), []);
  // Another tab wants other rows: now, not at the next tick. Likewise after a pause.
  useEffect(() => {
    if (!paused) {
      setSeen(newest.current);
      refresh();
    }
  }, [wanted, paused, intervalMs, refresh]);
  return { ...seen, refresh };
}

const FIRST_MS = 300;
/** However slow the answers come, the terminal gets its turn. */
const REST_MS_MIN = 20;

function shownNow(shown: Seen, next: Seen, { paused }: { readonly paused: boolean }): Seen {
  return paused ? { ...shown, link: next.link } : next;
}

async function readOnce(
  feed: Feed,
  before: Seen,
  { wanted, onSnapshot }: Pick<Reading, "wanted" | "onSnapshot">,
): Promise<Seen> {
  try {
    const snapshot = await feed.read(wanted);
    onSnapshot?.(snapshot);
    return { model: advance(before.model, snapshot), link: { kind: "live" } };
  } catch (error) {
    const sinceMs = before.link.kind === "lost" ? before.link.sinceMs : Date.now();
    return { ...before, link: { kind: "lost", sinceMs, reason: reasonOf(error) } };
  }
}

/** What an error says; those of the system have no more than a code at times. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown };
  const text = typeof message === "string" && message !== "" ? message : String(code ?? error);
  return text.split("\n")[0];
}
