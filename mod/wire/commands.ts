// Command bytes: the first byte of a client's packet. Source: "Command Phase" of the protocol pages;
// COM_STMT_BULK_EXECUTE is MariaDB's.

/** The commands of the classic protocol by name. */
export const Command = {
  SLEEP: 0x00,
  QUIT: 0x01,
  INIT_DB: 0x02,
  QUERY: 0x03,
  FIELD_LIST: 0x04,
  CREATE_DB: 0x05,
  DROP_DB: 0x06,
  REFRESH: 0x07,
  SHUTDOWN: 0x08,
  STATISTICS: 0x09,
  PROCESS_INFO: 0x0a,
  CONNECT: 0x0b,
  PROCESS_KILL: 0x0c,
  DEBUG: 0x0d,
  PING: 0x0e,
  TIME: 0x0f,
  DELAYED_INSERT: 0x10,
  CHANGE_USER: 0x11,
  BINLOG_DUMP: 0x12,
  TABLE_DUMP: 0x13,
  CONNECT_OUT: 0x14,
  REGISTER_SLAVE: 0x15,
  STMT_PREPARE: 0x16,
  STMT_EXECUTE: 0x17,
  STMT_SEND_LONG_DATA: 0x18,
  STMT_CLOSE: 0x19,
  STMT_RESET: 0x1a,
  SET_OPTION: 0x1b,
  STMT_FETCH: 0x1c,
  DAEMON: 0x1d,
  BINLOG_DUMP_GTID: 0x1e,
  RESET_CONNECTION: 0x1f,
  CLONE: 0x20,
  SUBSCRIBE_GROUP_REPLICATION_STREAM: 0x21,
  STMT_BULK_EXECUTE: 0xfa,
} as const;

/** The shape of a server's answer to a command: what `ResponseTracker` is told to expect. */
export const Expect = {
  /** No answer at all (COM_QUIT, COM_STMT_CLOSE, COM_STMT_SEND_LONG_DATA). */
  NOTHING: 0,
  /** One OK, EOF or ERR packet. */
  OK: 1,
  /** OK, ERR, a request for a local file, or result sets. */
  RESULT: 2,
  /** COM_STMT_PREPARE's answer. */
  PREPARE: 3,
  /** Rows without a head, ended by EOF (COM_STMT_FETCH). */
  ROWS: 4,
  /** Column definitions ended by EOF (COM_FIELD_LIST). */
  FIELDS: 5,
  /** One packet of any content (COM_STATISTICS). */
  TEXT: 6,
  /** Bytes without an end that could be told: a replication stream. */
  STREAM: 7,
  /** An authentication exchange (COM_CHANGE_USER). */
  LOGIN: 8,
  /** Not a command that a server of today knows: error 1047. */
  UNKNOWN: 9,
} as const;

const EXPECT_OF = new Uint8Array(256).fill(Expect.UNKNOWN);
for (
  const [command, expect] of [
    [Command.QUIT, Expect.NOTHING],
    [Command.INIT_DB, Expect.OK],
    [Command.QUERY, Expect.RESULT],
    [Command.FIELD_LIST, Expect.FIELDS],
    [Command.REFRESH, Expect.OK],
    [Command.SHUTDOWN, Expect.OK],
    [Command.STATISTICS, Expect.TEXT],
    [Command.PROCESS_INFO, Expect.RESULT],
    [Command.PROCESS_KILL, Expect.OK],
    [Command.DEBUG, Expect.OK],
    [Command.PING, Expect.OK],
    [Command.CHANGE_USER, Expect.LOGIN],
    [Command.BINLOG_DUMP, Expect.STREAM],
    [Command.TABLE_DUMP, Expect.STREAM],
    [Command.REGISTER_SLAVE, Expect.OK],
    [Command.STMT_PREPARE, Expect.PREPARE],
    [Command.STMT_EXECUTE, Expect.RESULT],
    [Command.STMT_BULK_EXECUTE, Expect.RESULT],
    [Command.STMT_SEND_LONG_DATA, Expect.NOTHING],
    [Command.STMT_CLOSE, Expect.NOTHING],
    [Command.STMT_RESET, Expect.OK],
    [Command.SET_OPTION, Expect.OK],
    [Command.STMT_FETCH, Expect.ROWS],
    [Command.BINLOG_DUMP_GTID, Expect.STREAM],
    [Command.RESET_CONNECTION, Expect.OK],
    [Command.CLONE, Expect.STREAM],
    [Command.SUBSCRIBE_GROUP_REPLICATION_STREAM, Expect.STREAM],
  ] as const
) EXPECT_OF[command] = expect;

/** Tells the shape of the answer to a command byte; one array read. */
export function expectedAnswer(command: number): number {
  return EXPECT_OF[command];
}
