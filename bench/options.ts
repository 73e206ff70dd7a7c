// The options of a run.

import { Command, InvalidArgumentError, Option } from "commander";
import type { ServerKind } from "../tests/servers/mod.ts";
import { type Contender, contenders } from "./contenders/mod.ts";
import type { Scale } from "./part.ts";
import { parts, workloads } from "./parts/mod.ts";

/** What was asked for. */
export interface Options {
  readonly parts: readonly string[];
  readonly contenders: readonly Contender[];
  readonly server: ServerKind;
  readonly workers: number;
  /** A limit that is missed makes the exit status 1. */
  readonly check: boolean;
  readonly scale: Scale;
}

/** Reads the command line; ends the process with a message where it is wrong. */
export function readOptions(args: readonly string[]): Options {
  const byDefault = contenders.filter((each) => each.byDefault).map(({ name }) => name);
  const command = new Command("just bench")
    .description("Compares the proxy with a direct connection and with other proxies, in one run.")
    .addOption(list("--only <parts>", "parts to run", Object.keys(parts)))
    .addOption(
      list("--contenders <names>", "who takes part", contenders.map(({ name }) => name))
        .default(byDefault),
    )
    .addOption(list("--workloads <names>", "sysbench's workloads", Object.keys(workloads)))
    .addOption(
      new Option("--connections <numbers>", "connections of sysbench")
        .argParser((text) => text.split(",").map(positive)).default([1, 16, 64]),
    )
    .option("--quick", "a smoke test: one short round, small results, few idle clients", false)
    .option("--rounds <number>", "rounds of each measurement (default: 3, quick 1)", positive)
    .option("--seconds <number>", "length of one with sysbench (default: 4, quick 2)", positive)
    .option("--clients <number>", "idle clients (default: 5000, quick 500)", positive)
    .option(
      "--pooled-clients <number>",
      "idle clients of a pool (default: 9000, quick 500)",
      positive,
    )
    .option("--workers <number>", "worker processes of mysqlproxy", positive, 1)
    .addOption(
      new Option("--server <kind>", "the database").choices(["mariadb", "mysql"]).default(
        "mariadb",
      ),
    )
    .option("--check", "exit status 1 where a limit is missed", false)
    .parse([...args], { from: "user" });
  const given = command.opts<Given>();
  const { quick } = given;
  return {
    parts: given.only ?? Object.keys(parts),
    contenders: contenders.filter(({ name }) => given.contenders.includes(name)),
    server: given.server,
    workers: given.workers,
    check: given.check,
    scale: {
      quick,
      rounds: given.rounds ?? (quick ? 1 : 3),
      seconds: given.seconds ?? (quick ? 2 : 4),
      connections: given.connections,
      workloads: given.workloads ?? Object.keys(workloads),
      idleClients: given.clients ?? (quick ? 500 : 5000),
      pooledClients: given.pooledClients ?? (quick ? 500 : 9000),
    },
  };
}

interface Given {
  readonly only?: string[];
  readonly contenders: string[];
  readonly workloads?: string[];
  readonly connections: number[];
  readonly quick: boolean;
  readonly rounds?: number;
  readonly seconds?: number;
  readonly clients?: number;
  readonly pooledClients?: number;
  readonly workers: number;
  readonly server: ServerKind;
  readonly check: boolean;
}

/** An option that takes some of `names`, separated by commas. */
function list(flags: string, description: string, names: readonly string[]): Option {
  return new Option(flags, `${description}, separated by commas: ${names.join(", ")}`)
    .argParser((text) => {
      const chosen = text.split(",");
      for (const name of chosen) {
        if (!names.includes(name)) {
          throw new InvalidArgumentError(`"${name}" is none of ${names.join(", ")}.`);
        }
      }
      return chosen;
    });
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError(`"${text}" is not a whole number above 0.`);
  }
  return number;
}
