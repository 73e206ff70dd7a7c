// The list of commands. Each is loaded only when it is the one to run, so that `--help` is quick.

import { CommandError } from "./failure.ts";
import { exitStatus } from "./exit_status.ts";

/** A command as its module gives it. */
export interface CommandModule {
  /**
   * Runs the command.
   *
   * @param args What follows the command's name.
   * @returns The exit status.
   * @throws {CommandError} If the arguments are wrong or the command fails in a foreseen way.
   */
  run(args: readonly string[]): Promise<number> | number;
}

/** A command before its module is loaded. */
export interface CatalogEntry {
  readonly name: string;
  /** What it does, in one line of the overview. */
  readonly summary: string;
  load(): Promise<CommandModule>;
}

/** Started by the proxy itself for each worker process. */
const worker: CatalogEntry = {
  name: "worker",
  summary: "a worker process of the proxy",
  load: () => import("./worker.ts"),
};

/** All commands in the order of the overview. */
export const catalog: readonly CatalogEntry[] = [
  {
    name: "serve",
    summary: "run the proxy",
    load: () => import("./serve.ts"),
  },
  {
    name: "top",
    summary: "see what goes on in a proxy, live in the terminal",
    load: () => import("./top.ts"),
  },
  {
    name: "probe",
    summary: "look at a cluster, and say whether it is as expected",
    load: () => import("./probe.ts"),
  },
  {
    name: "doctor",
    summary: "examine servers, configuration and machine, and say what to do",
    load: () => import("./doctor.ts"),
  },
  {
    name: "demo",
    summary: "run the proxy before a database of its own, to try it out",
    load: () => import("./demo.ts"),
  },
  {
    name: "config",
    summary: "write or check a configuration file, apply one to a proxy that runs",
    load: () => import("./config.ts"),
  },
  {
    name: "completions",
    summary: "print completions for bash, zsh or fish",
    load: () => import("./completions.ts"),
  },
  {
    name: "version",
    summary: "print the version",
    load: () => import("./version.ts"),
  },
  {
    name: "help",
    summary: "print this overview, or the help of a command",
    load: () => import("./help.ts"),
  },
];

/** The command to run, and what follows its name. */
export interface PickedCommand {
  readonly command: CatalogEntry;
  readonly args: readonly string[];
}

/** Flags that mean a command, as most programs have them. */
const commandOfFlag: ReadonlyMap<string, string> = new Map([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
  ["-V", "version"],
]);

/**
 * Picks the command that the first argument names; without arguments that is `help`.
 *
 * @throws {CommandError} If there is no such command.
 */
export async function pickCommand(argv: readonly string[]): Promise<PickedCommand> {
  const [first = "help", ...args] = argv;
  const command = findCommand(commandOfFlag.get(first) ?? first);
  if (command) return { command, args };
  if (!first.startsWith("-")) throw await unknownCommand(first);
  const flag = first.split("=", 1)[0];
  throw new CommandError(
    `unknown option "${flag}" where a command is expected, as in "mysqlproxy serve ${flag} ..."`,
    exitStatus.usage,
  );
}

/** The command of a name, if there is one. */
export function findCommand(name: string): CatalogEntry | undefined {
  return name === worker.name ? worker : catalog.find((entry) => entry.name === name);
}

/** The error for a command that does not exist, with the nearest one that does. */
export async function unknownCommand(name: string): Promise<CommandError> {
  const { nearest } = await import("../mod/config/mod.ts");
  const meant = nearest(name, catalog.map((entry) => entry.name));
  const hint = meant === undefined ? 'see "mysqlproxy help"' : `did you mean "${meant}"?`;
  return new CommandError(`unknown command "${name}"; ${hint}`, exitStatus.usage);
}
