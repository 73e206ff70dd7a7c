// A statement as the logs have it, and whose it is.

import type { BinaryValue } from "../wire/mod.ts";

const NOTHING = new Uint8Array(0);

/** Whose statements they are. One object for a session and account: what is made of it is kept here. */
export class LoggedSession {
  /** The proxy's id of the session. */
  readonly session: number;
  readonly user: string;
  /** `address:port`, or `localhost`. */
  readonly client: string;
  /** How each line about its statements goes on behind the time, and what that was made of. */
  head: Uint8Array = NOTHING;
  headDb: string | undefined;
  headServer = "";
  headCommand = "";

  constructor(session: number, user: string, client: string) {
    this.session = session;
    this.user = user;
    this.client = client;
  }
}

/** A statement whose answer has ended, or that will have none. Times are in microseconds. */
export interface LoggedStatement {
  readonly db: string;
  /** The server that had it. */
  readonly server: string;
  /** `query`, `execute` and so on. */
  readonly command: string;
  /** Its text from `start` to `end`, and what stands in front of that: query attributes. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** What a prepared statement was given; undefined: nothing, or it is not known. */
  readonly parameters: readonly BinaryValue[] | undefined;
  /** The normalised text; empty: not known. */
  readonly digestText: string;
  readonly totalUs: number;
  /** Of it, waited for a connection, for the session's state on it, and for data on a replica. */
  readonly queueUs: number;
  readonly restoreUs: number;
  readonly consistencyUs: number;
  /** From the moment it was sent to the end of its answer; 0 where that is all of it. */
  readonly executeUs: number;
  /** Of that, from the first piece of an answer in several to its end; 0: it came in one. */
  readonly streamUs: number;
  readonly rowsSent: number;
  readonly rowsAffected: number;
  /** Bytes that its client was sent. */
  readonly bytesSent: number;
  /** How often it was tried again. */
  readonly retries: number;
  /** The error number; 0: none. */
  readonly errorCode: number;
  /** `answered`; `lost`: the connection ended first; `pipelined`: nobody has waited for its answer. */
  readonly outcome: "answered" | "lost" | "pipelined";
}

/** A part of a statement's bytes as text. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, end - start)).toString();
}

/** Attributes have their length before it, and the statement right behind it. */
const TRACE = /00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Where a text starts behind attributes that hold a trace: they are not shorter. */
export const ATTRIBUTES_MIN = 60;

/**
 * A `traceparent` in a comment or in the query attributes; undefined: there is none. Source: "Trace
 * Context" of the W3C.
 */
export function traceOf(
  bytes: Uint8Array,
  { start, limit }: { readonly start: number; readonly limit: number },
): string | undefined {
  const from = start >= ATTRIBUTES_MIN ? 0 : start;
  const place = Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.max(0, limit - from));
  const at = place.indexOf("traceparent");
  return at < 0 ? undefined : TRACE.exec(place.toString("latin1", at))?.[0];
}
