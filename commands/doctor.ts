// `mysqlproxy doctor`: examines servers, configuration and machine, and says what to do.

import { Command } from "commander";
import type { Diagnosis, Severity } from "../mod/cluster/mod.ts";
import { type Config, formatConfigErrors, loadConfig } from "../mod/config/mod.ts";
import { exitStatus } from "./exit_status.ts";
import { configure, parse } from "./parse.ts";
import { accountOptions, type GivenFlags, serverFlags, serverOptions } from "./server_options.ts";

/** A slow server is to be seen, not given up. */
const TIMEOUT = "5s";

/** The command with its options. */
export function define(doctor: (given: GivenFlags) => Promise<void>): Command {
  const command = configure(new Command("mysqlproxy doctor"))
    .description(
      "Examines the servers, the configuration and this machine, and says what to do. Ends with 1 if something will not work.",
    );
  for (const option of serverOptions()) command.addOption(option);
  for (const option of accountOptions()) command.addOption(option);
  return command.option("--json", "print one value for programs").action(doctor);
}

/** Runs the examination; resolves with the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.ok;
  await parse(
    define(async (given) => {
      const lines = await examine(given);
      if (given["json"] === true) console.log(JSON.stringify(jsonOf(lines), null, 2));
      else print(lines);
      if (lines.some(({ severity }) => severity === "fail")) status = exitStatus.failure;
    }),
    args,
  );
  return status;
}

async function examine(given: GivenFlags): Promise<readonly Diagnosis[]> {
  const { config, errors } = loadConfig({
    file: given["config"] as string | undefined,
    env: process.env,
    flags: { ...serverFlags(given), "monitor.timeout": TIMEOUT },
  });
  if (!config) {
    return formatConfigErrors(errors).map((found) => ({
      ...said("fail", "configuration", found),
      meaning: "the proxy does not start with this",
      remedy: "correct it; docs/configuration.md has every key",
    }));
  }
  const { examineMachine } = await import("../mod/proxy/mod.ts");
  return [
    said("ok", "configuration", "no errors"),
    ...await examineMachine(config),
    ...await examineServers(config),
  ];
}

async function examineServers(config: Config): Promise<readonly Diagnosis[]> {
  if (!config.account) {
    return [{
      ...said("warn", "account", "the proxy has no account of its own"),
      meaning:
        "servers are not watched, accounts are not read: the mode of authentication is relay or static, and nothing here could be examined",
      remedy: "give --user and MYSQLPROXY_PASSWORD",
    }];
  }
  const { ClusterMonitor, examineCluster, OwnConnector } = await import("../mod/cluster/mod.ts");
  const { monitorSettings, ownEndpoint } = await import("../mod/proxy/mod.ts");
  const connector = new OwnConnector((address) => ownEndpoint(config, address));
  const monitor = new ClusterMonitor({
    seeds: config.backends,
    settings: { ...monitorSettings(config), slowStartMs: 0 },
    connector,
  });
  monitor.start();
  try {
    await monitor.settled();
  } finally {
    monitor.stop();
  }
  return await examineCluster({ config, topology: monitor.topology, connector });
}

function said(severity: Severity, topic: string, found: string): Diagnosis {
  return { severity, topic, server: null, found, meaning: "", remedy: "" };
}

function jsonOf(lines: readonly Diagnosis[]): Readonly<Record<string, unknown>> {
  const count = (wanted: Severity) => lines.filter(({ severity }) => severity === wanted).length;
  return { schema: 1, ok: count("ok"), warn: count("warn"), fail: count("fail"), lines };
}

const MARKS: Readonly<Record<Severity, string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };
const COLORS: Readonly<Record<Severity, number>> = { ok: 32, warn: 33, fail: 31 };

/** By server, what was found in one line, what it means and what to do below it. */
function print(lines: readonly Diagnosis[]): void {
  let server: string | null | undefined;
  for (const line of lines) {
    if (line.server !== server) {
      console.log(`${server === undefined ? "" : "\n"}${line.server ?? "this proxy"}`);
      server = line.server;
    }
    console.log(`  ${mark(line.severity)}  ${line.topic.padEnd(13)}  ${line.found}`);
    if (line.meaning !== "") console.log(`        ${line.meaning}`);
    if (line.remedy !== "") console.log(`        -> ${line.remedy}`);
  }
  const count = (wanted: Severity) => lines.filter(({ severity }) => severity === wanted).length;
  console.log(`\n${count("ok")} ok, ${count("warn")} warn, ${count("fail")} fail`);
}

function mark(severity: Severity): string {
  const isColoured = process.stdout.isTTY === true && !process.env["NO_COLOR"];
  const text = MARKS[severity];
  return isColoured ? `\x1b[${COLORS[severity]}m${text}\x1b[0m` : text;
}
