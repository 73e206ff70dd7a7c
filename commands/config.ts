// `mysqlproxy config`: writes a configuration file, says what is wrong with one, or has a proxy that
// runs apply one.

import { existsSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  checkNamedFiles,
  configTemplate,
  formatConfigErrors,
  loadConfig,
} from "../mod/config/mod.ts";
import { type AdminTlsFlags, adminTlsOf, adminTlsOptions } from "./admin_tls.ts";
import { askProxy, type ProxyAccess } from "./config_client.ts";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";
import { configure, parse } from "./parse.ts";

/** What the subcommands do that have a result. */
export interface ConfigActions {
  readonly check: (file: string | undefined) => void;
  readonly ask: (
    access: ProxyAccess,
    order: Parameters<typeof askProxy>[1],
  ) => Promise<void> | void;
}

/** What commander has read of how to reach a proxy. */
interface AccessFlags extends AdminTlsFlags {
  readonly via?: string;
  readonly user: string;
  readonly password: string;
}

/** The command with its subcommands. */
export function define({ check, ask }: ConfigActions): Command {
  const command = configure(new Command("mysqlproxy config"))
    .description("Writes a configuration file, says what is wrong with one, or applies it.")
    .helpCommand(false);
  const initCommand = configure(new Command("init"))
    .description("Writes a commented file with every key and its default.")
    .argument("[file]", "where to; standard output if not given")
    .option("-f, --force", "replace the file if it exists")
    .action(init);
  const checkCommand = configure(new Command("check"))
    .description(
      "Prints every error of a file, and of the files that it names, with its line and column; status 3 if there are any.",
    )
    .argument("[file]", "the file; MYSQLPROXY_CONFIG if not given")
    .option("-c, --config <file>", "the same")
    .action((file: string | undefined, options: { readonly config?: string }) =>
      check(file ?? options.config)
    );
  const ofProxy = (subcommand: Command) => {
    const configured = configure(subcommand)
      .option("--via <address>", "the proxy's admin port or socket; by default the one here")
      .option("-u, --user <name>", "account of the admin port", "admin")
      .addOption(
        new Option("-p, --password <password>", "its password")
          .env("MYSQLPROXY_ADMIN_PASSWORD").default("", "none"),
      );
    for (const option of adminTlsOptions()) configured.addOption(option);
    return configured;
  };
  const accessOf = ({ via, user, password, ...tls }: AccessFlags): ProxyAccess => ({
    via,
    user,
    password,
    tls: adminTlsOf(tls),
  });
  const diffCommand = ofProxy(new Command("diff"))
    .description("Prints what a file would change in a proxy that runs, and what takes a restart.")
    .argument("<file>", "the file")
    .action((file: string, options) => ask(accessOf(options), { kind: "diff", file }));
  const applyCommand = ofProxy(new Command("apply"))
    .description(
      "Puts a file in force in a proxy that runs, as a whole or not at all. Its own file stays as it is.",
    )
    .argument("<file>", "the file")
    .action((file: string, options) => ask(accessOf(options), { kind: "apply", file }));
  const rollbackCommand = ofProxy(new Command("rollback"))
    .description("Goes back to the configuration before, or to a revision.")
    .argument("[revision]", "its number, as the admin port's table `revisions` has it", revisionOf)
    .action((revision: number | undefined, options) =>
      ask(accessOf(options), { kind: "rollback", revision })
    );
  for (const each of [initCommand, checkCommand, diffCommand, applyCommand, rollbackCommand]) {
    command.addCommand(each);
  }
  return command;
}

/** Runs a subcommand, or prints help if none is named. */
export async function run(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.ok;
  const command = define({
    check(file) {
      status = check(file);
    },
    async ask(access, order) {
      status = await askProxy(access, order);
    },
  });
  await parse(command, args.length === 0 ? ["--help"] : args);
  return status;
}

/** @throws {InvalidArgumentError} If it is not the number of a revision, which are counted from 1. */
function revisionOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) {
    throw new InvalidArgumentError("A revision is a number from 1 on.");
  }
  return Number(text);
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
  const loaded = loadConfig({ file, env: process.env });
  const errors = loaded.errors ?? checkNamedFiles(loaded);
  if (errors.length > 0) {
    for (const line of formatConfigErrors(errors)) console.error(line);
    return exitStatus.configuration;
  }
  console.log(`${file}: no errors`);
  return exitStatus.ok;
}
