// A topology as a table for people.

import { formatPosition } from "../position.ts";
import type { Topology, TopologyServer } from "../topology.ts";

const COLUMNS = [
  "host",
  "role",
  "state",
  "version",
  "lag",
  "position",
  "read-only",
  "age",
  "rtt",
  "errors",
] as const;

/** Columns that hold numbers are aligned by their ends. */
const RIGHT = new Set<string>(["lag", "age", "rtt"]);
const POSITION_MAX = 32;

/** A heading of one or two lines, and a row for each server. */
export function tableReport(topology: Topology, nowMs: number): string {
  const { flavor, flavorReason, primary, primaryReason, servers } = topology;
  const rows = [COLUMNS, ...servers.map((server) => cellsOf(server, nowMs))];
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) =>
    row.map((cell, at) =>
      RIGHT.has(COLUMNS[at]!) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)
    ).join("  ").trimEnd()
  );
  return [
    `flavor   ${flavor} (${flavorReason})`,
    `primary  ${primary ?? "none"} (${primaryReason})`,
    "",
    ...lines,
    "",
  ].join("\n");
}

function cellsOf(server: TopologyServer, nowMs: number): readonly string[] {
  const { name, aliases, role, state, version, lagMs, position, readOnly } = server;
  const ageMs = server.answeredMs === null ? null : Math.max(0, nowMs - server.answeredMs);
  return [
    aliases.length === 0 ? name : `${name} (${aliases.join(", ")})`,
    role,
    state,
    version || "-",
    lagMs === null ? "-" : shortTime(lagMs),
    position === null ? "-" : shortened(formatPosition(position)),
    readOnly === null ? "-" : readOnly ? "yes" : "no",
    ageMs === null ? "never" : shortTime(ageMs),
    server.rttMs === null ? "-" : shortTime(server.rttMs),
    [...new Set([server.reason, server.error])].filter((it) => it !== "").join("; "),
  ];
}

/** `0`, `0.42ms`, `120ms`, `12.3s`, `5m`. */
function shortTime(ms: number): string {
  if (ms === 0) return "0";
  if (ms < 10) return `${Number(ms.toFixed(2))}ms`;
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  return `${Math.round(ms / 60_000)}m`;
}

/** The end tells more than the beginning: there are the newest transactions. */
function shortened(text: string): string {
  if (text === "") return "-";
  return text.length <= POSITION_MAX ? text : `…${text.slice(1 - POSITION_MAX)}`;
}
