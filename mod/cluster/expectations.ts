// What somebody expects of a cluster, as in `primary=1,replicas>=2`, and whether it is so.

import { formatDuration } from "../config/mod.ts";
import { FLAVOR_NAMES } from "./flavor.ts";
import type { Topology, TopologyServer } from "./topology.ts";

/** What can be counted. A server counts where it answers and takes part, but for the last four. */
const COUNTS: Readonly<Record<string, (server: TopologyServer) => boolean>> = {
  primary: (server) => server.role === "primary" && isPresent(server),
  replicas: (server) => server.role === "replica" && isPresent(server),
  learners: (server) => server.role === "learner" && isPresent(server),
  loggers: (server) => server.role === "logger" && isPresent(server),
  writers: ({ writes }) => writes,
  readers: ({ reads }) => reads,
  servers: () => true,
  up: ({ state }) => state === "up",
  down: ({ state }) => state === "down",
  lagging: ({ state }) => state === "lagging",
};

const COMPARISONS: Readonly<Record<string, (found: number, wanted: number) => boolean>> = {
  "=": (found, wanted) => found === wanted,
  "!=": (found, wanted) => found !== wanted,
  ">=": (found, wanted) => found >= wanted,
  "<=": (found, wanted) => found <= wanted,
  ">": (found, wanted) => found > wanted,
  "<": (found, wanted) => found < wanted,
};

/** Something that is to hold. */
export interface Expectation {
  /** As it was written, without blanks. */
  readonly text: string;
  /** What is found instead; undefined where it holds. */
  readonly disappointment: (topology: Topology) => string | undefined;
}

/** An expectation that was looked at. */
export interface Check {
  readonly name: string;
  readonly holds: boolean;
  /** Why it does not hold; empty where it does. */
  readonly message: string;
}

/**
 * Reads expectations, separated by commas.
 *
 * @throws {SyntaxError} With one line that says what is wrong.
 */
export function parseExpectations(text: string): readonly Expectation[] {
  return text.split(",").map((part) => part.replace(/\s+/g, "")).filter((part) => part !== "")
    .map(parseExpectation);
}

function parseExpectation(text: string): Expectation {
  const [, name = "", written = "", value = ""] = /^([a-z]+)(==?|!=|>=|<=|>|<)(\w+)$/.exec(text) ??
    [];
  const comparison = written === "==" ? "=" : written;
  if (name === "flavor" && comparison === "=") return expectFlavor(text, value);
  const counts = COUNTS[name];
  const holds = COMPARISONS[comparison];
  if (counts === undefined || holds === undefined || !/^\d+$/.test(value)) {
    const names = Object.keys(COUNTS).join(", ");
    throw new SyntaxError(
      `cannot read the expectation "${text}": it is flavor=NAME, or a count and a number as in primary=1 or replicas>=2; the counts are ${names}`,
    );
  }
  return {
    text,
    disappointment({ servers }) {
      const found = servers.filter(counts);
      if (holds(found.length, Number(value))) return undefined;
      const list = found.map((server) => server.name).join(", ");
      return `expected ${text}, found ${found.length}${list === "" ? "" : ` (${list})`}`;
    },
  };
}

function expectFlavor(text: string, name: string): Expectation {
  if (!(FLAVOR_NAMES as readonly string[]).includes(name)) {
    throw new SyntaxError(
      `cannot read the expectation "${text}": the flavors are ${FLAVOR_NAMES.join(", ")}`,
    );
  }
  return {
    text,
    disappointment: ({ flavor }) =>
      flavor === name ? undefined : `expected ${text}, found ${flavor}`,
  };
}

/** What is asked of a topology. */
export interface Wanted {
  readonly expectations: readonly Expectation[];
  /** The lag that no replica or learner may have more of, in milliseconds; undefined: any. */
  readonly maxLagMs?: number | undefined;
}

/** Looks whether all holds. */
export function checkTopology(
  topology: Topology,
  { expectations, maxLagMs }: Wanted,
): readonly Check[] {
  const checks = expectations.map(({ text, disappointment }): Check => {
    const message = disappointment(topology);
    return { name: text, holds: message === undefined, message: message ?? "" };
  });
  if (maxLagMs === undefined) return checks;
  const followers = topology.servers.filter((server) =>
    (server.role === "replica" || server.role === "learner") && isPresent(server)
  );
  return [...checks, ...followers.map((server) => checkLag(server, maxLagMs))];
}

function checkLag({ name, lagMs }: TopologyServer, maxLagMs: number): Check {
  const bound = formatDuration(maxLagMs);
  const check = { name: `lag of ${name} <= ${bound}` };
  if (lagMs === null) {
    return { ...check, holds: false, message: `the lag of ${name} is not known` };
  }
  if (lagMs <= maxLagMs) return { ...check, holds: true, message: "" };
  return { ...check, holds: false, message: `${name} is ${lagMs} ms behind, more than ${bound}` };
}

/** It answers, and takes part in this cluster. */
function isPresent({ state, answeredMs }: TopologyServer): boolean {
  return answeredMs !== null && state !== "down" && state !== "suspect" &&
    state !== "wrong-cluster";
}
