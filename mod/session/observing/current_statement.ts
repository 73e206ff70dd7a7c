// What a session's command under way is, for people who look at it.

import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import { runsText, textOf } from "../command/statement_text.ts";

/** Bytes of a statement that are shown. */
const TEXT_MAX = 1024;

/** A command and the start of its statement. */
export interface CurrentCommand {
  /** As process lists name it. */
  readonly command: string;
  /** Null: it has none. */
  readonly text: string | null;
}

/** Undefined where it is not known: with session pooling nothing is kept of a command. */
export function currentCommand({ pooled }: ClientSession): CurrentCommand | undefined {
  if (pooled === undefined || pooled.command.length <= HEADER_LENGTH) return undefined;
  const code = pooled.command[HEADER_LENGTH];
  const command = NAMES.get(code) ?? "Other";
  if (!runsText(pooled) && code !== Command.STMT_PREPARE) return { command, text: null };
  const { bytes, start } = textOf(pooled);
  return { command, text: decoded(bytes, start) };
}

function decoded(bytes: Uint8Array, start: number): string {
  const text = bytes.subarray(start, start + TEXT_MAX);
  return Buffer.from(text.buffer, text.byteOffset, text.length).toString();
}

/** The names in SHOW PROCESSLIST. */
const NAMES = new Map<number, string>([
  [Command.QUERY, "Query"],
  [Command.INIT_DB, "Init DB"],
  [Command.FIELD_LIST, "Field List"],
  [Command.STATISTICS, "Statistics"],
  [Command.PING, "Ping"],
  [Command.CHANGE_USER, "Change user"],
  [Command.BINLOG_DUMP, "Binlog Dump"],
  [Command.STMT_PREPARE, "Prepare"],
  [Command.STMT_EXECUTE, "Execute"],
  [Command.STMT_FETCH, "Fetch"],
  [Command.STMT_RESET, "Reset stmt"],
  [Command.SET_OPTION, "Set option"],
  [Command.RESET_CONNECTION, "Reset Connection"],
  [Command.PROCESS_INFO, "Processlist"],
]);
