// How a command fails: one line for the person who typed it, and a status for the script.

import { exitStatus } from "./exit_status.ts";

/** What a command throws to end the program with one line on standard error and a status. */
export class CommandError extends Error {
  /** The exit status. */
  readonly status: number;

  /**
   * @param message One line, or several if several things are wrong; without a final newline.
   * @param status The exit status.
   */
  constructor(message: string, status: number) {
    super(message);
    this.name = "CommandError";
    this.status = status;
  }
}

/** What is left to say of a failure. */
export interface Explanation {
  /** Usually one line. */
  readonly lines: readonly string[];
  /** The exit status. */
  readonly status: number;
}

/** What is left to say of anything thrown: never a stack trace. */
export function explain(error: unknown): Explanation {
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  return {
    lines: message.split("\n"),
    status: typeof status === "number" ? status : exitStatus.failure,
  };
}
