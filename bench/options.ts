// The options of a run.

import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { ServerKind } from "../tests/servers/mod.ts";
import { type Contender, contenders, mysqlproxyWith } from "./contenders/mod.ts";
import type { LoadCase, Scale } from "./part.ts";
import { allLoads, parts, quickLoads, quickParts, workloads, workNames } from "./parts/mod.ts";

/** What was asked for. */
export interface Options {
  readonly parts: readonly string[];
  readonly contenders: readonly Contender[];
  /** Each is a run of its own. */
  readonly servers: readonly ServerKind[];
  readonly workers: number;
  /** A limit that is missed makes the exit status 1. */
  readonly check: boolean;
  /** What was counted becomes the baseline. */
  readonly saveBaseline: boolean;
  readonly scale: Scale;
}

const SERVERS: readonly ServerKind[] = ["mariadb", "mysql"];

/** Reads the command line; ends the process with a message where it is wrong. */
export function readOptions(args: readonly string[]): Options {
  const names = [...contenders.map(({ name }) => name), "mysqlproxy-own"];
  const command = new Command("just bench")
    .description("Compares the proxy with a direct connection and with other proxies, in one run.")
    .addOption(list("--only <parts>", "parts to run", Object.keys(parts)))
    .addOption(list("--contenders <names>", "who takes part", names))
    .option("--proxy-config <file>", "mysqlproxy-own's configuration")
    .addOption(list("--server <kinds>", "the databases", SERVERS))
    .addOption(list("--workloads <names>", "sysbench's workloads", Object.keys(workloads)))
    .addOption(numbers("--connections <numbers>", "connections of sysbench").default([1, 16, 64]))
    .addOption(list("--works <names>", "what the load generator does", workNames))
    .addOption(list("--protocols <names>", "how it sends that", ["text", "prepared"]))
    .addOption(list("--tls <off,on>", "whether its clients encrypt", ["off", "on"]))
    .addOption(numbers("--at <numbers>", "clients of the load generator"))
    .option(
      "--generators <number>",
      "processes of the load generator (default: one for each 4 cores)",
      positive,
      Math.max(1, Math.floor(availableParallelism() / 4)),
    )
    .option("--quick", "a smoke test: one short round, small results, few idle clients", false)
    .option("--rounds <number>", "rounds of each measurement (default: 5, quick 1)", positive)
    .option("--seconds <number>", "length of one with a load (default: 4, quick 1)", positive)
    .option("--clients <number>", "idle clients (default: 5000, quick 500)", positive)
    .option(
      "--pooled-clients <number>",
      "idle clients of a pool (default: 9000, quick 500)",
      positive,
    )
    .option("--workers <number>", "worker processes of mysqlproxy", positive, 1)
    .option("--check", "exit status 1 where a limit is missed", false)
    .option("--save-baseline", "make what is counted the baseline of later runs", false)
    .parse([...args], { from: "user" });
  const given = command.opts<Given>();
  const { quick } = given;
  return {
    parts: given.only ?? (quick ? quickParts : Object.keys(parts)),
    contenders: chosenContenders(given),
    servers: given.server ?? SERVERS,
    workers: given.workers,
    check: given.check,
    saveBaseline: given.saveBaseline,
    scale: {
      quick,
      rounds: given.rounds ?? (quick ? 1 : 5),
      seconds: given.seconds ?? (quick ? 1 : 4),
      connections: quick && command.getOptionValueSource("connections") === "default"
        ? [16]
        : given.connections,
      workloads: given.workloads ??
        Object.keys(workloads).filter((name) => !quick || QUICK_WORKLOADS.includes(name)),
      loads: chosenLoads(given),
      generators: given.generators,
      idleClients: given.clients ?? (quick ? 500 : 5000),
      pooledClients: given.pooledClients ?? (quick ? 500 : 9000),
    },
  };
}

/** Those that tell the rest of the story too, in a run that shall be over soon. */
const QUICK_WORKLOADS = ["point-text", "point-prepared"];
const LEFT_OUT_WHEN_QUICK = ["bun-relay", "router"];

function chosenContenders(given: Given): Contender[] {
  const { proxyConfig, quick } = given;
  const all = proxyConfig === undefined
    ? contenders
    : [...contenders, mysqlproxyWith(resolve(proxyConfig))];
  if (given.contenders === undefined) {
    return all.filter(({ name, byDefault }) =>
      byDefault && !(quick && LEFT_OUT_WHEN_QUICK.includes(name))
    );
  }
  if (proxyConfig === undefined && given.contenders.includes("mysqlproxy-own")) {
    throw new Error("mysqlproxy-own needs --proxy-config");
  }
  return all.filter(({ name }) => given.contenders!.includes(name));
}

/** What of the load generator's was named, in all combinations; where nothing was, the usual ones. */
function chosenLoads({ works, protocols, tls, at, quick }: Given): readonly LoadCase[] {
  if ([works, protocols, tls, at].every((each) => each === undefined)) {
    return quick ? quickLoads : allLoads;
  }
  return (works ?? ["point"]).flatMap((work) =>
    (protocols ?? ["text", "prepared"]).flatMap((protocol) =>
      (tls ?? ["off"]).flatMap((encrypted) =>
        (at ?? [64]).map((clients) => ({
          work,
          prepared: protocol === "prepared",
          tls: encrypted === "on",
          clients,
        }))
      )
    )
  );
}

interface Given {
  readonly only?: string[];
  readonly contenders?: string[];
  readonly proxyConfig?: string;
  readonly server?: ServerKind[];
  readonly workloads?: string[];
  readonly connections: number[];
  readonly works?: string[];
  readonly protocols?: string[];
  readonly tls?: string[];
  readonly at?: number[];
  readonly generators: number;
  readonly quick: boolean;
  readonly rounds?: number;
  readonly seconds?: number;
  readonly clients?: number;
  readonly pooledClients?: number;
  readonly workers: number;
  readonly check: boolean;
  readonly saveBaseline: boolean;
}

function numbers(flags: string, description: string): Option {
  return new Option(flags, `${description}, separated by commas`)
    .argParser((text) => text.split(",").map(positive));
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
