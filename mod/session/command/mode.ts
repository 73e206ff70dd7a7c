// What a session does with the bytes that come from its client.

/** What the bytes that a client sends are. */
export const Mode = {
  /** Part of its login: somebody else reads them. */
  LOGIN: 0,
  COMMANDS: 1,
  /** The rest of a command too long to be looked at whole. */
  BODY: 2,
  /** The content of a local file. */
  LOCAL_FILE: 3,
  /** A replication stream: both ways, as they are. */
  SPLICE: 4,
  /** The rest of a command that is too long, and whatever comes behind it. */
  REFUSED: 5,
  /** Nobody's: the session has ended. */
  CLOSED: 6,
  /** A command of many packets that is wanted whole. */
  WHOLE: 7,
  /** The rest of one that no server gets: its answer is known. */
  PASSED_OVER: 8,
} as const;
