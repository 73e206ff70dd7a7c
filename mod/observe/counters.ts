// Counters of one worker: plain numbers that the hot path adds to.

/** What has happened since the start. All values only grow, but for the two gauges at the end. */
export class Counters {
  clientsAccepted = 0;
  clientsRefused = 0;
  loginsSucceeded = 0;
  loginsFailed = 0;
  commands = 0;
  serverConnectionsOpened = 0;
  serverConnectionsReused = 0;
  serverConnectionsLost = 0;
  statementsKilled = 0;
  /** Gauge: clients connected now. */
  clients = 0;
  /** Gauge: clients connected now that have not logged in yet. */
  clientsUnauthenticated = 0;
}
