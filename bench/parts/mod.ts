// The parts of the benchmark, in their order.

import type { Part, Scale } from "../part.ts";
import { crowdPart, largeCrowdPart } from "./crowd.ts";
import { generatorsPart } from "./generators.ts";
import { idlePart } from "./idle.ts";
import { idlePooledPart } from "./idle_pooled.ts";
import { instructionsPart } from "./instructions.ts";
import { loadPart } from "./load.ts";
import { loginsPart } from "./logins.ts";
import { idleNeighboursPart, largeNeighbourPart } from "./neighbours.ts";
import { resultPart } from "./result.ts";
import { slowResultPart } from "./slow_result.ts";
import { splitPart } from "./split.ts";
import { sysbenchPart } from "./sysbench.ts";
import { workersPart } from "./workers.ts";
import { writersPart } from "./writers.ts";

export { allLoads, quickLoads, workNames } from "./load.ts";
export { workloads } from "./sysbench.ts";

/** The most clients that any part but the idle ones has. */
export const CROWD = 2_000;

/** The parts of a quick run: those that show something in a few seconds. */
export const quickParts: readonly string[] = [
  "sysbench",
  "result",
  "load",
  "split",
  "instructions",
];

/** Makes each part by its name. */
export const parts: Readonly<Record<string, (scale: Scale) => Part>> = {
  "sysbench": sysbenchPart,
  "result": resultPart,
  "idle": idlePart,
  "slow-result": slowResultPart,
  "crowd": crowdPart,
  "large-crowd": largeCrowdPart,
  "writers": writersPart,
  "idle-pooled": idlePooledPart,
  "logins": loginsPart,
  "load": loadPart,
  "generators": generatorsPart,
  "idle-neighbours": idleNeighboursPart,
  "large-neighbour": largeNeighbourPart,
  "workers": workersPart,
  "split": splitPart,
  "instructions": instructionsPart,
};
