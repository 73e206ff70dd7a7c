// The statement that makes a server wait for what a read must see, sent in front of the read, and the
// text form of positions that clients may carry from one connection to another.

import {
  type FlavorName,
  flavorNamed,
  GtidSet,
  MariadbPosition,
  type Position,
  type WaitStatement,
} from "../cluster/mod.ts";
import { within } from "./gtid_runs.ts";
import type { Positions } from "./positions.ts";
import type { RouteServer } from "./route_server.ts";
import type { Needs } from "./session_position.ts";

/**
 * A longer way behind what the primary is known to have is taken for the start of another block of
 * numbers: members of a group give out blocks of their own.
 */
const RUN_MAX = 500_000;

/**
 * The statement that waits until `server` has what is needed; undefined where there is none. Off the
 * hot path: it makes text.
 */
export function waitStatement(
  server: RouteServer,
  needs: Needs,
  { positions, flavor, timeoutMs }: {
    readonly positions: Positions;
    readonly flavor: FlavorName;
    readonly timeoutMs: number;
  },
): WaitStatement | undefined {
  const position: Position | undefined = positions.numbering === "causal"
    ? { kind: "index", value: 0 }
    : missingPosition(server, needs, positions);
  return position && flavorNamed(flavor).waitForPosition(position, timeoutMs);
}

/** What of the needed a server is not known to have. */
function missingPosition(
  { prefix }: RouteServer,
  { sources, numbers }: Needs,
  positions: Positions,
): Position | undefined {
  const parts: string[] = [];
  let value = 0;
  for (const [at, source] of sources.entries()) {
    const number = numbers[at];
    if (prefix[source] >= number) continue;
    if (number === Number.MAX_SAFE_INTEGER) return undefined;
    const name = positions.sources.nameOf(source);
    if (positions.numbering === "gtid") {
      parts.push(`${name}:${missingNumbers(positions.runsOf(name), prefix[source], number)}`);
    } else if (positions.numbering === "mariadb") {
      parts.push(`${name}-${positions.sources.servers[source]}-${number}`);
    } else value = number;
  }
  switch (positions.numbering) {
    case "gtid":
      return { kind: "gtid", text: parts.join(",") };
    case "mariadb":
      return { kind: "mariadb", text: parts.join(",") };
    case "index":
      return { kind: "index", value };
    default:
      return undefined;
  }
}

/** What the primary has behind `prefix`, and on from there up to `number`: `5-9:20`. */
function missingNumbers(all: readonly number[], prefix: number, number: number): string {
  const parts = [...within(all, prefix + 1, number)];
  const known = parts.at(-1) ?? prefix;
  if (known < number) parts.push(number - known > RUN_MAX ? number : known + 1, number);
  let text = "";
  for (let at = 0; at < parts.length; at += 2) text += `:${parts[at]}-${parts[at + 1]}`;
  return text.slice(1);
}

/** What is needed as text, `SELECT @@mysqlproxy.position`; empty where nothing is. */
export function formatToken({ sources, numbers }: Needs, positions: Positions): string {
  return sources.map((source, at) => {
    const name = positions.sources.nameOf(source);
    if (positions.numbering === "mariadb") {
      return `${name}-${positions.sources.servers[source]}-${numbers[at]}`;
    }
    return positions.numbering === "gtid" ? `${name}:${numbers[at]}` : String(numbers[at]);
  }).join(",");
}

/**
 * Reads such a text: all up to its numbers is meant. A set of GTIDs as servers print it will do too.
 *
 * @throws {SyntaxError} If it is none of this kind of cluster.
 */
export function readToken(text: string, positions: Positions): Position {
  switch (positions.numbering) {
    case "gtid":
      return { kind: "gtid", text: GtidSet.parse(text).toString() };
    case "mariadb":
      return { kind: "mariadb", text: MariadbPosition.parse(text).toString() };
    case "index":
      if (/^\d{1,15}$/.test(text)) return { kind: "index", value: Number(text) };
      throw new SyntaxError(`Cannot read a position: "${text}" is no number`);
    default:
      throw new SyntaxError("Cannot read a position: this kind of cluster has none");
  }
}
