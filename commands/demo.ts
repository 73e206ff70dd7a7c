// `mysqlproxy demo`: the proxy before a database of its own, to try it out.

import { Command } from "commander";
import { exitStatus } from "./exit_status.ts";
import { configure, parse } from "./parse.ts";

/** What can be chosen of the demo. */
interface DemoFlags {
  readonly once?: boolean;
  readonly real?: boolean;
  readonly listen: string;
  readonly flavor: string;
}

/** The command with its options. */
export function define(demo: (flags: DemoFlags) => Promise<void>): Command {
  return configure(new Command("mysqlproxy demo"))
    .description(
      "Starts a simulated cluster and the proxy before it, runs a few statements, and stays until Ctrl-C.",
    )
    .option("--once", "end after the statements")
    .option("--real", "use an installed mariadbd or mysqld in a temporary directory")
    .option("-l, --listen <address>", "where the proxy listens", "127.0.0.1:3307")
    .option(
      "--flavor <kind>",
      "what the cluster looks like: polardbx, wesql, async, aurora, galera or tidb",
      "polardbx",
    )
    .action(demo);
}

/** Runs the demo; resolves with its exit status when it has ended. */
export async function run(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.ok;
  await parse(
    define(async ({ once = false, real = false, listen, flavor }) => {
      const { runDemo } = await import("../fixtures/demo/mod.ts");
      status = await runDemo({ once, real, listen, flavor });
    }),
    args,
  );
  return status;
}
