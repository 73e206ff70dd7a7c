// The keys about the event log and the logs of statements.

import { choice, duration, integer, path, size, texts } from "./kinds.ts";
import { section } from "./section.ts";

/** The parts of the proxy whose lines have a level of their own. */
export const LOG_MODULES = [
  "admin",
  "auth",
  "backend",
  "cluster",
  "config",
  "proxy",
  "route",
  "session",
] as const;
/** One of them. */
export type LogModule = typeof LOG_MODULES[number];

/** From the least severe on. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/**
 * Reads `cluster=debug`.
 *
 * @throws {SyntaxError} If it is something else.
 */
export function parseModuleLevel(text: string): readonly [LogModule, typeof LOG_LEVELS[number]] {
  const [name, word, ...rest] = text.split("=").map((part) => part.trim());
  const module = LOG_MODULES.find((each) => each === name);
  const level = LOG_LEVELS.find((each) => each === word);
  if (module === undefined || level === undefined || rest.length > 0) {
    throw new SyntaxError(
      `must be module=level, as in cluster=debug, with a module of ${LOG_MODULES.join(", ")}`,
    );
  }
  return [module, level];
}

/** `[log]`. */
export const log = section("What is written to standard error.", {
  level: choice([...LOG_LEVELS], "info", {
    doc: "The least severe level written.",
    flag: { names: "--log-level", value: "level", help: "the least severe messages written" },
  }),
  levels: texts({
    doc: "The same for parts of the proxy, in place of `level`: `cluster=debug`, `auth=warn`. " +
      `The parts are ${LOG_MODULES.map((module) => `\`${module}\``).join(", ")}.`,
  }, {
    accepts: "a list of strings `module=level`",
    judge: parseModuleLevel,
  }),
  format: choice(["text", "json"], "text", {
    doc: "`text` for people, `json` for one object a line.",
    flag: { names: "--log-format", value: "format", help: "how they are written" },
  }),
});

/** How a file is rotated, the same for both logs. */
const rotation = {
  size_max: size("100MiB", { min: "4KiB", max: "1024GiB" }, {
    doc: "A file of this size is put aside and compressed.",
  }),
  age_max: duration("1d", { min: "0", max: "365d" }, {
    doc: "So is one of this age; 0: no age is too old.",
  }),
  keep: integer(10, { min: 0, max: 100_000 }, { doc: "Files put aside that are kept." }),
  buffer_max: size("16MiB", { min: "64KiB", max: "1GiB" }, {
    doc: "What waits to be written at most, in each worker.",
  }),
  overflow: choice(["drop", "block"], "drop", {
    doc:
      "What happens when the disk does not keep up: entries are dropped and counted, or all clients of the worker wait for it.",
  }),
};

/** `[audit]`. */
export const audit = section("The audit log: every statement, one JSON object a line.", {
  file: path({
    doc:
      "The file; none: no audit log. With several workers each has its own, with its number at the end of the name, as in `audit.log.0`. Commands on the admin port go to `audit.log.admin`.",
  }),
  users: texts({ doc: "Accounts whose statements are logged; none: those of all." }),
  except_users: texts({ doc: "Accounts whose statements are not." }),
  sample: integer(100, { min: 0, max: 100 }, {
    doc: "Percent of the statements that are logged. Those that failed always are.",
  }),
  text_max: size("4KiB", { min: "64B", max: "1MiB" }, {
    doc: "How much of a statement is written.",
  }),
  ...rotation,
});

/** `[slow_log]`. */
export const slowLog = section("The slow log, in the format of MySQL's.", {
  file: path({ doc: "The file; none: no slow log. Several workers as for `audit.file`." }),
  threshold: duration("1s", { min: "0", max: "24h" }, {
    doc: "Statements that take as long, from their arrival to the end of their answer, are logged.",
  }),
  text_max: size("64KiB", { min: "64B", max: "1MiB" }, {
    doc: "How much of a statement is written.",
  }),
  ...rotation,
});
