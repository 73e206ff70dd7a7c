// `mysqlproxy probe`: looks at a cluster, says what it is, and whether it is as expected.

import { Command, Option } from "commander";
import type { Check, Topology, Wanted } from "../mod/cluster/mod.ts";
import {
  type Config,
  formatConfigErrors,
  loadConfig,
  parseAddress,
  parseDuration,
} from "../mod/config/mod.ts";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";
import { configure, parse } from "./parse.ts";
import { ProxySource } from "./proxy_source.ts";
import { accountOptions, type GivenFlags, serverFlags, serverOptions } from "./server_options.ts";

/** How the result is written. */
type Format = "table" | "json" | "prometheus" | "junit";

/** What the flags ask for. */
interface ProbeOptions extends Wanted {
  readonly format: Format;
  /** Until all holds, for so long at most; undefined: one look. */
  readonly waitMs: number | undefined;
  readonly watch: boolean;
}

/** Statuses that mean something else here than elsewhere; docs/exit-status.md has both. */
const probeStatus = { fails: 1, unreachable: 3, denied: 4 } as const;

/** The command with its options. */
export function define(probe: (given: GivenFlags) => Promise<void>): Command {
  const command = configure(new Command("mysqlproxy probe"))
    .description(
      "Looks at a cluster, from one of its servers on, and says what it is. Ends with 0 if all is as expected, 1 if not, 3 if no server is reached, 4 if none lets the account in.",
    );
  for (const option of serverOptions()) command.addOption(option);
  for (const option of accountOptions()) command.addOption(option);
  return command
    .option("--no-discover", "look only at the servers that are named here")
    .option("--timeout <duration>", "time for one look at a server", "2s")
    .option("--expect <list>", "what is to hold, as in primary=1,replicas>=2")
    .option("--max-lag <duration>", "how far replicas may be behind")
    .option("--wait <duration>", "wait until all holds, for so long at most")
    .option("--watch", "show it again and again until Ctrl-C")
    .addOption(new Option("--json", "short for --format json").conflicts("format"))
    .addOption(
      new Option("--format <format>", "how the result is written")
        .choices(["table", "json", "prometheus", "junit"]).default("table"),
    )
    .addOption(
      new Option("--via <address>", "ask the proxy with this admin port, not the servers")
        .conflicts(["backend", "flavor"]),
    )
    .action(probe);
}

/** Runs the probe; resolves with its exit status. */
export async function run(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.ok;
  await parse(
    define(async (given) => {
      const options = await readOptions(given);
      const via = given["via"];
      status = typeof via === "string"
        ? await probeProxy(via, given, options)
        : await probeServers(serversOf(given), options);
    }),
    args,
  );
  return status;
}

async function readOptions(given: GivenFlags): Promise<ProbeOptions> {
  const { parseExpectations } = await import("../mod/cluster/mod.ts");
  const { expect, maxLag, wait, watch, json, format } = given;
  try {
    return {
      expectations: typeof expect === "string" ? parseExpectations(expect) : [],
      maxLagMs: durationOf("--max-lag", maxLag),
      waitMs: durationOf("--wait", wait),
      watch: watch === true,
      format: json === true ? "json" : format as Format,
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(error.message, exitStatus.usage);
  }
}

/** @throws {SyntaxError} If it is given and no duration. */
function durationOf(flag: string, value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return parseDuration(value);
  } catch (error) {
    throw new SyntaxError(`${flag}: ${(error as Error).message}`);
  }
}

function serversOf(given: GivenFlags): Config {
  const { config, errors } = loadConfig({
    file: given["config"] as string | undefined,
    env: process.env,
    flags: { ...serverFlags(given), "monitor.timeout": given["timeout"] as string },
  });
  if (!config) throw new CommandError(formatConfigErrors(errors).join("\n"), exitStatus.usage);
  if (!config.account) {
    const how = "give --user and MYSQLPROXY_PASSWORD, or a configuration file";
    throw new CommandError(`an account is needed to ask servers: ${how}`, exitStatus.usage);
  }
  if (given["discover"] !== false) return config;
  return { ...config, cluster: { ...config.cluster, discover: false } };
}

async function probeServers(config: Config, options: ProbeOptions): Promise<number> {
  const { ClusterMonitor, OwnConnector } = await import("../mod/cluster/mod.ts");
  const { monitorSettings, ownEndpoint } = await import("../mod/proxy/mod.ts");
  const monitor = new ClusterMonitor({
    seeds: config.backends,
    settings: { ...monitorSettings(config), slowStartMs: 0 },
    connector: new OwnConnector((address) => ownEndpoint(config, address)),
  });
  monitor.start();
  try {
    await monitor.settled();
    return await tell(() => Promise.resolve(monitor.topology), options);
  } finally {
    monitor.stop();
  }
}

