// A line of the event log.

/** How severe an event is. */
export type Severity = "debug" | "info" | "warn" | "error";

/** What an event carries besides its sentence. Never passwords, never statements' values. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** An event as a value. */
export interface LogLine {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly severity: Severity;
  readonly sentence: string;
  readonly fields: Fields;
}
