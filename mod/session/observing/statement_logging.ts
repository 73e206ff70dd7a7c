// Gives a session's statements to the audit log and the slow log. Called only where one of them is on.

import { LoggedSession, type LoggedStatement } from "../../observe/mod.ts";
import { Command, type SqlError } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";

/** A statement that is to be logged: filled in anew for each. */
export type StatementToLog = { -readonly [fact in keyof LoggedStatement]: LoggedStatement[fact] };

/** Whether anything is logged of statements. Hot path. */
export function logsStatements({ audit, slowLog }: SessionContext): boolean {
  return audit !== undefined || slowLog !== undefined;
}

const NOTHING = new Uint8Array(0);

/** One object for all statements. */
const statement: StatementToLog = {
  db: "",
  server: "",
  command: "",
  bytes: NOTHING,
  start: 0,
  end: 0,
  parameters: undefined,
  digestText: "",
  totalUs: 0,
  queueUs: 0,
  restoreUs: 0,
  consistencyUs: 0,
  executeUs: 0,
  streamUs: 0,
  rowsSent: 0,
  rowsAffected: 0,
  bytesSent: 0,
  retries: 0,
  errorCode: 0,
  outcome: "lost",
};

/**
 * The statement to be logged next, as one that has had no answer. @param code The command's byte.
 */
export function statementToLog(code: number, server: string): StatementToLog {
  statement.db = "";
  statement.server = server;
  statement.command = NAMES.get(code) ?? `command ${code}`;
  statement.parameters = undefined;
  statement.digestText = "";
  statement.totalUs =
    statement.queueUs =
    statement.restoreUs =
    statement.consistencyUs =
    statement.executeUs =
    statement.streamUs =
      0;
  statement.rowsSent =
    statement.rowsAffected =
    statement.bytesSent =
    statement.retries =
      0;
  statement.errorCode = 0;
  statement.outcome = "lost";
  return statement;
}

/** The statement to be logged has been answered, or will not be. */
export function logStatement(session: ClientSession): void {
  const { audit, slowLog, counters, auditChoice } = session.context;
  const isSlow = slowLog !== undefined && statement.outcome === "answered" &&
    statement.totalUs >= slowLog.thresholdUs;
  if (audit === undefined && !isSlow) return;
  const who = loggedSession(session);
  const before = (audit?.dropped ?? 0) + (slowLog?.dropped ?? 0);
  const wish = auditChoice?.of(statement, who, session.address);
  if (wish !== "never") audit?.statement(statement, who, wish === "always");
  if (isSlow) slowLog.statement(statement, who);
  counters.logEntriesDropped += (audit?.dropped ?? 0) + (slowLog?.dropped ?? 0) - before;
  statement.bytes = NOTHING; // nothing is kept that a client has sent
}

/** A client has come in or gone. */
export function logSession(session: ClientSession, event: "login" | "logout"): void {
  const { audit } = session.context;
  if (audit === undefined) return;
  const { session: id, user, client } = loggedSession(session);
  const facts = { session: id, user, client, db: session.pooled?.state.schema ?? "" };
  if (event === "logout") audit.session(event, facts);
  else {
    const us = Math.round((performance.now() - session.connectedAt) * 1000);
    audit.session(event, { ...facts, us });
  }
}

/** A client was not let in, or not as another user. @param user As it has said, one character a byte. */
export function logLoginFailed(
  { id, address, port, context }: ClientSession,
  user: string,
  { code, message: reason }: SqlError,
): void {
  context.audit?.loginFailed({
    session: id,
    user: Buffer.from(user, "latin1").toString(),
    client: clientName(address, port),
    code,
    reason,
  });
}

function clientName(address: string, port: number): string {
  return address === "" ? "localhost" : `${address}:${port}`;
}

/** Made with the first statement, and after a change of the account. */
function loggedSession(session: ClientSession): LoggedSession {
  const { id, user, address, port } = session;
  return session.logged ??= new LoggedSession(
    id,
    Buffer.from(user, "latin1").toString(),
    clientName(address, port),
  );
}

const NAMES = new Map<number, string>([
  [Command.QUERY, "query"],
  [Command.STMT_EXECUTE, "execute"],
  [Command.STMT_BULK_EXECUTE, "execute"],
]);
