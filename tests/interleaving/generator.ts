// Makes a program by chance: a few sessions, a few topics they stay with, their steps interleaved.

import { Random } from "../fuzz/random.ts";
import type { ServerKind } from "../servers/mod.ts";
import { COMMANDS, lookAround } from "./kinds/commands.ts";
import { DIAGNOSTICS } from "./kinds/diagnostics.ts";
import type { Kind } from "./kinds/kind.ts";
import { LOCKS } from "./kinds/locks.ts";
import { PREPARED } from "./kinds/prepared.ts";
import { ROUTINES } from "./kinds/routines.ts";
import { SETTINGS } from "./kinds/settings.ts";
import { SYSTEM_VARIABLES } from "./kinds/system_variables.ts";
import { TABLES } from "./kinds/tables.ts";
import { TRANSACTIONS } from "./kinds/transactions.ts";
import { USER_VARIABLES } from "./kinds/user_variables.ts";
import { WRITES } from "./kinds/writes.ts";
import { mayGoTogether, POOL_SIZES, type Program, SESSIONS, type Step } from "./program.ts";
import { Scribe } from "./scribe.ts";
import { BAD_COLLATIONS, pickCollation, pickFlags } from "./sessions.ts";

const ALL: readonly Kind[] = [
  ...SETTINGS,
  ...SYSTEM_VARIABLES,
  ...USER_VARIABLES,
  ...DIAGNOSTICS,
  ...WRITES,
  ...TRANSACTIONS,
  ...TABLES,
  ...LOCKS,
  ...PREPARED,
  ...ROUTINES,
  ...COMMANDS,
];

/** The statement kinds for a kind of server. */
export function kindsFor(server: ServerKind): Kind[] {
  return ALL.filter(({ on }) => on === undefined || on === server);
}

/** What a program is made of. */
export interface ProgramOptions {
  /** The same seed makes the same program. */
  readonly seed: number;
  readonly server: ServerKind;
}

/** Makes a program. */
export function makeProgram({ seed, server }: ProgramOptions): Program {
  const random = new Random(seed);
  const connections = random.pick(POOL_SIZES);
  const kinds = chooseKinds(random, server);
  const names = SESSIONS.slice(0, 2 + Math.min(random.below(5), random.below(5)));
  const total = 10 + random.below(22);
  const sharedFlags = random.oneIn(2) ? undefined : pickFlags(random, server);
  const parts = names.map((name): Step[] => {
    const scribe = new Scribe(name, { random, server });
    scribe.do({
      command: "enter",
      account: random.oneIn(12) ? "second" : "first",
      database: random.oneIn(16) ? random.pick(["", "{db2}", "nowhere"]) : "{db}",
      collation: random.oneIn(2)
        ? 45
        : random.oneIn(20)
        ? random.pick(BAD_COLLATIONS)
        : pickCollation(random, server),
      flags: sharedFlags ?? pickFlags(random, server),
    });
    const wanted = Math.max(3, Math.round(total / names.length));
    while (scribe.steps.length < wanted) {
      const kind = pickKind(random, kinds);
      scribe.kind = kind.name;
      kind.write(scribe);
    }
    scribe.kind = "command: a look around";
    if (random.oneIn(2)) lookAround(scribe);
    return scribe.steps.map((step, at) => {
      const next = scribe.steps[at + 1];
      const able = next !== undefined && mayGoTogether(step) && mayGoTogether(next) &&
        // Only MariaDB runs a statement whose id the client does not know yet.
        (server === "mariadb" || step.command !== "prepare");
      return able && random.oneIn(TOGETHER_ONE_IN) ? { ...step, together: true } : step;
    });
  });
  return { servers: [server], connections, steps: interleave(random, parts) };
}

/** Of so many steps one is sent without waiting for its answer. */
const TOGETHER_ONE_IN = 40;

/** A kind and the sum of the weights up to it. */
type Weighted = readonly (readonly [Kind, number])[];

/** All kinds may come up, those of a few topics much more often. */
function chooseKinds(random: Random, server: ServerKind): Weighted {
  const kinds = kindsFor(server);
  const topics = [...new Set(kinds.map(({ topic }) => topic))];
  const favoured = new Set(Array.from({ length: 2 + random.below(4) }, () => random.pick(topics)));
  // A topic with many kinds counts more than one with few, but not as much more.
  const size = new Map<string, number>();
  for (const { topic, weight } of kinds) size.set(topic, (size.get(topic) ?? 0) + weight);
  let sum = 0;
  return kinds.map((kind) => {
    sum += (kind.weight / Math.sqrt(size.get(kind.topic)!)) * (favoured.has(kind.topic) ? 10 : 1);
    return [kind, sum] as const;
  });
}

function pickKind(random: Random, kinds: Weighted): Kind {
  const at = random.next() * kinds.at(-1)![1];
  return kinds.find(([, sum]) => sum > at)![0];
}

/** Merges the sessions' steps; sometimes in turns of several, sometimes one by one. */
function interleave(random: Random, parts: readonly (readonly Step[])[]): Step[] {
  const left = parts.map((steps) => [...steps]);
  const steps: Step[] = [];
  const longest = random.pick([1, 1, 2, 4]);
  while (left.some((part) => part.length > 0)) {
    steps.push(...random.pick(left).splice(0, 1 + random.below(longest)));
  }
  return steps;
}
