// Processes of the benchmark: started so that they cannot outlive it, and their CPU time and memory.

import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A process started by the benchmark, with the children it makes. */
export interface RunningProcess {
  readonly pid: number;
  /** Why it is not running any more, with the end of its log; undefined while it is. */
  readonly ended: () => string | undefined;
  /** Ends it and its children: SIGTERM, and SIGKILL where that has not helped within 5 s. */
  readonly stop: () => Promise<void>;
}

const STOP_MS_MAX = 5_000;
/** Of `/proc/PID/stat`: fixed at 100 per second in Linux's interface to programs. */
const TICK_MICROS = 10_000;

/** Starts a program with its output in `folder`/log; it is killed when the benchmark ends. */
export function startProcess(
  command: readonly string[],
  { folder, environment = {} }: {
    readonly folder: string;
    readonly environment?: Readonly<Record<string, string>>;
  },
): RunningProcess {
  const log = join(folder, "log");
  const output = openSync(log, "w");
  const child = Bun.spawn(tied(command), {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdin: "ignore",
    stdout: output,
    stderr: output,
  });
  closeSync(output);
  return {
    pid: child.pid,
    ended() {
      if (child.exitCode === null && child.signalCode === null) return undefined;
      const tail = readFileSync(log, "utf8").trim().split("\n").slice(-5).join("\n");
      return `${command[0]} ended with ${child.signalCode ?? `status ${child.exitCode}`}: ${tail}`;
    },
    async stop() {
      const pids = processTree(child.pid);
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await child.exited;
      clearTimeout(timer);
      for (const pid of pids.slice(1)) killIfChild(pid);
    },
  };

  /** A child left behind by its killed parent; a pid used anew by another program is let be. */
  function killIfChild(pid: number): void {
    if (readProc(pid, "cmdline")?.startsWith(command[0])) process.kill(pid, "SIGKILL");
  }
}

/** The command, put so that the kernel kills it when the benchmark's process ends, however. */
export function tied(command: readonly string[]): string[] {
  return ["setpriv", "--pdeathsig", "KILL", "--", ...command];
}

/** CPU time in µs, user and system, that a process and its children have used so far. */
export function cpuMicros(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) {
    const fields = statFields(pid);
    // utime, stime, and those of children that have ended: fields 14 to 17 of proc(5).
    for (let field = 11; field <= 14; field++) ticks += Number(fields?.[field] ?? 0);
  }
  return ticks * TICK_MICROS;
}

/** Resident memory (VmRSS) in KiB of a process and its children together. */
export function residentKib(root: number): number {
  return sumStatus(root, "VmRSS");
}

/** The highest resident memory (VmHWM) in KiB since `resetPeak`, of a process and its children. */
export function peakKib(root: number): number {
  return sumStatus(root, "VmHWM");
}

/** Makes the present resident memory the peak. Throws an Error where the kernel refuses. */
export function resetPeak(root: number): void {
  for (const pid of processTree(root)) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/**
 * Raises the limit of open files for this process and those it starts, where that is allowed.
 *
 * @returns The limit in force now.
 */
export function raiseOpenFiles(wanted: number): number {
  const limit = () => {
    const line = readFileSync("/proc/self/limits", "utf8").match(/^Max open files +(\d+)/m);
    return Number(line?.[1] ?? 0);
  };
  if (limit() < wanted) {
    const change = ["prlimit", "--pid", String(process.pid), `--nofile=${wanted}:${wanted}`];
    Bun.spawnSync(change, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  }
  return limit();
}

/** A process and all its descendants, itself first. */
function processTree(root: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)?.[1]);
    const siblings = parents.get(parent);
    if (siblings === undefined) parents.set(parent, [pid]);
    else siblings.push(pid);
  }
  const tree = [root];
  // Grows while it is walked.
  for (const pid of tree) tree.push(...parents.get(pid) ?? []);
  return tree;
}

/** The fields of `/proc/PID/stat` from the third one (state) on: the name may contain blanks. */
function statFields(pid: number): string[] | undefined {
  const stat = readProc(pid, "stat");
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function sumStatus(root: number, field: "VmRSS" | "VmHWM"): number {
  let kib = 0;
  for (const pid of processTree(root)) {
    const value = readProc(pid, "status")?.match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"));
    kib += Number(value?.[1] ?? 0);
  }
  return kib;
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
