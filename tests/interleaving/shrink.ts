// Makes a failing program small: leaves out sessions, then steps, then what steps are made of, as
// long as it still fails in the same way.

import type { Lane } from "./arena.ts";
import { tryProgram } from "./campaign.ts";
import type { Trial } from "./comparison.ts";
import { type Program, sessionsOf, type Step } from "./program.ts";

/** Programs tried at most. */
const TRIALS_MAX = 400;

/** The smallest trial found that fails with the same sort of difference; the first one may be it. */
export async function shrink(trial: Trial, lane: Lane): Promise<Trial> {
  let best = trial;
  let trials = 0;
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    if (trials >= TRIALS_MAX || steps.length === 0) return false;
    trials++;
    const program: Program = { ...best.program, steps };
    const next = await tryProgram(program, lane, { fresh: true });
    if (next.difference?.sort !== trial.difference?.sort) return false;
    best = next;
    return true;
  };
  // What comes after the difference has no part in it. It may not come up again without the data
  // that programs before have left: then there is nothing to shrink.
  const played = trial.direct.slice(0, trial.difference!.at + 1).map(({ step }) => step);
  if (!await fails(played)) return trial;
  for (const name of sessionsOf(best.program)) {
    await fails(best.program.steps.filter(({ session }) => session !== name));
  }
  await dropSteps(() => best.program.steps, fails);
  await simplify(() => best.program.steps, fails);
  await dropSteps(() => best.program.steps, fails);
  return best;
}

/** Leaves out runs of steps, shorter and shorter ones. */
async function dropSteps(
  steps: () => readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
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
  fails: (steps: readonly Step[]) => Promise<boolean>,
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
        session: step.session,
        command: "query",
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
