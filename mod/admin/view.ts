// What the admin port knows of, and who asks it.

import type { LogLines } from "../observe/mod.ts";
import type { Running } from "../proxy/mod.ts";
import type { SqlError, TextResult } from "../wire/mod.ts";

/** What the admin port knows of. */
export interface AdminView {
  readonly running: Running;
  /** The last lines of the log. */
  readonly lines: LogLines;
  /** `mysqlproxy` and its version. */
  readonly versionComment: string;
}

/** What somebody who has logged in may do: all, or look. */
export type AdminRole = "admin" | "stats";

/** How many rows a statement has changed. */
export interface Done {
  readonly affectedRows: number;
}

/** An answer: rows, an OK without rows, or an error. */
export type Answer = TextResult | "ok" | Done | SqlError;
