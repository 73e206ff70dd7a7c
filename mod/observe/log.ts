// The event log: one line an event on standard error, as text or JSON.

/** How severe an event is. */
export type Severity = "debug" | "info" | "warn" | "error";

/** What an event carries besides its sentence. Never passwords, never statements' values. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes events. Calls below the chosen severity cost one comparison. */
export interface Log {
  debug(sentence: string, fields?: Fields): void;
  info(sentence: string, fields?: Fields): void;
  warn(sentence: string, fields?: Fields): void;
  error(sentence: string, fields?: Fields): void;
}

const SEVERITIES: readonly Severity[] = ["debug", "info", "warn", "error"];

/**
 * Makes a log.
 *
 * @param options.write Where lines go; standard error unless told.
 */
export function createLog(options: {
  readonly level: Severity;
  readonly format: "text" | "json";
  readonly write?: (line: string) => void;
}): Log {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const format = options.format === "json" ? jsonLine : textLine;
  const least = SEVERITIES.indexOf(options.level);
  const at = (severity: Severity) =>
    SEVERITIES.indexOf(severity) < least
      ? () => {}
      : (sentence: string, fields: Fields = {}) => write(format(severity, sentence, fields));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function textLine(severity: Severity, sentence: string, fields: Fields): string {
  let line = `${new Date().toISOString()} ${severity.padEnd(5)} ${oneLine(sentence)}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = oneLine(String(value));
    line += ` ${name}=${/[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text}`;
  }
  return line + "\n";
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
