// Runs a commander command so that help ends with status 0 and every mistake with one line.

import type { Command } from "commander";
import { CommanderError } from "commander";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";

/** Settings all commands share; returns the command itself. */
export function configure(command: Command): Command {
  return command
    .exitOverride()
    .configureOutput({ writeOut: (text) => console.log(text.trimEnd()), writeErr: () => {} })
    .configureHelp({ helpWidth: 100, showGlobalOptions: false })
    .helpOption("-h, --help", "print this help");
}

/**
 * Parses the arguments and runs the action of the command.
 *
 * @returns True if the command ran; false if only its help was printed.
 * @throws {CommandError} With the usage status, if the arguments are wrong.
 */
export async function parse(command: Command, args: readonly string[]): Promise<boolean> {
  try {
    await command.parseAsync(args, { from: "user" });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return false;
    const message = error.message.replace(/^error: /, "").replaceAll("\n", " ");
    throw new CommandError(message, exitStatus.usage);
  }
}
