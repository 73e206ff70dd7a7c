// `mysqlproxy top`: what goes on in a proxy, live in the terminal, or once for scripts.

import { Command, Option } from "commander";
import { parseAddress, parseDuration } from "../mod/config/mod.ts";
import type { Beginning, ProxyLogin, TabName, ThemeName } from "../tui/mod.ts";
import { type AdminTlsFlags, adminTlsOf, adminTlsOptions } from "./admin_tls.ts";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";
import { configure, parse } from "./parse.ts";

/** What commander has read. */
interface TopFlags extends AdminTlsFlags {
  readonly host?: string;
  readonly user?: string;
  readonly password?: string;
  readonly timeout: string;
  readonly interval: string;
  readonly tab: TabName;
  readonly theme?: ThemeName;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly record?: string;
  readonly overwrite?: boolean;
  readonly play?: string;
  readonly at?: string;
}

// Written out, since the dashboard itself is not to be loaded for a list of words.
const THEMES: readonly ThemeName[] = ["default", "colorblind", "light", "mono"];
const TABS: readonly TabName[] = [
  "cluster",
  "frontends",
  "backends",
  "statements",
  "waits",
  "failover",
  "config",
  "logs",
];

/** The command with its options. */
export function define(top: (flags: TopFlags) => Promise<void>): Command {
  const [tls, tlsCa] = adminTlsOptions();
  return configure(new Command("mysqlproxy top"))
    .description(
      "Shows what goes on in a proxy, by its admin port: clients, servers, statements, waits, failovers. Press ? for the keys.",
    )
    .option(
      "-H, --host <address>",
      "its admin port: host:port or unix:/path; by default the proxy of this machine",
    )
    .option("-u, --user <name>", "account at the admin port (env: MYSQLPROXY_USER)")
    .option("-p, --password <password>", "its password; better given in MYSQLPROXY_PASSWORD")
    .addOption(tls)
    .addOption(tlsCa)
    .option("--timeout <duration>", "time for the login, and for each answer", "5s")
    .option("-i, --interval <duration>", "time between two readings", "1s")
    .addOption(new Option("--tab <name>", "what to begin with").choices(TABS).default("cluster"))
    .addOption(
      new Option("--theme <name>", "colours; without any where NO_COLOR is set").choices(THEMES),
    )
    .option("--once", "print the first screen as text, and end")
    .option("--json", "print all that is known as one value for programs, and end")
    .addOption(
      new Option("--record <file>", "write all that is read to a file").conflicts([
        "play",
        "once",
        "json",
      ]),
    )
    .option("--overwrite", "with --record: replace the file if it exists")
    .addOption(
      new Option("--play <file>", "show such a file; no proxy is needed").conflicts("host"),
    )
    .option("--at <place>", "with --play: begin there, paused: a number, or a time as 14:02:30")
    .action(top);
}

/** Runs the dashboard; resolves with the exit status when somebody has left. */
export async function run(args: readonly string[]): Promise<number> {
  await parse(
    define((flags) => {
      if (flags.overwrite && flags.record === undefined) {
        throw new CommandError("--overwrite goes with --record", exitStatus.usage);
      }
      return flags.play === undefined ? showLive(flags) : play(flags);
    }),
    args,
  );
  return exitStatus.ok;
}

const INTERVAL_MS_MIN = 100;

/** @throws {CommandError} If it is no duration, or too short. */
function durationOf(flag: string, text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms < INTERVAL_MS_MIN) throw new RangeError(`must be at least ${INTERVAL_MS_MIN}ms`);
    return ms;
  } catch (error) {
    throw new CommandError(`${flag}: ${(error as Error).message}`, exitStatus.usage);
  }
}

