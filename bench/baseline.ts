// The figures that a commit is held against: those that are the same on every machine.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figures } from "./part.ts";
import type { Entry } from "./run.ts";

const FILE = join(import.meta.dir, "baseline.json");

interface Baseline {
  /** Of the runtime: another one has other instructions. */
  readonly bun: string;
  readonly architecture: string;
  readonly figures: Readonly<{ [caseAndContender: string]: Figures }>;
}

/** Of the part `instructions`; others depend on the machine. */
const PART = "instructions";

/**
 * The committed figures of a case and contender; undefined where there are none.
 *
 * @throws {Error} If they are of another runtime: nothing could be compared, and nobody would notice.
 */
export function baselineOf({ part, case: id, contender }: Entry): Figures | undefined {
  if (part !== PART || !existsSync(FILE)) return undefined;
  const { bun, architecture, figures } = JSON.parse(readFileSync(FILE, "utf8")) as Baseline;
  if (bun !== Bun.version || architecture !== process.arch) {
    throw new Error(
      `bench/baseline.json is of Bun ${bun} on ${architecture}, this is ${Bun.version} on ` +
        `${process.arch}: make a new one with --only ${PART} --save-baseline`,
    );
  }
  return figures[`${id} ${contender}`];
}

/** Makes what a run has counted the baseline; what it has not counted stays. */
export function saveBaseline(entries: readonly Entry[]): void {
  const before = existsSync(FILE)
    ? (JSON.parse(readFileSync(FILE, "utf8")) as Baseline).figures
    : {};
  const counted = entries.filter(({ part }) => part === PART).map((
    { contender, median, ...rest },
  ) =>
    [
      `${rest.case} ${contender}`,
      Object.fromEntries(
        Object.entries(median).map(([name, value]) => [name, Math.round(value * 10) / 10]),
      ),
    ] as const
  );
  const baseline: Baseline = {
    bun: Bun.version,
    architecture: process.arch,
    figures: { ...before, ...Object.fromEntries(counted) },
  };
  writeFileSync(FILE, `${JSON.stringify(baseline, null, 2)}\n`);
}
