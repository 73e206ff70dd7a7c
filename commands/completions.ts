// `mysqlproxy completions bash|zsh|fish`: made from the commands themselves.

import type { Option } from "commander";
import { Argument, Command } from "commander";
import { allKeys } from "../mod/config/mod.ts";
import { catalog } from "./catalog.ts";
import { define as defineConfig } from "./config.ts";
import { define as defineDemo } from "./demo.ts";
import { define as defineDoctor } from "./doctor.ts";
import { exitStatus } from "./exit_status.ts";
import { configure, parse } from "./parse.ts";
import { define as defineProbe } from "./probe.ts";
import { define as defineServe } from "./serve.ts";
import { define as defineTop } from "./top.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

/** What follows a command's name. */
interface Completion {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  /** Words that may follow, such as subcommands. */
  readonly words: readonly string[];
}

/** The command with its argument. */
export function define(): Command {
  return configure(new Command("mysqlproxy completions"))
    .description("Prints completions, as in: source <(mysqlproxy completions bash)")
    .addArgument(new Argument("<shell>").choices(shells))
    .action((shell: Shell) => console.log(writers[shell](collect())));
}

/** Prints completions for a shell. */
export async function run(args: readonly string[]): Promise<number> {
  await parse(define(), args);
  return exitStatus.ok;
}

const writers: Readonly<Record<Shell, (completions: readonly Completion[]) => string>> = {
  bash: writeBash,
  zsh: writeZsh,
  fish: writeFish,
};

function collect(): readonly Completion[] {
  // Only their options are looked at; none of them is run.
  const nothing = () => Promise.resolve();
  const commands: Readonly<Record<string, Command>> = {
    serve: defineServe(nothing),
    top: defineTop(nothing),
    probe: defineProbe(nothing),
    doctor: defineDoctor(nothing),
    demo: defineDemo(nothing),
    config: defineConfig({ check() {}, ask() {} }),
  };
  return catalog.map(({ name, summary }) => {
    const command = commands[name];
    const subcommands = command?.commands.map((it) => it.name()) ?? [];
    const words = name === "completions"
      ? shells
      : name === "help"
      ? catalog.map((entry) => entry.name)
      : subcommands;
    return { name, summary, options: command?.options ?? [], words };
  });
}

/** The words an option takes, if it takes only some. */
function wordsOf(option: Option): readonly string[] {
  const key = allKeys().find((it) => it.flag?.names.split(", ").at(-1) === option.long);
  return key?.words ?? option.argChoices ?? [];
}

function takesFile(option: Option): boolean {
  return option.flags.endsWith("<file>");
}

function writeBash(completions: readonly Completion[]): string {
  const cases = completions.map(({ name, options, words }) => {
    const flags = options.flatMap((option) => [option.short, option.long]).filter(Boolean);
    return `    ${name}) words="${[...words, ...flags, "--help"].join(" ")}" ;;`;
  });
  const values = completions.flatMap(({ options }) => options).filter((it) => wordsOf(it).length)
    .map((option) => `    ${option.long}) words="${wordsOf(option).join(" ")}" ;;`);
  const names = completions.map(({ name }) => name).join(" ");
  return `_mysqlproxy() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${names}"; fi
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
${[...new Set(values)].join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _mysqlproxy mysqlproxy`;
}

function writeZsh(completions: readonly Completion[]): string {
  const names = completions.map(({ name, summary }) => `    '${name}:${escape(summary)}'`);
  const cases = completions.map(({ name, options, words }) => {
    const specs = options.flatMap((option) => zshSpecs(option));
    const rest = words.length === 0 ? [] : [`'*:word:(${words.join(" ")})'`];
    return `    ${name}) _arguments ${[...specs, ...rest, "'--help[print help]'"].join(" ")} ;;`;
  });
  return `#compdef mysqlproxy
_mysqlproxy() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
compdef _mysqlproxy mysqlproxy`;
}

function zshSpecs(option: Option): readonly string[] {
  const words = wordsOf(option);
  const action = words.length > 0 ? `(${words.join(" ")})` : takesFile(option) ? "_files" : " ";
  const value = option.required ? `:value:${action}` : "";
  const doc = escape(option.description).replaceAll(/[[\]:]/g, "\\$&");
  return [option.short, option.long].filter((it) => it !== undefined)
    .map((flag) => `'*${flag}[${doc}]${value}'`);
}

function writeFish(completions: readonly Completion[]): string {
  const lines = ["complete -c mysqlproxy -f"];
  for (const { name, summary, options, words } of completions) {
    const within = `complete -c mysqlproxy -n '__fish_seen_subcommand_from ${name}'`;
    lines.push(
      `complete -c mysqlproxy -n __fish_use_subcommand -a ${name} -d '${escape(summary)}'`,
    );
    if (words.length > 0) lines.push(`${within} -a '${words.join(" ")}'`);
    for (const option of options) lines.push(`${within}${fishOption(option)}`);
  }
  return lines.join("\n");
}

function fishOption(option: Option): string {
  const short = option.short === undefined ? "" : ` -s ${option.short.slice(1)}`;
  const words = wordsOf(option);
  const value = words.length > 0 ? ` -a '${words.join(" ")}'` : takesFile(option) ? " -F" : "";
  const required = option.required ? " -r" : "";
  const doc = escape(option.description);
  return `${short} -l ${option.long!.slice(2)}${required}${value} -d '${doc}'`;
}

/** For use between single quotes. */
function escape(text: string): string {
  return text.replaceAll("'", "");
}
