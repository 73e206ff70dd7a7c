// The event log: one line an event on standard error, as text or JSON.

import type { Fields, LogLine, Severity } from "./log_line.ts";
import { Storms } from "./log_storms.ts";

/** Writes events. Calls below the chosen severity cost one comparison. */
export interface Log {
  debug(sentence: string, fields?: Fields): void;
  info(sentence: string, fields?: Fields): void;
  warn(sentence: string, fields?: Fields): void;
  error(sentence: string, fields?: Fields): void;
  /** The log of a part of the proxy, which may have a level of its own. */
  of(module: string): Log;
}

const SEVERITIES: readonly Severity[] = ["debug", "info", "warn", "error"];

/** What is written, and how. */
export interface LogSettings {
  readonly level: Severity;
  /** Those of single modules. @default none */
  readonly levels?: ReadonlyMap<string, Severity>;
  readonly format: "text" | "json";
}

/** A log whose settings can be changed. */
export interface LeveledLog extends Log {
  configure(settings: LogSettings): void;
  /** Writes what is held back of storms. */
  flush(): void;
}

/**
 * Makes a log.
 *
 * @param options.write Where lines go; standard error unless told.
 * @param options.onLine Told of every line that is written.
 */
export function createLog(
  options: LogSettings & {
    /** The part of the proxy that lines are of, unless `of` says otherwise. @default none */
    readonly module?: string;
    readonly write?: (line: string) => void;
    readonly onLine?: (line: LogLine) => void;
  },
): LeveledLog {
  const { onLine = () => {}, write = (line: string) => void process.stderr.write(line) } = options;
  let { level, levels, format }: LogSettings = options;
  const storms = new Storms((line) => {
    const { severity, sentence, fields } = line;
    write((format === "json" ? jsonLine : textLine)(severity, sentence, fields));
    onLine(line);
  });
  const makeLog = (module: string | undefined): Log => {
    const at =
      (severity: Severity, rank = SEVERITIES.indexOf(severity)) =>
      (sentence: string, fields: Fields = {}) => {
        const least = (module === undefined ? undefined : levels?.get(module)) ?? level;
        if (rank < SEVERITIES.indexOf(least)) return;
        const all = module === undefined ? fields : { ...fields, module };
        storms.add({ atMs: Date.now(), severity, sentence, fields: all });
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      of: makeLog,
    };
  };
  return {
    ...makeLog(options.module),
    configure: (settings) => void ({ level, levels, format } = settings),
    flush: () => storms.flush(),
  };
}

function textLine(severity: Severity, sentence: string, fields: Fields): string {
  let line = `${new Date().toISOString()} ${severity.padEnd(5)} ${oneLine(sentence)}`;
  const rest = fieldsText(fields);
  if (rest !== "") line += ` ${rest}`;
  return line + "\n";
}

/** Fields as `name=value name="a value"`, on one line. */
export function fieldsText(fields: Fields): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = oneLine(String(value));
    parts.push(`${name}=${/[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text}`);
  }
  return parts.join(" ");
}

function jsonLine(severity: Severity, sentence: string, fields: Fields): string {
  return JSON.stringify({ time: new Date().toISOString(), severity, event: sentence, ...fields }) +
    "\n";
}

/** Control characters from a client may not forge lines. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
