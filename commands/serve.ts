// `mysqlproxy serve`: runs the proxy until it is told to stop.

import { Command, Option } from "commander";
import type { Config, Flag, KeyDescription } from "../mod/config/mod.ts";
import {
  allKeys,
  formatAddress,
  formatConfigErrors,
  loadConfig,
  overlayPath,
  version,
} from "../mod/config/mod.ts";
import type { Log, LogLines } from "../mod/observe/mod.ts";
import type { Running, ServeOptions } from "../mod/proxy/mod.ts";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";
import { configure, parse } from "./parse.ts";

/** The command with its options, which are the flags that the configuration's schema names. */
export function define(
  serve: (
    config: Config,
    options: Pick<ServeOptions, "takeover" | "load" | "watched" | "file">,
  ) => Promise<void>,
): Command {
  const command = configure(new Command("mysqlproxy serve"))
    .description("Runs the proxy. Flags win over the environment, that over the file.")
    .addOption(new Option("-c, --config <file>", "configuration file (env: MYSQLPROXY_CONFIG)"))
    .addOption(
      new Option("--takeover", "replace the proxy that listens on these ports, losing no client"),
    );
  const options = allKeys().filter(hasFlag).map((key) => ({ key, option: optionOf(key) }));
  for (const { option } of options) command.addOption(option);
  return command.action(async (given: Record<string, string | string[] | boolean>) => {
    const flags = Object.fromEntries(
      options.map(({ key, option }) => [key.path, given[option.attributeName()] as string]),
    );
    const file = given["config"] as string | undefined;
    const { config, errors } = loadConfig({ file, flags, env: process.env });
    if (!config) {
      throw new CommandError(formatConfigErrors(errors).join("\n"), exitStatus.configuration);
    }
    const path = file ?? (process.env["MYSQLPROXY_CONFIG"] || undefined);
    const watched = ({ watch, config: { writeBack, overlayPath: overlay } }: Config) =>
      watch ? [path, overlayPath(path, { writeBack, overlay })].flatMap((each) => each ?? []) : [];
    await serve(config, {
      takeover: given["takeover"] === true,
      load: (texts) => loadConfig({ file, ...texts, flags, env: process.env }),
      file: path,
      watched,
    });
  });
}

type FlaggedKey = KeyDescription & { readonly flag: Flag };

function hasFlag(key: KeyDescription): key is FlaggedKey {
  return key.flag !== undefined;
}

/** Runs the proxy; resolves with its exit status when it has ended. */
export async function run(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.ok;
  await parse(
    define(async (config, options) => {
      // Loaded last, so that help and mistakes are answered without it.
      const { serve } = await import("../mod/proxy/mod.ts");
      status = await serve(config, { openPorts, ...options });
    }),
    args,
  );
  return status;
}

/** Opens the admin and the HTTP port where the configuration names them. */
async function openPorts(
  running: Running,
  { log, lines }: { readonly log: Log; readonly lines: LogLines },
): Promise<() => void> {
  const { admin, http } = running.config;
  if (!admin.listen && admin.socket === "off" && !http.listen) return () => {};
  const { openAdminPort, openHttpPort } = await import("../mod/admin/mod.ts");
  const view = { running, lines, versionComment: `mysqlproxy ${version}` };
  const adminPort = await openAdminPort(view, log);
  for (const address of adminPort.addresses) {
    log.info("admin port", { address: formatAddress(address) });
  }
  const httpPort = http.listen && openHttpPort(http.listen, view);
  if (httpPort) log.info("HTTP port", { url: httpPort.url });
  return () => {
    adminPort.close();
    httpPort?.close();
  };
}

const MANY = 6;

function optionOf({ kind, flag, words, defaultText }: FlaggedKey): Option {
  const isList = kind === "addresses" || kind === "networks" || kind === "choices";
  const notes: string[] = [];
  if (isList) notes.push("repeatable");
  // Many words are to be broken into lines.
  if (words) notes.push(words.join(words.length > MANY ? ", " : "|"));
  if (defaultText !== '""' && defaultText !== "[]") {
    notes.push(`default ${defaultText.replaceAll(/["[\]]/g, "")}`);
  }
  const help = notes.length === 0 ? flag.help : `${flag.help} (${notes.join("; ")})`;
  const option = new Option(`${flag.names} <${flag.value}>`, help);
  if (isList) {
    option.argParser((value: string, before: readonly string[] = []) => [...before, value]);
  }
  return option;
}
