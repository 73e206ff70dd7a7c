// Counters of one worker: plain numbers that the hot path adds to.

/** What has happened since the start. All values only grow, but for the gauges at the end. */
export class Counters {
  clientsAccepted = 0;
  /** Refused for `limits.clients_max` or `limits.unauthenticated_max` (error 1040). */
  clientsRefusedFull = 0;
  /** Refused for `limits.clients_per_user_max` or the account's own limit (1203, 1226). */
  clientsRefusedPerUser = 0;
  /** Refused for failed logins of their address (1129). */
  clientsRefusedBlocked = 0;
  loginsSucceeded = 0;
  loginsFailed = 0;
  /** Refused at the admin port, for name or password, or for failed logins of their address. */
  adminLoginsFailed = 0;
  /** Of those that succeeded, let in without a question to the server. */
  loginsKnown = 0;
  /** Begun anew, since their server was lost under them or could not be reached. */
  loginsRetried = 0;
  /** Ended for `limits.login_timeout`. */
  loginsTimedOut = 0;
  /** Ended for `limits.idle_timeout` (4031). */
  sessionsTimedOut = 0;
  commands = 0;
  /** Refused for `limits.packet_max` (1153). */
  commandsTooLarge = 0;
  serverConnectionsOpened = 0;
  serverConnectionsReused = 0;
  /** Ended by the server, or with it, under a session. */
  serverConnectionsLost = 0;
  /** Statements killed because their client had left. */
  statementsKilled = 0;
  /** Statements that had to wait for a server connection. */
  poolWaits = 0;
  /** Of these, ended for `pool.wait_timeout` (1040). */
  poolWaitsTimedOut = 0;
  /** The longest wait, in milliseconds; of several workers, their sum. */
  poolWaitMsMax = 0;
  /** Connections that were given the state of another session. */
  poolRestores = 0;
  /** Connections whose last session's values were read before another took over. */
  poolCaptures = 0;
  /** Statements that waited for a server that takes them, each time that they began to. */
  parked = 0;
  /** Refused because too many waited (3168). */
  parkedRefusedFull = 0;
  /** Refused because they had waited for `failover.max_wait` (3168). */
  parkedRefusedLate = 0;
  /** Statements that were tried again, after a refusal or the loss of a server. */
  retries = 0;
  /** How often the primary owed answers and gave none for a while, and was looked at for that. */
  primarySilences = 0;
  /** Replicas that were found to hang. */
  replicasStalled = 0;
  /** Transactions that were lost with their server, and run again. */
  replays = 0;
  /** Those that could not be, or got another answer: their clients were told (1213). */
  replaysFailed = 0;
  /** COMMITs under way when their server was lost that were found to be done. */
  commitsFound = 0;
  /** Transactions that could not have been run again from some statement on. */
  replaysRuledOut = 0;
  /** Bytes on clients' connections, as their sockets carry them, before TLS. */
  bytesFromClients = 0;
  bytesToClients = 0;
  /** Entries of the audit log and the slow log that were not written. */
  logEntriesDropped = 0;
  /** Reads sent before the primary had told what they must see, their answers held until then. */
  guesses = 0;
  /** Of these, run once more: the primary had news, or they had not run where they were meant to. */
  guessesInVain = 0;
  /** Statements sent on a connection that sessions share at the same time. */
  poolPipelined = 0;
  /** Of these, run once more on a connection of their own: their answer was no plain one. */
  poolPipelinedAgain = 0;
  /** Statements answered with what another session's, which was the same, was answered. */
  poolConsolidated = 0;
  /** Gauge: bytes of statements kept for transactions to be run again. */
  replayBytes = 0;
  /** Gauge: clients connected now. */
  clients = 0;
  /** Gauge: clients connected now that have not logged in yet. */
  clientsUnauthenticated = 0;
}

/** Counters as a value: what SHOW COUNTERS shows, and what workers tell each other. */
export type CounterValues = Readonly<Record<keyof Counters, number>>;

/** The sums of several workers' counters. */
export function addCounters(all: readonly CounterValues[]): CounterValues {
  const sum = new Counters();
  for (const values of all) {
    for (const name of Object.keys(sum) as (keyof Counters)[]) sum[name] += values[name];
  }
  return sum;
}
