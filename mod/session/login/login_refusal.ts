// Clients that are not let in: what they are told, what is counted, and who says so.

import { LoginRefusedError, serverError } from "../../backend/mod.ts";
import { type PacketChannel, ProxyHeaderError } from "../../net/mod.ts";
import {
  encodeEarlyErr,
  encodeErr,
  type HandshakeResponse,
  MalformedPacketError,
  PacketTooLargeError,
  type SqlError,
} from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";
import { asServerError } from "../session_errors.ts";
import { logLoginFailed } from "../observing/statement_logging.ts";

/** A wrong name or password. */
export const ACCESS_DENIED = 1045;
const TOO_MANY_OF_USER = 1203;
const USER_LIMIT_REACHED = 1226;
const HOST_BLOCKED = 1129;

/** Who a client says it is, one character a byte; empty: nobody yet. */
export interface Claimed {
  user: string;
}

/** Refused before the client has said what it can: the packet has an older form. */
export class EarlyRefusal extends Error {
  readonly error: SqlError;

  constructor(error: SqlError) {
    super(error.message);
    this.error = error;
  }
}

function countRefusal(error: unknown, { counters }: SessionContext): void {
  counters.loginsFailed++;
  const code = error instanceof LoginRefusedError || error instanceof EarlyRefusal
    ? error.error.code
    : 0;
  if (code === HOST_BLOCKED) counters.clientsRefusedBlocked++;
  else if (code === TOO_MANY_OF_USER || code === USER_LIMIT_REACHED) {
    counters.clientsRefusedPerUser++;
  }
}

/**
 * Tells a client that it is not let in, and the logs of it.
 *
 * @param error Why; what is no refusal is an internal fault.
 */
export function refuse(
  channel: PacketChannel,
  error: unknown,
  { session, who }: { readonly session: ClientSession; readonly who: Claimed },
): void {
  const { stream, context } = session;
  countRefusal(error, context);
  if (session.closed) {
    // Who does not wait for the answer has guessed nevertheless.
    const isRefused = error instanceof EarlyRefusal || error instanceof LoginRefusedError;
    if (isRefused) logLoginFailed(session, who.user, error.error);
    return;
  }
  let told: SqlError | undefined;
  if (error instanceof EarlyRefusal) {
    told = asServerError(error.error); // who the client is has not been said yet
    channel.send(encodeEarlyErr(told));
  } else if (error instanceof LoginRefusedError && error.payload) {
    told = error.error;
    channel.send(error.payload);
  } else if (error instanceof MalformedPacketError || error instanceof PacketTooLargeError) {
    told = { code: 1043, sqlState: "08S01", message: "Bad handshake" };
    channel.send(encodeErr(told));
  } else if (error instanceof ProxyHeaderError) {
    told = { code: 1043, sqlState: "08S01", message: error.message };
  } else {
    told = serverError(error, context.server.name);
    if (!session.takesClientErrors) told = asServerError(told);
    channel.send(encodeErr(told));
  }
  logLoginFailed(session, who.user, told);
  context.log.info("login refused", {
    session: session.id,
    client: session.address,
    code: told.code,
    reason: error instanceof Error && told.code === 2000 ? String(error.stack) : told.message,
  });
  stream.end();
}

/** 1045, as the server words it. */
export function accessDenied(session: ClientSession, response: HandshakeResponse): SqlError {
  const user = new TextDecoder().decode(response.user);
  return {
    code: 1045,
    sqlState: "28000",
    message: `Access denied for user '${user}'@'${session.address || "localhost"}'`,
  };
}
