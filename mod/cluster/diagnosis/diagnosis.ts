// What `doctor` says: lines of ok, warn and fail, each with what it means and what to do.

import type { ProbeSession, Row } from "../flavor.ts";
import type { TopologyServer } from "../topology.ts";

/** How bad it is: `fail`: something will not work; `warn`: something may surprise. */
export type Severity = "ok" | "warn" | "fail";

/** One line of a diagnosis. */
export interface Diagnosis {
  readonly severity: Severity;
  /** What was looked at, such as `tls` or `rights`. */
  readonly topic: string;
  /** The server it is about; null: the whole, or this machine. */
  readonly server: string | null;
  /** What was found. */
  readonly found: string;
  /** What it means; empty where all is well. */
  readonly meaning: string;
  /** What to do, where possible as statements to paste; empty where there is nothing to do. */
  readonly remedy: string;
}

/** A server under examination. */
export interface Patient {
  readonly server: TopologyServer;
  readonly session: ProbeSession;
  /** Global variables, names in lower case. */
  readonly variables: ReadonlyMap<string, string>;
  readonly isMariadb: boolean;
  /** The numbers of the version, such as 8, 4, 3. */
  readonly version: readonly [major: number, minor: number, patch: number];
}

/** Lines about one server under one topic. */
export class Notes {
  readonly #topic: string;
  readonly #server: string | null;
  readonly lines: Diagnosis[] = [];

  constructor(topic: string, server: string | null) {
    this.#topic = topic;
    this.#server = server;
  }

  ok(found: string): void {
    this.#add("ok", found, "", "");
  }

  warn(found: string, what: { readonly meaning: string; readonly remedy: string }): void {
    this.#add("warn", found, what.meaning, what.remedy);
  }

  fail(found: string, what: { readonly meaning: string; readonly remedy: string }): void {
    this.#add("fail", found, what.meaning, what.remedy);
  }

  #add(severity: Severity, found: string, meaning: string, remedy: string): void {
    this.lines.push({
      severity,
      topic: this.#topic,
      server: this.#server,
      found,
      meaning,
      remedy,
    });
  }
}

/** A variable's value; empty where the server has none of that name. */
export function variable({ variables }: Patient, name: string): string {
  return variables.get(name) ?? "";
}

/** Reads all global variables. */
export async function readVariables(session: ProbeSession): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query("SHOW GLOBAL VARIABLES");
  return new Map(rows.map((row: Row) => [
    String(row["variable_name"]).toLowerCase(),
    String(row["value"] ?? ""),
  ]));
}

/** Whether a version is at least another one. */
export function isAtLeast({ version }: Patient, ...wanted: readonly number[]): boolean {
  for (const [at, number] of wanted.entries()) {
    const own = version[at] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}

/** How a variable is set so that it stays after a restart. */
export function persist(patient: Patient, name: string, value: string): string {
  if (patient.isMariadb) {
    return `SET GLOBAL ${name} = ${value}; -- and ${name} = ${value} in my.cnf`;
  }
  return isAtLeast(patient, 8)
    ? `SET PERSIST ${name} = ${value};`
    : `SET GLOBAL ${name} = ${value};`;
}
