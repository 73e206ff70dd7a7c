// What may be tried again when a server has refused a command or was lost, and when. Pure.
// The rule above all: nothing is repeated that may have run, unless running it twice is the same as
// once.

/** Retries at this distance come first, in milliseconds; the very first comes at once. */
const SOON_MS = 100;
const SOON_TIMES = 10;
const LATER_MS = 1000;

/** How long to wait before a retry, in milliseconds. @param attempt 0 for the first. */
export function retryDelayMs(attempt: number): number {
  if (attempt === 0) return 0;
  return attempt <= SOON_TIMES ? SOON_MS : LATER_MS;
}

/**
 * Why a server has refused a command. `read-only`: it takes no writes (any more); `unfit`: it is no
 * working member of its group, or hands the primary's role over; `ending`: it shuts down.
 */
export type Refusal = "read-only" | "unfit" | "ending";

/** ER_OPTION_PREVENTS_STATEMENT, which names the option; most are no business of ours. */
const OPTION_PREVENTS = 1290;
/** ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION */
const READ_ONLY_TRANSACTION = 1792;
/** ER_READ_ONLY_MODE */
const READ_ONLY_MODE = 1836;
/** ER_RUN_HOOK_ERROR: before_commit of Group Replication, so nothing was committed. */
const HOOK_ERROR = 3100;
/** ER_OPERATION_NOT_ALLOWED_WHILE_PRIMARY_CHANGE_IS_RUNNING: a group hands over; MariaDB's is another. */
const PRIMARY_CHANGES = 4094;
/** ER_SERVER_SHUTDOWN */
const SHUTDOWN = 1053;

/** What an error says of its server; undefined: nothing, it is about the statement. */
export function refusalOf(code: number, text: string): Refusal | undefined {
  switch (code) {
    case OPTION_PREVENTS:
      return /read[-_]only/i.test(text) ? "read-only" : undefined;
    case READ_ONLY_TRANSACTION:
    case READ_ONLY_MODE:
      return "read-only";
    case HOOK_ERROR:
      return "unfit";
    case PRIMARY_CHANGES:
      return text.includes("group_replication_set_as_primary") ? "unfit" : undefined;
    case SHUTDOWN:
      return "ending";
    default:
      return undefined;
  }
}

/** What is known of a command. */
export interface CommandFacts {
  /** It only reads, and reads the same wherever it runs. */
  readonly isRead: boolean;
  /** It may have done a part of its work before an error: CALL. */
  readonly isInParts: boolean;
  /** A transaction is open, or something else of its session lies on the server. */
  readonly isHeld: boolean;
  /** The session itself has said that it only reads. */
  readonly isReadOnlySession: boolean;
}

/** Whether a command that was answered with a refusal may run elsewhere. Nothing was forwarded. */
export function mayRunAfterRefusal(code: number, refusal: Refusal, facts: CommandFacts): boolean {
  if (facts.isHeld) return false;
  // One that was killed by the shutdown looks the same as one that was not begun.
  if (refusal === "ending") return facts.isRead;
  if (code === READ_ONLY_TRANSACTION && facts.isReadOnlySession) return false;
  return !facts.isInParts;
}

/** How far a command was when its server connection ended. */
export interface Progress {
  readonly wasSent: boolean;
  /** Something of its answer has gone to the client. */
  readonly hasForwarded: boolean;
}

/** What becomes of a command whose server connection has ended. */
export type LossOutcome =
  /** It may run elsewhere. */
  | "again"
  /** It has not run, or what it did was rolled back with its transaction. */
  | "lost"
  /** Nobody knows whether it has run. */
  | "unknown";

/** Decides. @param commits It ends a transaction. */
export function outcomeOfLoss(
  { wasSent, hasForwarded }: Progress,
  facts: CommandFacts & { readonly isInTransaction: boolean; readonly commits: boolean },
): LossOutcome {
  const { isHeld, isRead, isInTransaction, commits } = facts;
  if (isHeld) {
    if (isInTransaction && !(wasSent && commits)) return "lost";
    return wasSent && !isRead ? "unknown" : "lost";
  }
  if (!wasSent) return "again";
  // Without autocommit it has ended with its connection, so that nothing of it is there.
  if (isRead || (isInTransaction && !commits)) return hasForwarded ? "lost" : "again";
  return "unknown";
}
