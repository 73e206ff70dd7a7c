// Makes a failing program small: leaves out sessions, then steps, then what steps are made of, as
// long as it still fails in the same way.

import { type Failure, tryProgram } from "./campaign.ts";
import type { Trial } from "./comparison.ts";
import { type Program, sessionsOf, type Step } from "./program.ts";

/** Shrinking ends with what there is after so long; in milliseconds. */
const SHRINK_MS_MAX = 60_000;

/** The smallest trial found that fails with the same sort of difference; the first one may be it. */
export async function shrink({ trial, lane, before }: Failure): Promise<Trial> {
  let best = trial;
  const deadline = performance.now() + SHRINK_MS_MAX;
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    if (performance.now() > deadline || steps.length === 0) return false;
    const program: Program = { ...best.program, steps };
    const next = await tryProgram(program, lane, { fresh: true });
    if (next.difference?.sort !== trial.difference?.sort) return false;
    best = next;
    return true;
  };
  // What comes after the difference has no part in it.
  const played = trial.direct.slice(0, trial.difference!.at + 1).map(({ step }) => step);
  if (!await failsAgain(played, { before, fails })) return trial;
  for (const name of sessionsOf(best.program)) {
    await fails(best.program.steps.filter(({ session }) => session !== name));
  }
  await dropSteps(() => best.program.steps, fails);
  await simplify(() => best.program.steps, fails);
  await dropSteps(() => best.program.steps, fails);
  return best;
}

type Fails = (steps: readonly Step[]) => Promise<boolean>;

/** Whether it fails at all: alone, or behind what was played before it, whose traces it met. */
async function failsAgain(
  played: readonly Step[],
  { before, fails }: { readonly before: readonly Program[]; readonly fails: Fails },
): Promise<boolean> {
  let steps = played;
  for (let back = before.length; back >= 0; back--) {
    if (await fails(steps) || await fails(steps)) return true;
    const earlier = before[back - 1];
    if (earlier !== undefined) steps = [...earlier.steps, ...departures(earlier), ...steps];
  }
  return false;
}

/** All sessions leave. */
function departures(program: Program): Step[] {
  return sessionsOf(program).map((session) => ({ session, command: "leave", how: "quit" }));
}

/** Leaves out runs of steps, shorter and shorter ones. */
async function dropSteps(
  steps: () => readonly Step[],
  fails: Fails,
): Promise<void> {
  for (let length = Math.ceil(steps().length / 2); length >= 1; length = Math.floor(length / 2)) {
    for (let at = steps().length - length; at >= 0; at -= length) {
      const rest = steps().toSpliced(at, length);
      await fails(rest);
      at = Math.min(at, steps().length);
    }
  }
}

/** Tries simpler forms of each step. */
async function simplify(
  steps: () => readonly Step[],
  fails: Fails,
): Promise<void> {
  for (let at = 0; at < steps().length; at++) {
    for (const simpler of simplerForms(steps()[at]!)) {
      await fails(steps().with(at, simpler));
    }
  }
}

const PLAIN_FLAGS = ["DEPRECATE_EOF", "SESSION_TRACK", "MULTI_STATEMENTS"] as const;

/** Forms of a step that say less. */
function simplerForms(step: Step): Step[] {
  const { together, ...alone } = step;
  return [...(together ? [alone] : []), ...simplerActions(step)];
}

function simplerActions(step: Step): Step[] {
  switch (step.command) {
    case "enter": {
      const fewer = [
        PLAIN_FLAGS,
        ...step.flags.map((flag) => step.flags.filter((f) => f !== flag)),
      ];
      return [
        { ...step, collation: 45 },
        { ...step, account: "first" },
        { ...step, database: "{db}" },
        ...fewer.map((flags): Step => ({ ...step, flags })),
      ];
    }
    case "query":
      return simplerTexts(step.sql).map((sql): Step => ({
        ...step,
        sql,
      }));
    case "prepare":
      return simplerTexts(step.sql).map((sql): Step => ({ ...step, sql }));
    case "execute":
      return [{ ...step, cursor: false }, { ...step, bind: true }];
    case "leave":
      return [{ ...step, how: "quit" }];
    default:
      return [];
  }
}

/** A statement without comments around it, with fewer assignments, columns or statements. */
function simplerTexts(sql: string): string[] {
  const texts = [sql.replace(/^(?:\/\*[^]*?\*\/|--[^\n]*\n|#[^\n]*\n|\s)+|[\s;]+$/g, "")];
  const parts = sql.split(/(?<=;)\s*|(?<=,)\s*/);
  if (parts.length > 1) {
    texts.push(parts.slice(0, -1).join(" ").replace(/[,;]$/, ""));
    for (let i = 1; i < parts.length - 1; i++) texts.push(parts.toSpliced(i, 1).join(" "));
    const verb = sql.match(/^(?:SELECT|SET(?: SESSION)?)\b/i)?.[0];
    if (verb !== undefined) texts.push(`${verb} ${parts.slice(1).join(" ")}`);
  }
  return texts.filter((text) => text !== sql && text !== "");
}
