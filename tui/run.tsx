// Runs the dashboard in the terminal: checks that there is one, draws, and leaves it as it was.

import { render } from "ink";
import type { ReactElement } from "react";
import { type Beginning, LiveApp, RecordingApp } from "./app.tsx";
import type { Feed } from "./feed.ts";
import type { Recorder } from "./recording.ts";
import type { Snapshot } from "./snapshot.ts";

/** Whether somebody sits before a terminal that can be drawn on. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Shows a proxy that runs, until somebody leaves. */
export async function showProxy(
  beginning: Beginning,
  { feed, recorder, recordingTo }: {
    readonly feed: Feed;
    readonly recorder?: Recorder | undefined;
    readonly recordingTo?: string | undefined;
  },
): Promise<void> {
  try {
    await show(
      <LiveApp
        beginning={beginning}
        feed={feed}
        recorder={recorder}
        recordingTo={recordingTo}
      />,
    );
  } finally {
    feed.close();
    recorder?.close();
  }
}

/** Shows a recording, until somebody leaves. */
export async function showRecording(
  beginning: Beginning,
  { snapshots, name, startAt }: {
    readonly snapshots: readonly Snapshot[];
    readonly name: string;
    readonly startAt?: number | undefined;
  },
): Promise<void> {
  await show(
    <RecordingApp
      beginning={beginning}
      snapshots={snapshots}
      name={name}
      startAt={startAt ?? 0}
    />,
  );
}

/** Frames a second at most: keys are to be followed at once, and nothing else changes as often. */
const FPS_MAX = 20;

async function show(app: ReactElement): Promise<void> {
  const shown = render(app, {
    alternateScreen: true,
    incrementalRendering: true,
    interactive: true, // whether there is a terminal was asked before; CI=true says nothing of it
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: FPS_MAX,
  });
  // A terminal that is closed, or a service manager, ends it as the key does.
  const end = () => shown.unmount();
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.once(signal, end);
  await shown.waitUntilExit();
}
