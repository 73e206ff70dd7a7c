// `mysqlproxy help [command]`: the overview, or the help of one command.

import { catalog, findCommand, unknownCommand } from "./catalog.ts";
import { exitStatus } from "./exit_status.ts";

/** Prints the overview or, through the command itself, its help. */
export async function run(args: readonly string[]): Promise<number> {
  const name = args.find((arg) => !arg.startsWith("-"));
  if (name === undefined || name === "help") {
    console.log(overview());
    return exitStatus.ok;
  }
  const command = findCommand(name);
  if (!command) throw await unknownCommand(name);
  const module = await command.load();
  return await module.run(["--help"]);
}

function overview(): string {
  const width = Math.max(...catalog.map((entry) => entry.name.length));
  const rows = catalog.map((entry) => `  ${entry.name.padEnd(width)}  ${entry.summary}`);
  return [
    "A MySQL proxy in one executable.",
    "",
    "Usage: mysqlproxy COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...rows,
    "",
    "Examples:",
    "  mysqlproxy serve -b db1:3306                 one server, no passwords in any file",
    "  mysqlproxy serve -c /etc/mysqlproxy.toml     everything from a file",
    "  mysqlproxy help serve                        all options of a command",
  ].join("\n");
}
