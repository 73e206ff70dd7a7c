// Compares what a program got on direct connections with what it got through the proxy.

import { describeAnswer } from "./answer_text.ts";
import type { Played } from "./performance.ts";
import type { Program, SessionName, Step, VariedFlag } from "./program.ts";
import { formatProgram, formatStep } from "./program_text.ts";
import type { Answer } from "./session_client.ts";

/** The first step whose answers differ. */
export interface Difference {
  /** Index among the steps played. */
  readonly at: number;
  /** A name of the sort of difference, by which shrinking stays with the same defect. */
  readonly sort: string;
}

/** A direct answer that takes longer says that the program is no good; in milliseconds. */
const DIRECT_MS_MAX = 2_500;

/**
 * Finds the first difference; undefined where there is none.
 *
 * @param left A complaint about what the program has left on the servers.
 */
export function compare(
  direct: readonly Played[],
  proxied: readonly Played[],
  left: string | undefined,
): Difference | undefined {
  for (const [at, { step, answer }] of direct.entries()) {
    if (answer.ending === "late" || answer.milliseconds > DIRECT_MS_MAX) {
      return { at, sort: "slow on the direct connection" };
    }
    const other = proxied[at]?.answer;
    if (other === undefined) return { at, sort: "not played" };
    if (other.ending === "late") return { at, sort: "no answer" };
    const same = isLost(answer)
      ? isLost(other)
      : Buffer.compare(answer.bytes, other.bytes) === 0 && answer.ending === other.ending;
    if (!same) return { at, sort: sortOf(step, answer.errorCode, other.errorCode) };
  }
  return left === undefined ? undefined : { at: direct.length - 1, sort: left };
}

/**
 * The connection ended before an answer. The proxy says so in a packet where it can, which a client
 * library makes of it by itself.
 */
function isLost({ ending, bytes, errorCode }: Answer): boolean {
  return errorCode === LOST_CONNECTION || (ending === "closed" && bytes.length === 0);
}

const LOST_CONNECTION = 2013;

function sortOf(step: Step, direct: number, proxied: number): string {
  return direct === proxied ? `answer to ${step.command}` : `error ${proxied} for ${direct}`;
}

/** A program played on both sides. */
export interface Trial {
  readonly program: Program;
  readonly direct: readonly Played[];
  readonly proxied: readonly Played[];
  readonly difference: Difference | undefined;
}

/** The program as it was played, and both answers where they first differ. */
export function explain({ program, direct, proxied, difference }: Trial): string {
  if (difference === undefined) return formatProgram(program);
  const { at, sort } = difference;
  const steps = direct.map(({ step }) => step);
  const { step } = direct[at]!;
  const flags = flagsOf(steps.slice(0, at + 1), step.session);
  const expected = describeAnswer(direct[at]!, flags);
  const given = proxied[at] === undefined ? ["(not played)"] : describeAnswer(proxied[at]!, flags);
  return [
    formatProgram({ ...program, steps: steps.slice(0, at + 1) }),
    `# first difference (${sort}) in step ${at + 1}: ${formatStep(step)}`,
    ...sideBySide(expected, given),
  ].join("\n");
}

/** Lines of a long answer that are equal are left out but for the first ones. */
const EQUAL_LINES_MAX = 8;

/** Only lines that differ are shown twice. */
function sideBySide(expected: readonly string[], given: readonly string[]): string[] {
  const lines: string[] = [];
  let equal = 0;
  for (let i = 0; i < Math.max(expected.length, given.length); i++) {
    if (expected[i] === given[i]) {
      if (++equal <= EQUAL_LINES_MAX) lines.push(`#         ${expected[i]}`);
    } else {
      lines.push(`# direct: ${expected[i] ?? "(nothing)"}`, `# proxy:  ${given[i] ?? "(nothing)"}`);
    }
  }
  return lines;
}

/** The flags the session has logged in with. */
function flagsOf(steps: readonly Step[], session: SessionName): readonly VariedFlag[] {
  let flags: readonly VariedFlag[] = [];
  for (const step of steps) {
    if (step.session === session && step.command === "enter") flags = step.flags;
  }
  return flags;
}
