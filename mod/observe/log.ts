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

/** An event as a value. */
export interface LogLine {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly severity: Severity;
  readonly sentence: string;
  readonly fields: Fields;
}

const SEVERITIES: readonly Severity[] = ["debug", "info", "warn", "error"];

/** A log whose level can be changed. */
export interface LeveledLog extends Log {
  setLevel(level: Severity): void;
}

/**
 * Makes a log.
 *
 * @param options.write Where lines go; standard error unless told.
 * @param options.onLine Told of every line that is written.
 */
export function createLog(options: {
  readonly level: Severity;
  readonly format: "text" | "json";
  readonly write?: (line: string) => void;
  readonly onLine?: (line: LogLine) => void;
}): LeveledLog {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const format = options.format === "json" ? jsonLine : textLine;
  const { onLine = () => {} } = options;
  let least = SEVERITIES.indexOf(options.level);
  const at =
    (severity: Severity, rank = SEVERITIES.indexOf(severity)) =>
    (sentence: string, fields: Fields = {}) => {
      if (rank < least) return;
      write(format(severity, sentence, fields));
      onLine({ atMs: Date.now(), severity, sentence, fields });
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    setLevel: (level) => void (least = SEVERITIES.indexOf(level)),
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
