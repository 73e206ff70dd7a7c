// Why a statement goes where it goes: the vocabulary of EXPLAIN ROUTE and SHOW ROUTES.

/** The reasons. Their numbers are places in a table of counts. */
export const RouteReason = {
  /** A replica read on a replica that has, or need not have, what it must see. */
  READ: 0,
  /** The same, after a wait for a position. */
  READ_AFTER_WAIT: 1,
  /** Not a replica read: the bars say why. */
  BARRED: 2,
  SPLIT_OFF: 3,
  /** Something holds the session on its connection. */
  PINNED: 4,
  IN_TRANSACTION: 5,
  AUTOCOMMIT_OFF: 6,
  /** In a READ ONLY transaction, or beginning one. */
  READ_ONLY_TRANSACTION: 7,
  /** A read before the first write of a transaction. */
  SPLIT_TRANSACTION: 8,
  TEMPORARY_TABLE: 9,
  /** The default schema is one of the server's own. */
  SERVER_SCHEMA: 10,
  HINT: 11,
  /** The hint or rule asks for a replica, and the statement could change something there. */
  UNSAFE_WISH: 12,
  RULE: 13,
  /** `route.primary_reads`. */
  PREFERS_PRIMARY: 14,
  /** The primary's share of the reads. */
  PRIMARY_SHARE: 15,
  NO_REPLICA: 16,
  /** No replica is known to have what the read must see, and none can be waited for. */
  BEHIND: 17,
  /** A replica was waited for in vain, or could not be had. */
  WAIT_FAILED: 18,
  /** Nobody knows yet what stored functions do. */
  UNREADY: 19,
  /** Only its client can log the session's account in. */
  RELAYED: 20,
  /** A replica has refused it: a view, for example, that was made a moment ago, does more than read. */
  REFUSED: 21,
} as const;

const WORDS: readonly string[] = [
  "only reads",
  "only reads; the replica is waited for",
  "",
  "route.split is off",
  "the session is held on its connection",
  "in a transaction",
  "autocommit is off",
  "in a READ ONLY transaction",
  "a read before the first write of the transaction",
  "reads a temporary table of the session",
  "the default schema is one of the server's own",
  "the hint says so",
  "asked to go to a replica, where it could change something",
  "the rule says so",
  "route.primary_reads is prefer",
  "the primary's share of the reads",
  "no replica is fit",
  "no replica is known to have what it must see",
  "the replica did not get there in time",
  "stored functions and views are not known yet",
  "the proxy cannot log in for this account elsewhere",
  "a replica has refused it",
];

/** How many reasons there are. */
export const REASONS: number = WORDS.length;

/** Names of the reasons by their numbers, as SHOW ROUTES has them. */
export const REASON_NAMES: readonly string[] = Object.keys(RouteReason).map((name) =>
  name.toLowerCase().replaceAll("_", "-")
);

/** A reason in words; empty for `BARRED`, where the bars say it. */
export function reasonInWords(reason: number): string {
  return WORDS[reason] ?? "";
}
