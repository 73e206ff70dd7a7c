// The slow log, in MySQL's own format. Source: "The Slow Query Log" of the MySQL manual.

import { maskPasswords } from "../sql/mod.ts";
import type { LogFile } from "./log_file.ts";
import { type LoggedSession, type LoggedStatement, textOf, traceOf } from "./logged_statement.ts";

/** The slow log of a worker. */
export class SlowLog {
  /** Statements that took as long are logged, in microseconds. */
  readonly thresholdUs: number;
  readonly #file: LogFile;
  readonly #textMaxBytes: number;

  constructor(
    file: LogFile,
    options: { readonly thresholdUs: number; readonly textMaxBytes: number },
  ) {
    this.#file = file;
    this.thresholdUs = options.thresholdUs;
    this.#textMaxBytes = options.textMaxBytes;
  }

  get dropped(): number {
    return this.#file.dropped;
  }

  /** Source: "The Slow Query Log" of the MySQL manual. */
  statement(statement: LoggedStatement, { user, client, session }: LoggedSession): void {
    const { totalUs, rowsSent, rowsAffected, bytes, start, end } = statement;
    const now = Date.now();
    const limit = Math.min(end, start + this.#textMaxBytes);
    const text = maskPasswords(textOf(bytes, start, limit)).replace(/;\s*$/, "");
    const host = client.replace(/:\d+$/, "");
    const isLocal = host === "localhost";
    // Before each of them: the file may be a new one, and readers take it for all that follow.
    const inDb = statement.db === "" ? "" : `use ${statement.db};\n`;
    // A field of its own of this line: one more line would be part of the statement to mysqldumpslow.
    const found = traceOf(bytes, { start, limit });
    const trace = found === undefined ? "" : `  Traceparent: ${found}`;
    const seconds = (us: number) => (us / 1_000_000).toFixed(6);
    this.#file.write(
      `# Time: ${new Date(now).toISOString().replace("Z", "000Z")}\n` +
        `# User@Host: ${user}[${user}] @ ${isLocal ? "localhost" : ""} [${isLocal ? "" : host}]` +
        `  Id: ${session}\n` +
        `# Query_time: ${seconds(totalUs)}  Lock_time: 0.000000 Rows_sent: ${rowsSent}` +
        `  Rows_examined: 0 Rows_affected: ${rowsAffected}${trace}\n` +
        `${inDb}SET timestamp=${Math.floor((now - totalUs / 1000) / 1000)};\n${text};\n`,
    );
  }

  /** Resolves when all of it is written. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

/** What a slow log begins with. */
export function slowLogHead(version: string): string {
  return `/usr/local/bin/mysqlproxy, Version: ${version}. started with:\nTcp port: 0  Unix socket: \n` +
    "Time                 Id Command    Argument\n";
}
