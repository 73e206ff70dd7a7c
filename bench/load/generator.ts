// The load generator as the benchmark sees it: processes of their own, so that measuring does not
// disturb them and more than one core can be used.

import { join } from "node:path";
import { tied } from "../processes.ts";
import { Histogram } from "./histogram.ts";
import type { LoadOptions, Phase, PhaseResult } from "./load.ts";
import type { Said } from "./program.ts";

/** What a phase has given, and how busy the generator was. */
export interface Measured extends PhaseResult {
  /** The busiest process's share of one core: near 1 it was the generator that was measured. */
  readonly busy: number;
}

const PROGRAM = join(import.meta.dir, "program.ts");

/** Processes with the clients divided among them. */
export class Generator implements AsyncDisposable {
  readonly #parts: readonly Process[];

  private constructor(parts: readonly Process[]) {
    this.#parts = parts;
  }

  /**
   * Starts the processes and waits until all clients are logged in.
   *
   * @throws {Error} If one is refused.
   */
  static async start(options: LoadOptions, processes: number): Promise<Generator> {
    const count = Math.min(processes, options.clients);
    const parts = Array.from({ length: count }, (_, at) => {
      const clients = Math.floor((options.clients + at) / count);
      return new Process({ ...options, clients });
    });
    const generator = new Generator(parts);
    try {
      await Promise.all(parts.map((part) => part.next()));
      return generator;
    } catch (error) {
      await generator[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Runs a phase on all clients.
   *
   * @throws {Error} If a statement fails or a connection ends.
   */
  async run({ ms, rate }: Phase): Promise<Measured> {
    const results = await Promise.all(this.#parts.map(async (part) => {
      part.tell({ ms, rate: rate / this.#parts.length });
      return await part.next();
    }));
    const latencies = new Histogram();
    let [queries, units, repeats, overdue, seconds, busy] = [0, 0, 0, 0, 0, 0];
    for (const { result, cpuMicros } of results) {
      const one = result as PhaseResult & { readonly latencies: number[] };
      latencies.merge(new Histogram(one.latencies));
      queries += one.queries;
      units += one.units;
      repeats += one.repeats;
      overdue += one.overdue;
      seconds = Math.max(seconds, one.seconds);
      busy = Math.max(busy, (cpuMicros ?? 0) / 1e6 / one.seconds);
    }
    return { latencies, queries, units, repeats, overdue, seconds, busy };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.end()));
  }
}

/** One process. */
class Process {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncGenerator<string>;

  constructor(options: LoadOptions) {
    this.#child = Bun.spawn(tied([process.execPath, PROGRAM, JSON.stringify(options)]), {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = linesOf(this.#child.stdout);
  }

  tell(phase: Phase): void {
    this.#child.stdin.write(`${JSON.stringify(phase)}\n`);
    this.#child.stdin.flush();
  }

  /** What it says next. @throws {Error} If that is a failure, or it has ended. */
  async next(): Promise<Said> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("The load generator has ended");
    const said = JSON.parse(value) as Said;
    if (said.failure !== undefined) throw new Error(said.failure);
    return said;
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL"); // its clients leave without a word
    await this.#child.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
