// Plays programs: first on direct connections, where it is found out in which order the steps can
// go with few server connections, then in the same order through the proxy.

import { ServerStatus } from "../../mod/wire/mod.ts";
import { Holds } from "./holds.ts";
import { Player } from "./player.ts";
import { type Program, type SessionName, sessionsOf, type Step, textOf } from "./program.ts";
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
      const step = takeNext(waiting, holders.length < program.connections ? undefined : holders);
      const answer = await cast.get(step.session)!.play(step);
      if (answer === undefined) continue;
      played.push({ step, answer });
      if (answer.ending === "late") break;
    }
  } finally {
    await Promise.all([...cast.values()].map(({ player }) => player.end()));
  }
  return played;
}

/** The first step of a session that may go; where there is none, the first holder's departure. */
function takeNext(waiting: Step[], allowed: readonly SessionName[] | undefined): Step {
  const at = allowed === undefined
    ? 0
    : waiting.findIndex(({ session }) => allowed.includes(session));
  if (at < 0) return { session: allowed![0]!, command: "leave", how: "quit" };
  return waiting.splice(at, 1)[0]!;
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

  /** Plays a step, or nothing where the step could make another session wait for a lock. */
  async play(step: Step): Promise<Answer | undefined> {
    if (this.#couldBlock(step)) return undefined;
    const answer = await this.player.play(step);
    this.holds.observe(step, answer);
    if (answer.errorCode === 0 && answer.status !== 0) this.#status = answer.status;
    return answer;
  }

  /** Locks on the common tables may last for one statement only. */
  #couldBlock(step: Step): boolean {
    const text = textOf(step);
    if (!/common\b/i.test(text)) return false;
    const reads = /^SELECT\b(?!.*\b(?:INTO|FOR|LOCK)\b)/i.test(text) && !this.#serializable;
    if (reads) return false;
    // When a prepared statement will be run is not known here.
    if (step.command === "prepare") return true;
    return (this.#status & ServerStatus.IN_TRANS) !== 0 ||
      (this.#status & ServerStatus.AUTOCOMMIT) === 0;
  }
}

/** Plays steps in the given order; ends early where an answer does not come. */
export async function replay(steps: readonly Step[], stage: Stage): Promise<Played[]> {
  const cast = new Map<SessionName, Player>();
  const played: Played[] = [];
  try {
    for (const step of steps) {
      let player = cast.get(step.session);
      if (player === undefined) {
        player = new Player(stage);
        cast.set(step.session, player);
      }
      const answer = await player.play(step);
      played.push({ step, answer });
      if (answer.ending === "late") break;
    }
  } finally {
    await Promise.all([...cast.values()].map((player) => player.end()));
  }
  return played;
}
