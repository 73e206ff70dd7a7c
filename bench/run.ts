// Measures every case of a part with every contender, taking turns.

import type { Contender } from "./contenders/mod.ts";
import { withDeadline } from "./deadline.ts";
import type { Database } from "./database.ts";
import { type Case, type Figures, medians, type Part } from "./part.ts";
import { openTarget, type Target, type TargetOptions } from "./target.ts";

/** A measurement that takes so much longer than it should hangs. */
const DEADLINE_FACTOR = 10;
const DEADLINE_MS = 30_000;
const POOL_CONNECTIONS = 16;

/** What was measured of one contender in one case. */
export interface Entry {
  readonly part: string;
  readonly case: string;
  readonly contender: string;
  /** In the order they were measured. */
  readonly rounds: readonly Figures[];
  readonly median: Figures;
}

/** A contender that gave no figures in a case, nor in later ones of the part. */
export interface Failure {
  readonly part: string;
  readonly case: string;
  readonly contender: string;
  readonly reason: string;
}

/** Told while a run goes on. */
export interface Progress {
  /** A measurement begins. */
  readonly begin: (what: string) => void;
  /** All contenders have been measured in this case. */
  readonly done: (part: Part, measured: Case, entries: readonly Entry[]) => void;
  readonly failed: (failure: Failure) => void;
}

/** Runs a part; a contender that fails is left out from there on, and the others go on. */
export async function runPart(
  part: Part,
  { contenders, targets, progress }: {
    readonly contenders: readonly Contender[];
    readonly targets: Omit<TargetOptions, "poolConnections">;
    readonly progress: Progress;
  },
): Promise<void> {
  if (part.open !== undefined) {
    await using database = await part.open(targets.database.kind);
    const { open: _, ...rest } = part;
    await runPart(rest, { contenders, targets: { ...targets, database }, progress });
    return;
  }
  const taking = contendersOf(part, contenders);
  const lanes = taking.map((contender) => new Lane(contender, { part, targets, progress }));
  try {
    for (const measured of part.cases) {
      for (const lane of lanes) lane.beginCase();
      for (let round = 1; round <= part.rounds; round++) {
        const which = part.rounds > 1 ? `, round ${round} of ${part.rounds}` : "";
        for (const lane of lanes) {
          if (lane.failed) continue;
          progress.begin(`${measured.title}: ${lane.contender.name}${which}`);
          await lane.measure(measured, targets.database);
        }
      }
      progress.done(part, measured, lanes.flatMap((lane) => lane.entry(measured)));
    }
  } finally {
    for (const lane of lanes) await lane.close();
  }
}

/** Those of the contenders that take part. */
export function contendersOf(part: Part, contenders: readonly Contender[]): Contender[] {
  return contenders.filter(({ name, start, parts }) =>
    (start !== undefined || !part.freshProcess) &&
    (part.contenders === undefined || part.contenders.includes(name)) &&
    (parts === undefined || parts.includes(part.name))
  );
}

interface LaneOptions {
  readonly part: Part;
  readonly targets: Omit<TargetOptions, "poolConnections">;
  readonly progress: Progress;
}

/** One contender on its way through a part. */
class Lane {
  readonly contender: Contender;
  failed = false;
  readonly #options: LaneOptions;
  #target: Target | undefined;
  #rounds: Figures[] = [];

  constructor(contender: Contender, options: LaneOptions) {
    this.contender = contender;
    this.#options = options;
  }

  beginCase(): void {
    this.#rounds = [];
  }

  /** Takes down the figures, or that there are none. */
  async measure(measured: Case, database: Database): Promise<void> {
    const { part, targets, progress } = this.#options;
    try {
      if (this.#target === undefined) {
        const poolConnections = part.poolConnections ?? POOL_CONNECTIONS;
        const { wrapper } = part;
        this.#target = await openTarget(this.contender, {
          ...targets,
          poolConnections,
          ...(wrapper && { wrapper }),
        });
        await part.warmUp?.(this.#target, database);
      }
      const figures = measured.measure(this.#target, database);
      const ms = DEADLINE_MS + DEADLINE_FACTOR * part.secondsEach * 1000;
      this.#rounds.push(await withDeadline(figures, { ms }));
    } catch (error) {
      this.failed = true;
      const said = error instanceof Error ? error.message : String(error);
      // A process that has ended explains what its clients saw.
      const reason = this.#target?.process?.ended() ?? said;
      progress.failed({
        part: part.name,
        case: measured.id,
        contender: this.contender.name,
        reason,
      });
    }
    if (part.freshProcess || this.failed) await this.close();
  }

  entry(measured: Case): Entry[] {
    if (this.failed || this.#rounds.length === 0) return [];
    const { part } = this.#options;
    return [{
      part: part.name,
      case: measured.id,
      contender: this.contender.name,
      rounds: this.#rounds,
      median: medians(this.#rounds),
    }];
  }

  async close(): Promise<void> {
    await this.#target?.stop();
    this.#target = undefined;
  }
}
