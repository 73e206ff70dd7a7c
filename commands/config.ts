// `mysqlproxy config init|check`: writes a configuration file, or says what is wrong with one.

import { existsSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { configTemplate, formatConfigErrors, loadConfig } from "../mod/config/mod.ts";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";
import { configure, parse } from "./parse.ts";

/** The command with its subcommands. */
export function define(check: (file: string | undefined) => void): Command {
  const command = configure(new Command("mysqlproxy config"))
    .description("Writes a configuration file, or says what is wrong with one.")
    .helpCommand(false);
  const initCommand = configure(new Command("init"))
    .description("Writes a commented file with every key and its default.")
    .argument("[file]", "where to; standard output if not given")
    .option("-f, --force", "replace the file if it exists")
    .action(init);
  const checkCommand = configure(new Command("check"))
    .description(
      "Prints every error of a file with its line and column; status 3 if there are any.",
    )
    .argument("[file]", "the file; MYSQLPROXY_CONFIG if not given")
    .option("-c, --config <file>", "the same")
    .action((file: string | undefined, options: { readonly config?: string }) =>
      check(file ?? options.config)
    );
  return command.addCommand(initCommand).addCommand(checkCommand);
}

/** Runs a subcommand, or prints help if none is named. */
export async function run(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.ok;
  const command = define((file) => {
    status = check(file);
  });
  await parse(command, args.length === 0 ? ["--help"] : args);
  return status;
}

function init(file: string | undefined, options: { readonly force?: boolean }): void {
  if (file === undefined || file === "-") {
    console.log(configTemplate().trimEnd());
    return;
  }
  if (existsSync(file) && !options.force) {
    throw new CommandError(
      `cannot write "${file}": it exists; --force replaces it`,
      exitStatus.failure,
    );
  }
  try {
    // Its owner alone reads it, as it may come to hold a password.
    writeFileSync(file, configTemplate(), { mode: 0o600 });
  } catch (error) {
    throw new CommandError(
      `cannot write "${file}": ${(error as Error).message}`,
      exitStatus.failure,
    );
  }
  console.log(`wrote ${file}`);
}

/** Prints the errors alone, one a line with its place first, as editors understand them. */
function check(argument: string | undefined): number {
  const file = argument ?? (process.env["MYSQLPROXY_CONFIG"] || undefined);
  if (file === undefined) {
    throw new CommandError("no file is named; mysqlproxy config check FILE", exitStatus.usage);
  }
  const { errors } = loadConfig({ file, env: process.env });
  if (errors) {
    for (const line of formatConfigErrors(errors)) console.error(line);
    return exitStatus.configuration;
  }
  console.log(`${file}: no errors`);
  return exitStatus.ok;
}
