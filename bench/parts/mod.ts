// The parts of the benchmark, in their order.

import type { Part, Scale } from "../part.ts";
import { idlePart } from "./idle.ts";
import { resultPart } from "./result.ts";
import { slowResultPart } from "./slow_result.ts";
import { sysbenchPart } from "./sysbench.ts";

export { workloads } from "./sysbench.ts";

/** Makes each part by its name. */
export const parts: Readonly<Record<string, (scale: Scale) => Part>> = {
  "sysbench": sysbenchPart,
  "result": resultPart,
  "idle": idlePart,
  "slow-result": slowResultPart,
};
