// Plays programs: first on direct connections, where it is found out in which order the steps can
// go with few server connections, then in the same order through the proxy.

import { ServerStatus } from "../../mod/wire/mod.ts";
import { Holds } from "./holds.ts";
import { Player } from "./player.ts";
import {
  mayGoTogether,
  type Program,
  type SessionName,
  sessionsOf,
  type Step,
  textOf,
} from "./program.ts";
import type { Answer } from "./session_client.ts";
import type { Stage } from "./stage.ts";

/** A step that was played, and what came of it. */
export interface Played {
  readonly step: Step;
  readonly answer: Answer;
}

/**
 * Plays a program on direct connections. When as many sessions hold a connection as the program may
 * have, the others wait until one holds none any more; a holder at the end of its steps leaves. So
 * no order of steps, and no program with steps taken out, can come to a standstill.
 */
export async function rehearse(program: Program, stage: Stage): Promise<Played[]> {
  const serializable = program.steps.some((step) => /serializable/i.test(textOf(step)));
  const cast = new Map(
    sessionsOf(program).map((name) => [name, new Rehearsal(stage, serializable)]),
  );
  const waiting = [...program.steps];
  const played: Played[] = [];
  try {
    while (waiting.length > 0) {
      const holders = [...cast].filter(([, { holds }]) => holds.holding).map(([name]) => name);
      const steps = takeNext(waiting, holders.length < program.connections ? undefined : holders);
      const session = cast.get(steps[0]!.session)!;
      const others = [...cast.values()].filter((other) => other !== session);
      if (steps.some((step) => session.couldWait(step, others))) continue;
      const answers = await session.play(steps);
      played.push(...steps.map((step, i) => ({ step, answer: answers[i]! })));
      if (answers.some(({ ending }) => ending === "late")) break;
    }
  } finally {
    await Promise.all([...cast.values()].map(({ player }) => player.end()));
  }
  return played;
}

/**
 * The first step of a session that may go, with those that are sent together with it; where there
 * is none, the first holder's departure.
 */
function takeNext(waiting: Step[], allowed: readonly SessionName[] | undefined): Step[] {
  const at = allowed === undefined
    ? 0
    : waiting.findIndex(({ session }) => allowed.includes(session));
  if (at < 0) return [{ session: allowed![0]!, command: "leave", how: "quit" }];
  const steps = waiting.splice(at, 1);
  while (steps.at(-1)!.together && mayGoTogether(steps.at(-1)!)) {
    const next = waiting.findIndex(({ session }) => session === steps[0]!.session);
    if (next < 0 || !mayGoTogether(waiting[next]!)) break;
    steps.push(...waiting.splice(next, 1));
  }
  return steps;
}

/** A session and what is known of it. */
class Rehearsal {
  readonly player: Player;
  readonly holds: Holds = new Holds();
  readonly #serializable: boolean;
  #status: number = ServerStatus.AUTOCOMMIT;

  constructor(stage: Stage, serializable: boolean) {
    this.player = new Player(stage);
    this.#serializable = serializable;
  }

  /** Plays steps in one piece. */
  async play(steps: readonly Step[]): Promise<Answer[]> {
    const answers = await this.player.play(steps);
    for (const [i, answer] of answers.entries()) {
      this.holds.observe(steps[i]!, answer);
      if (answer.errorCode !== 0) continue;
      if (answer.status !== 0) this.#status = answer.status;
    }
    return answers;
  }

  /** Whether a step could wait for another session's lock, or another for this one's. */
  couldWait(step: Step, others: readonly Rehearsal[]): boolean {
    const text = textOf(step);
    // A schema that others use, whose tables they may have locked, is not dropped (docs/pooling.md).
    if (/\bDROP DATABASE\b/i.test(text)) {
      return others.some(({ holds }) => holds.holding || holds.schema === "{db2}");
    }
    if (!/common\b/i.test(text)) return false;
    // Locks on the common tables may last for one statement only.
    const reads = /^SELECT\b(?!.*\b(?:INTO|FOR|LOCK)\b)/i.test(text) && !this.#serializable;
    if (reads) return false;
    // When a prepared statement will be run is not known here.
    if (step.command === "prepare") return true;
    return (this.#status & ServerStatus.IN_TRANS) !== 0 ||
      (this.#status & ServerStatus.AUTOCOMMIT) === 0;
  }
}

/** The schema a step has left its session in, if it has changed it. */
/** There is no answer, or the pool had no connection for it. */
function isMissing({ ending, errorCode }: Answer): boolean {
  return ending === "late" || errorCode === TOO_MANY_CONNECTIONS;
}

const TOO_MANY_CONNECTIONS = 1040;

/** Plays steps in the given order; ends early where an answer does not come. */
export async function replay(steps: readonly Step[], stage: Stage): Promise<Played[]> {
  const cast = new Map<SessionName, Player>();
  const waiting = [...steps];
  const played: Played[] = [];
  try {
    while (waiting.length > 0) {
      const group = takeNext(waiting, undefined);
      const { session } = group[0]!;
      let player = cast.get(session);
      if (player === undefined) {
        player = new Player(stage);
        cast.set(session, player);
      }
      const answers = await player.play(group);
      played.push(...group.map((step, i) => ({ step, answer: answers[i]! })));
      if (answers.some(isMissing)) await stage.onLate?.();
      if (answers.some(({ ending }) => ending === "late")) break;
    }
  } finally {
    await Promise.all([...cast.values()].map((player) => player.end()));
  }
  return played;
}
