// Starts the proxy's executable for a test, on a port of its own before given servers.

import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { supervise } from "./servers/mod.ts";

/** A server the proxy is put before. */
export interface Backend {
  readonly host: string;
  readonly port: number;
}

/** How the proxy under test is started. */
export interface ProxyOptions {
  readonly backends: readonly Backend[];
  /** More arguments of `mysqlproxy serve`. */
  readonly args?: readonly string[];
  /** Text of a configuration file. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** As many workers as it has by itself, which can be changed while it runs. @default {false} */
  readonly ownWorkers?: boolean;
}

/** A running proxy. `await using` or `stop()` ends it; so does the end of the test run. */
export interface ProxyProcess extends AsyncDisposable {
  readonly pid: number;
  readonly host: "127.0.0.1";
  /** Port that clients connect to. */
  readonly port: number;
  /** Resolves to the exit status. */
  readonly exited: Promise<number>;
  /** All it has written to standard output and standard error. */
  log(): string;
  /** Resolves when a line of the log matches. Throws an Error after 10 s. */
  untilLogged(pattern: RegExp): Promise<string>;
  /** The port of its own that it listens on beside the clients', once it does. */
  loggedPort(what: "admin port" | "HTTP port"): Promise<number>;
  /** Resident memory, bytes. */
  rssBytes(): number;
  /** Processor time used in user and system mode, microseconds. */
  cpuMicros(): number;
  /** Asks it to end (SIGTERM) and, after 5 s, kills it; the exit status. */
  stop(): Promise<number>;
}

const START_MS_MAX = 10_000;
const STOP_MS_MAX = 5_000;
const POLL_MS = 5;
/** Ticks a second of /proc/PID/stat's times: fixed at 100 for user space on Linux. */
const TICKS_PER_SECOND = 100;

/**
 * Configuration that neither delays nor refuses after failed logins. Tests log in wrongly many
 * times from one address; what one client is shown must not hang on the failures of others.
 */
export const WITHOUT_LOGIN_THROTTLE = '[auth]\nfailures_max = 0\nfailure_delay = "0"\n';

/** The command that runs the proxy: MYSQLPROXY_BIN, else dist/mysqlproxy, else the sources. */
export function proxyCommand(): string[] {
  const given = process.env["MYSQLPROXY_BIN"];
  if (given) return [resolve(given)];
  const root = resolve(import.meta.dir, "..");
  const built = join(root, "dist/mysqlproxy");
  return existsSync(built) ? [built] : [process.execPath, join(root, "main.ts")];
}

/** Starts a proxy and waits until it listens. Throws an Error with its log if it does not. */
export async function startProxy(options: ProxyOptions): Promise<ProxyProcess> {
  const folder = mkdtempSync(join(tmpdir(), "mp-proxy-"));
  const args = ["serve", "-l", "127.0.0.1:0"];
  for (const { host, port } of options.backends) args.push("-b", `${host}:${port}`);
  if (options.config !== undefined) {
    const file = join(folder, "mysqlproxy.toml");
    writeFileSync(file, options.config);
    args.push("-c", file);
  }
  const command = [...proxyCommand(), ...args, ...(options.args ?? [])];
  const namesWorkers = options.ownWorkers === true || /^workers\b/m.test(options.config ?? "") ||
    args.includes("--workers") ||
    options.args?.includes("--workers") === true;
  const child = await supervise(folder, {
    command,
    // One, whose counters and pools are all there are, unless a test says otherwise.
    env: { ...(namesWorkers ? {} : { MYSQLPROXY_WORKERS: "1" }), ...options.env },
  });
  const { pid, exited } = child;
  let ended: number | undefined;
  exited.then((status) => ended = status);
  let kept: string | undefined;
  const log = () => kept ?? readFileSync(join(folder, "out.log"), "utf8");
  const untilLogged = async (pattern: RegExp, limitMs = START_MS_MAX) => {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const line = log().split("\n").find((each) => pattern.test(each));
      if (line !== undefined) return line;
      if (ended !== undefined || Date.now() > deadline) {
        const how = ended === undefined ? `runs, ${limitMs} ms later` : `ended with ${ended}`;
        throw new Error(`The proxy ${how} and did not log ${pattern}:\n${log()}`);
      }
      await Bun.sleep(POLL_MS);
    }
  };
  const stop = async () => {
    if (kept === undefined) {
      if (ended === undefined) process.kill(pid, "SIGTERM");
      await Promise.race([exited, Bun.sleep(STOP_MS_MAX)]);
      kept = log();
      await child.discard();
    }
    return await exited;
  };
  let port: number;
  try {
    // Admin and HTTP ports, where a test asks for them, are logged in words of their own.
    const line = await untilLogged(/listening .*address=127\.0\.0\.1:\d+/);
    port = Number(line.match(/address=127\.0\.0\.1:(\d+)/)![1]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid,
    host: "127.0.0.1",
    port,
    exited,
    log,
    untilLogged: (pattern) => untilLogged(pattern),
    async loggedPort(what) {
      const line = await untilLogged(new RegExp(`${what} .*127\\.0\\.0\\.1:\\d+`));
      return Number(line.match(/127\.0\.0\.1:(\d+)/)![1]);
    },
    rssBytes() {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(status.match(/^VmRSS:\s+(\d+) kB/m)?.[1] ?? 0) * 1024;
    },
    cpuMicros: () => cpuMicrosOf(pid),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** Processor time that a process has used in user and system mode, microseconds. */
export function cpuMicrosOf(pid: number): number {
  // The fields after the program's name, which may have spaces: 14 and 15 are utime and stime.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * (1_000_000 / TICKS_PER_SECOND);
}

/** Processes that a process has started and that run: workers, of a proxy that has some. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((each) => {
    try {
      const stat = readFileSync(`/proc/${each}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(parent) === pid && state !== "Z";
    } catch {
      return false; // ended in the meantime
    }
  });
}
