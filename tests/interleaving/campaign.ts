// Plays many programs side by side and collects those whose answers differ.

import type { Arena } from "./arena.ts";
import { compare, type Trial } from "./comparison.ts";
import { makeProgram } from "./generator.ts";
import type { Lane } from "./lane.ts";
import { rehearse, replay } from "./performance.ts";
import type { Program } from "./program.ts";

/** Plays one program on a lane; `fresh`: whatever happened there before. */
export async function tryProgram(
  program: Program,
  lane: Lane,
  options: { readonly fresh: boolean },
): Promise<Trial> {
  if (options.fresh) await lane.renew(program);
  const direct = await rehearse(program, lane.direct);
  const steps = direct.map(({ step }) => step);
  const proxied = await replay(steps, lane.proxied(program));
  const left = await lane.settle(steps);
  return { program, direct, proxied, difference: compare(direct, proxied, left) };
}

/** Programs on the same lane that are kept to go with a failed one. */
const PROGRAMS_BEFORE = 3;

/** How many programs, and which. */
export interface CampaignOptions {
  /** Programs have the seeds from this one on. */
  readonly seed: number;
  readonly programs: number;
  /** Or as many as there is time for, in milliseconds. @default {Infinity} */
  readonly msMax?: number;
  /** The campaign ends when so many programs have failed. @default {1} */
  readonly failuresMax?: number;
  /** Told after each program. */
  readonly onTrial?: (trial: Trial, done: number, seed: number) => void;
}

/** A failed program and where it can be played again. */
export interface Failure {
  readonly seed: number;
  readonly trial: Trial;
  readonly lane: Lane;
  /** What was played on the lane just before, the last one last: it may have had a part in it. */
  readonly before: readonly Program[];
}

/** What a campaign came to. */
export interface CampaignReport {
  readonly programs: number;
  readonly steps: number;
  readonly seconds: number;
  readonly failures: readonly Failure[];
}

/** Plays programs on all lanes. */
export async function campaign(arena: Arena, options: CampaignOptions): Promise<CampaignReport> {
  const { seed, programs, msMax = Infinity, failuresMax = 1, onTrial } = options;
  const failures: Failure[] = [];
  const from = performance.now();
  let next = 0;
  let done = 0;
  let steps = 0;
  const play = async (lane: Lane) => {
    let fresh = false;
    const before: Program[] = [];
    const hasTime = () => performance.now() - from < msMax;
    while (next < programs && failures.length < failuresMax && hasTime()) {
      const own = seed + next++;
      const program = makeProgram({ seed: own, server: arena.kind });
      const trial = await tryProgram(program, lane, { fresh });
      if (isMissing(trial)) console.log(`seed ${own}, at the server:\n${await lane.threads()}`);
      steps += trial.direct.length;
      // What a failed program has left on the two servers may not be the same.
      fresh = trial.difference !== undefined;
      if (fresh) failures.push({ seed: own, trial, lane, before: [...before] });
      before.push(program);
      if (before.length > PROGRAMS_BEFORE) before.shift();
      onTrial?.(trial, ++done, own);
    }
  };
  await Promise.all(arena.lanes.map(play));
  return { programs: done, steps, seconds: (performance.now() - from) / 1000, failures };
}

/** The proxy gave no answer, or had no connection to give. */
function isMissing({ difference }: Trial): boolean {
  return difference !== undefined && /no answer|error 1040/.test(difference.sort);
}
