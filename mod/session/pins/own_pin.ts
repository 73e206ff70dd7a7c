// Why a session keeps its server connection, beside what its statements' texts say.

/** Why a session keeps its connection, beside the pins of `Effect`. */
export const OwnPin = {
  CURSOR: 1,
  /** COM_SET_OPTION has changed how the server takes several statements. */
  OPTION: 2,
  /** The client has set the session's trackers itself. */
  TRACKERS: 4,
  /** User variables have been set whose names cannot be learned, or that are too long. */
  USER_VARIABLES: 8,
  /** A replication stream. */
  STREAM: 16,
  /** COM_CHANGE_USER was refused on it. */
  FAILED_LOGIN: 32,
  /** KILL has named the session: it ends when the server closes the connection. */
  KILLED: 64,
  /** A parameter's long data is at the server already. */
  LONG_DATA: 128,
  /** The client has turned metadata off, without which the proxy cannot read its own answers. */
  METADATA: 256,
  /** sql_auto_is_null: whether a row was inserted a moment ago only an INSERT can make a server think. */
  AUTO_IS_NULL: 512,
  /** MariaDB: a role that COM_CHANGE_USER has left, and that the new user could not choose. */
  ROLE_LEFT: 1024,
  /** More warnings than max_error_count has the server keep: it alone knows how many there were. */
  CONDITIONS: 2048,
} as const;
