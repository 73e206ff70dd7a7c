// A new configuration in several workers: in all of them, or in none.

import type { Config } from "../config/mod.ts";
import type { Answer, Question } from "./messages.ts";

/**
 * Has all prepare it, and then put it in force.
 *
 * @param ask Asks each worker.
 * @param own What is to be done in this process in between; it may fail.
 * @returns Why it is in force in none; undefined: it is.
 */
export async function configureWorkers(
  config: Config,
  ask: (question: Question) => Promise<readonly Answer[]>,
  own: () => Promise<void>,
): Promise<string | undefined> {
  const prepared = (await ask({ kind: "prepare", config }))
    .map(({ failure }) => failure ?? "A worker does not answer")
    .find((failure) => failure !== "");
  const failure = prepared ??
    await own().then(() => undefined, (error: Error) => error.message);
  // Who has prepared it can't fail any more: a worker without an answer has it as soon as it goes on.
  await ask({ kind: failure === undefined ? "commit" : "drop" });
  return failure;
}