async function showLive(flags: TopFlags): Promise<void> {
  if (flags.at !== undefined) throw new CommandError("--at goes with --play", exitStatus.usage);
  const intervalMs = durationOf("--interval", flags.interval);
  const login = await loginOf(flags);
  const { hasTerminal, LiveFeed, onceJson, onceText, Recorder, showProxy } = await import(
    "../tui/mod.ts"
  );
  const feed = new LiveFeed(login);
  if (flags.json || flags.once) {
    const columns = process.stdout.columns ?? ONCE_COLUMNS;
    const text = flags.json ? onceJson(feed, intervalMs) : onceText(feed, intervalMs, columns);
    console.log(await text.catch((error: unknown) => unreachable(login, error)));
    feed.close();
    return;
  }
  if (!hasTerminal()) throw noTerminal();
  const recorder = flags.record === undefined ? undefined : opened(
    () => new Recorder(flags.record!, { overwrite: flags.overwrite ?? false }),
    `cannot write ${flags.record}`,
  );
  await showProxy(await beginning(flags, intervalMs), {
    feed,
    recorder,
    recordingTo: flags.record,
  });
}

/** Wide enough for all that a script may look for. */
const ONCE_COLUMNS = 200;

async function play(flags: TopFlags): Promise<void> {
  const file = flags.play!;
  const { hasTerminal, placeIn, readRecording, recordedJson, recordedText, showRecording } =
    await import(
      "../tui/mod.ts"
    );
  const snapshots = opened(() => readRecording(file), `cannot play ${file}`);
  const startAt = flags.at === undefined ? undefined : placeIn(snapshots, flags.at);
  if (flags.at !== undefined && startAt === undefined) {
    throw new CommandError("--at: must be a number, or a time as 14:02:30", exitStatus.usage);
  }
  if (flags.json) return console.log(recordedJson(snapshots, startAt));
  if (flags.once) {
    const width = process.stdout.columns ?? ONCE_COLUMNS;
    return console.log(recordedText(snapshots, { name: file, at: startAt, width }));
  }
  if (!hasTerminal()) throw noTerminal();
  await showRecording(await beginning(flags, 1000), { snapshots, name: file, startAt });
}

async function beginning(flags: TopFlags, intervalMs: number): Promise<Beginning> {
  const { chosenThemeName } = await import("../tui/mod.ts");
  const theme = chosenThemeName(flags.theme, process.env);
  return { state: { intervalMs, theme, tab: flags.tab, paused: flags.at !== undefined } };
}

async function loginOf(
  { host, user, password, timeout, ...flags }: TopFlags,
): Promise<ProxyLogin> {
  const { MYSQLPROXY_USER: user_, MYSQLPROXY_PASSWORD: password_ } = process.env;
  return {
    address: host === undefined ? await ownProxy() : checked(host),
    user: user ?? user_ ?? "admin",
    password: password ?? password_ ?? "",
    timeoutMs: durationOf("--timeout", timeout),
    tls: adminTlsOf(flags),
  };
}

/** The proxy of this machine: by its unix socket, else at the usual port. */
async function ownProxy(): Promise<string> {
  const { localSockets, somebodyListens } = await import("../mod/admin/mod.ts");
  const answering: string[] = [];
  for (const path of localSockets()) if (await somebodyListens(path)) answering.push(path);
  if (answering.length > 1) {
    throw new CommandError(
      ["several proxies run on this machine; say which one:", ...answering].join("\n  --host "),
      exitStatus.usage,
    );
  }
  return answering[0] ?? "127.0.0.1:3308";
}

function checked(host: string): string {
  try {
    parseAddress(host, 0); // what stands for a missing port does not matter here
    return host;
  } catch (error) {
    throw new CommandError(`--host: ${(error as Error).message}`, exitStatus.usage);
  }
}

function opened<T>(open: () => T, what: string): T {
  try {
    return open();
  } catch (error) {
    throw new CommandError(`${what}: ${(error as Error).message}`, exitStatus.failure);
  }
}

function unreachable(login: ProxyLogin, error: unknown): never {
  const { message, code } = error as { message?: string; code?: string };
  const reason = (message || code || String(error)).split("\n")[0];
  throw new CommandError(`cannot ask the proxy at ${login.address}: ${reason}`, exitStatus.failure);
}

function noTerminal(): CommandError {
  return new CommandError(
    "top needs a terminal; --once or --json print to whatever standard output is",
    exitStatus.usage,
  );
}
