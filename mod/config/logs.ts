// What the configuration says of the logs.

/** How much is logged. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What is written to standard error. */
export interface Log {
  /** The least severe level that is written. */
  readonly level: LogLevel;
  /** Levels of single modules, as `module=level`. */
  readonly levels: readonly string[];
  /** `text` for people, `json` for one object a line. */
  readonly format: "text" | "json";
}

/** How a log of statements is kept. */
export interface StatementLogSettings {
  /** Empty: there is none. */
  readonly filePath: string;
  readonly textMaxBytes: number;
  readonly sizeMaxBytes: number;
  /** In milliseconds; 0: no age is too old. */
  readonly ageMaxMs: number;
  /** Files put aside that are kept. */
  readonly keep: number;
  readonly bufferMaxBytes: number;
  readonly overflow: "drop" | "block";
}

/** The audit log. */
export interface AuditSettings extends StatementLogSettings {
  /** Accounts that are logged; empty: all. */
  readonly users: readonly string[];
  readonly exceptUsers: readonly string[];
  /** Percent of the statements. */
  readonly sample: number;
}

/** The slow log. */
export interface SlowLogSettings extends StatementLogSettings {
  readonly thresholdMs: number;
}
