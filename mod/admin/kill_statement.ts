// KILL [CONNECTION | QUERY] id, across workers.

import type { Running } from "../proxy/mod.ts";
import type { KillCommand } from "../session/mod.ts";
import type { SqlError } from "../wire/mod.ts";

/** Undefined where a statement is about something else. */
export function parseKillStatement(statement: string): KillCommand | undefined {
  const [all, kind = "connection", id] =
    /^kill\s+(?:(?:hard|soft)\s+)?(?:(connection|query)\s+)?(\d{1,10})$/i.exec(statement) ?? [];
  if (all === undefined) return undefined;
  return { id: Number(id), queryOnly: kind.toLowerCase() === "query" };
}

/** Answered when it is done. */
export async function answerKill(
  command: KillCommand,
  running: Running,
): Promise<"ok" | SqlError> {
  switch (await running.kill(command)) {
    case "killed":
      return "ok";
    case "unknown":
      return { code: 1094, sqlState: "HY000", message: `Unknown thread id: ${command.id}` };
    case "failed":
      return {
        code: 1105,
        sqlState: "HY000",
        message: `Cannot end the statement of ${command.id}: the server cannot be told`,
      };
  }
}