async function probeProxy(
  via: string,
  given: GivenFlags,
  options: ProbeOptions,
): Promise<number> {
  const flags = serverFlags(given);
  let timeoutMs: number;
  try {
    parseAddress(via, 0); // what stands for a missing port does not matter here
    timeoutMs = durationOf("--timeout", given["timeout"])!;
  } catch (error) {
    throw new CommandError((error as Error).message, exitStatus.usage);
  }
  await using proxy = new ProxySource({
    address: via,
    user: String(flags["account.user"] ?? process.env["MYSQLPROXY_USER"] ?? "admin"),
    password: String(flags["account.password"] ?? process.env["MYSQLPROXY_PASSWORD"] ?? ""),
    timeoutMs,
  });
  try {
    return await tell(() => proxy.topology(), options);
  } catch (error) {
    const { failureOf } = await import("../mod/cluster/mod.ts");
    const { kind, reason } = failureOf(error);
    const status = kind === "denied" ? probeStatus.denied : probeStatus.unreachable;
    throw new CommandError(`cannot ask the proxy at ${via}: ${reason}`, status);
  }
}

/** How often a topology is looked at again, while waiting and while it is shown. */
const WAIT_POLL_MS = 50;
const WATCH_MS = 1000;
/** How long to wait before a proxy that did not answer is asked again. */
const RETRY_MS = 200;

/**
 * Prints what there is, when it is time to.
 *
 * @param ask What it throws ends a watch as little as a wait that has time left.
 * @returns The exit status.
 */
async function tell(ask: () => Promise<Topology>, options: ProbeOptions): Promise<number> {
  const { checkTopology } = await import("../mod/cluster/mod.ts");
  const deadline = performance.now() + (options.waitMs ?? 0);
  const ended = interrupted();
  for (;;) {
    let topology: Topology;
    try {
      topology = await ask();
    } catch (error) {
      const goesOn = options.watch || performance.now() < deadline;
      if (!goesOn || ended.yet) throw error;
      if (options.watch) console.error(`mysqlproxy: ${(error as Error).message}`);
      await Promise.race([Bun.sleep(options.watch ? WATCH_MS : RETRY_MS), ended.promise]);
      continue;
    }
    const checks = checkTopology(topology, options);
    const status = statusOf(topology, checks);
    const isLast = ended.yet || !options.watch;
    if (isLast && status !== exitStatus.ok && performance.now() < deadline && !ended.yet) {
      await Promise.race([Bun.sleep(WAIT_POLL_MS), ended.promise]);
      continue;
    }
    await print(topology, checks, options);
    if (isLast) {
      complain(topology, checks, status);
      return status;
    }
    await Promise.race([Bun.sleep(WATCH_MS), ended.promise]);
    if (ended.yet) return status;
  }
}

function statusOf(topology: Topology, checks: readonly Check[]): number {
  const { servers } = topology;
  if (servers.every(({ answeredMs }) => answeredMs === null)) {
    const isDenied = servers.some(({ failure }) => failure === "denied");
    return isDenied ? probeStatus.denied : probeStatus.unreachable;
  }
  return checks.every(({ holds }) => holds) ? exitStatus.ok : probeStatus.fails;
}

/** What is not as it should be, on standard error: there a script's log has it. */
function complain(topology: Topology, checks: readonly Check[], status: number): void {
  const say = (line: string) => console.error(`mysqlproxy: ${line}`);
  if (status === probeStatus.unreachable || status === probeStatus.denied) {
    for (const { name, error } of topology.servers) say(`${name}: ${error}`);
  }
  for (const { holds, message } of checks) if (!holds) say(message);
}

async function print(
  topology: Topology,
  checks: readonly Check[],
  { format, watch }: ProbeOptions,
): Promise<void> {
  const { jsonReport, junitReport, prometheusText, tableReport } = await import(
    "../mod/cluster/mod.ts"
  );
  const nowMs = Date.now();
  switch (format) {
    case "json":
      // One line each where more follow, so that every line can be read by itself.
      write(`${JSON.stringify(jsonReport(topology, { nowMs, checks }), null, watch ? 0 : 2)}\n`);
      return;
    case "prometheus":
      write(prometheusText(topology, { nowMs }));
      return;
    case "junit":
      write(junitReport(topology, checks));
      return;
    case "table":
      if (watch && process.stdout.isTTY) write("\x1b[H\x1b[2J");
      write(`${tableReport(topology, nowMs)}${watch && !process.stdout.isTTY ? "\n" : ""}`);
  }
}

function write(text: string): void {
  process.stdout.write(text);
}

/** Notices Ctrl-C, SIGTERM, and that nobody reads any more: what is under way ends in order. */
function interrupted(): { readonly yet: boolean; readonly promise: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const state = { yet: false, promise };
  const end = () => {
    state.yet = true;
    resolve();
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  process.stdout.on("error", end);
  return state;
}
