// `mysqlproxy version`: which build this is.

import { Command } from "commander";
import { commit, version } from "../mod/config/mod.ts";
import { exitStatus } from "./exit_status.ts";
import { configure, parse } from "./parse.ts";

/** The command with its options. */
export function define(): Command {
  return configure(new Command("mysqlproxy version"))
    .description("Prints the version, the commit it was built from, and the runtime inside.")
    .action(() => {
      const details = [...(commit === "" ? [] : [`commit ${commit}`]), `bun ${Bun.version}`];
      console.log(`mysqlproxy ${version} (${details.join(", ")})`);
    });
}

/** Prints the version. */
export async function run(args: readonly string[]): Promise<number> {
  await parse(define(), args);
  return exitStatus.ok;
}
