// Why a server could not be asked, in the few kinds that the monitor tells apart.

/**
 * `refused`: nobody listens there; `unreachable`: no way there, or no such name; `lost`: an
 * established connection has ended; `timeout`: no answer in time; `denied`: the proxy's account may
 * not log in; `full`: the server takes no more connections; `error`: an answer that is an error or
 * makes no sense.
 */
export type FailureKind =
  | "refused"
  | "unreachable"
  | "lost"
  | "timeout"
  | "denied"
  | "full"
  | "error";

/** A look at a server that came to nothing. */
export interface Failure {
  readonly kind: FailureKind;
  /** One line. */
  readonly reason: string;
}

/** Thrown where a server does not answer in time. */
export class ProbeTimeoutError extends Error {
  override name = "ProbeTimeoutError";
}

const KIND_OF_CODE: ReadonlyMap<string, FailureKind> = new Map([
  ["ECONNREFUSED", "refused"],
  ["ENOENT", "refused"], // a unix socket that is not there
  ["EHOSTUNREACH", "unreachable"],
  ["EHOSTDOWN", "unreachable"],
  ["ENETUNREACH", "unreachable"],
  ["ENOTFOUND", "unreachable"],
  ["EAI_AGAIN", "unreachable"],
  ["ETIMEDOUT", "timeout"],
  ["ECONNRESET", "lost"],
  ["EPIPE", "lost"],
  ["PROTOCOL_CONNECTION_LOST", "lost"],
]);

const KIND_OF_NUMBER: ReadonlyMap<number, FailureKind> = new Map([
  [1044, "denied"],
  [1045, "denied"],
  [1129, "denied"], // host blocked
  [1130, "denied"],
  [1251, "denied"],
  [1524, "denied"], // plugin not loaded
  [1698, "denied"],
  [1820, "denied"],
  [1862, "denied"],
  [3118, "denied"],
  [3159, "denied"], // TLS required
  [4151, "denied"],
  [1040, "full"],
  [1203, "full"],
  [1226, "full"],
  [1053, "lost"], // shutdown in progress
  [1077, "lost"],
  [1317, "lost"], // interrupted: somebody kills our statements
  [1927, "lost"],
  [3169, "lost"],
]);

/** The kind and the sentence for what a probe threw. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ProbeTimeoutError) return { kind: "timeout", reason: error.message };
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  const message = error instanceof Error && error.message !== "" ? error.message : String(code);
  const byNumber = typeof errno === "number" && errno > 0 ? KIND_OF_NUMBER.get(errno) : undefined;
  const kind = byNumber ?? KIND_OF_CODE.get(String(code)) ?? "error";
  const [line = ""] = message.split("\n");
  const numbered = typeof errno === "number" && errno > 0 ? `${line} (${errno})` : line;
  return { kind, reason: numbered };
}

/** Whether a statement failed for lack of a right, and not for want of a server. */
export function isDenied(error: unknown): boolean {
  const errno = errorNumber(error);
  return errno === 1142 || errno === 1143 || errno === 1227 || errno === 1044 || errno === 1370;
}

/** Whether a statement failed since the server has no such table, schema, variable or syntax. */
export function isUnknown(error: unknown): boolean {
  const errno = errorNumber(error);
  return errno === 1146 || errno === 1049 || errno === 1193 || errno === 1109 || errno === 1054 ||
    errno === 1064 || errno === 1286 || errno === 1305;
}

/** A server's error number; 0 for other errors. */
export function errorNumber(error: unknown): number {
  const { errno } = error as { errno?: unknown };
  return typeof errno === "number" && errno > 0 ? errno : 0;
}

/**
 * Errors that a client of the data plane gets from a server that is not what the proxy took it for:
 * a primary that only reads, a member without its group, a server that is ending.
 */
const TOPOLOGY_ERRORS: ReadonlySet<number> = new Set([
  1053, // server shutdown in progress
  1290, // --read-only, --super-read-only
  1792, // transaction is read only
  1836, // running in read-only mode
  3100, // group replication refuses the transaction
  3101, // group replication rolled it back
  1047, // Galera: not ready for use; also an unknown command
  3750, // consensus: not the leader
]);

/** Whether an error of the data plane says that the topology may have changed. */
export function isTopologyError(code: number): boolean {
  return TOPOLOGY_ERRORS.has(code);
}
