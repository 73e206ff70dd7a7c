// Gives a session's statements to the audit log and the slow log. Called only where one of them is on.

import type { LoggedStatement } from "../observe/mod.ts";
import { Command } from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import type { SessionContext } from "./context.ts";

/** What is logged of a statement beside its session. */
export type StatementFacts = Omit<LoggedStatement, "session" | "user" | "client" | "command"> & {
  /** The command's byte. */
  readonly code: number;
};

/** Whether anything is logged of statements. Hot path. */
export function logsStatements({ audit, slowLog }: SessionContext): boolean {
  return audit !== undefined || slowLog !== undefined;
}

/** A statement has been answered, or will not be. */
export function logStatement(session: ClientSession, facts: StatementFacts): void {
  const { audit, slowLog, counters } = session.context;
  const isSlow = slowLog !== undefined && facts.outcome === "answered" &&
    facts.totalUs >= slowLog.thresholdUs;
  if (audit === undefined && !isSlow) return;
  const { code, ...rest } = facts;
  const statement = { ...rest, ...who(session), command: NAMES.get(code) ?? `command ${code}` };
  const before = (audit?.dropped ?? 0) + (slowLog?.dropped ?? 0);
  audit?.statement(statement);
  if (isSlow) slowLog.statement(statement);
  counters.logEntriesDropped += (audit?.dropped ?? 0) + (slowLog?.dropped ?? 0) - before;
}

/** A client has come in or gone. */
export function logSession(session: ClientSession, event: "login" | "logout"): void {
  const { audit } = session.context;
  audit?.session(event, { ...who(session), db: session.pooled?.state.schema ?? "" });
}

function who({ id, user, address, port }: ClientSession) {
  return {
    session: id,
    user: Buffer.from(user, "latin1").toString(),
    client: address === "" ? "localhost" : `${address}:${port}`,
  };
}

const NAMES = new Map<number, string>([
  [Command.QUERY, "query"],
  [Command.STMT_EXECUTE, "execute"],
  [Command.STMT_BULK_EXECUTE, "execute"],
]);
