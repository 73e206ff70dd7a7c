// Capability flags: what client and server tell each other they can do during the handshake.
// Source: "Capabilities Flags" in the MySQL protocol documentation; the extended ones are MariaDB's.

/** The capability flags of the classic MySQL protocol, an unsigned 32-bit set. */
export const Capability = {
  /** Set by MySQL servers; a MariaDB server leaves it out to announce its extended capabilities. */
  LONG_PASSWORD: 1,
  /** Affected rows count the rows found, not the rows changed. */
  FOUND_ROWS: 1 << 1,
  LONG_FLAG: 1 << 2,
  CONNECT_WITH_DB: 1 << 3,
  NO_SCHEMA: 1 << 4,
  /** zlib compression. */
  COMPRESS: 1 << 5,
  ODBC: 1 << 6,
  /** LOAD DATA LOCAL. */
  LOCAL_FILES: 1 << 7,
  IGNORE_SPACE: 1 << 8,
  PROTOCOL_41: 1 << 9,
  /** interactive_timeout rather than wait_timeout. */
  INTERACTIVE: 1 << 10,
  SSL: 1 << 11,
  IGNORE_SIGPIPE: 1 << 12,
  TRANSACTIONS: 1 << 13,
  RESERVED: 1 << 14,
  /** 20-byte challenge (CLIENT_RESERVED2 in newer headers). */
  SECURE_CONNECTION: 1 << 15,
  MULTI_STATEMENTS: 1 << 16,
  MULTI_RESULTS: 1 << 17,
  PS_MULTI_RESULTS: 1 << 18,
  PLUGIN_AUTH: 1 << 19,
  CONNECT_ATTRS: 1 << 20,
  PLUGIN_AUTH_LENENC: 1 << 21,
  CAN_HANDLE_EXPIRED_PASSWORDS: 1 << 22,
  SESSION_TRACK: 1 << 23,
  DEPRECATE_EOF: 1 << 24,
  OPTIONAL_RESULTSET_METADATA: 1 << 25,
  ZSTD_COMPRESSION: 1 << 26,
  QUERY_ATTRIBUTES: 1 << 27,
  MULTI_FACTOR_AUTHENTICATION: 1 << 28,
  CAPABILITY_EXTENSION: 1 << 29,
  SSL_VERIFY_SERVER_CERT: 1 << 30,
  REMEMBER_OPTIONS: (1 << 31) >>> 0,
} as const;

/** MariaDB's extended capability flags, carried in four bytes that MySQL leaves zero. */
export const MariadbCapability = {
  /** Progress reports: error packets with code 65535 in the middle of a response. */
  PROGRESS: 1,
  COM_MULTI: 1 << 1,
  STMT_BULK_OPERATIONS: 1 << 2,
  /** Column definitions carry an extended type ("json", "uuid", ...). */
  EXTENDED_METADATA: 1 << 3,
  /** Column definitions may be left out of a repeated COM_STMT_EXECUTE's result. */
  CACHE_METADATA: 1 << 4,
  BULK_UNIT_RESULTS: 1 << 5,
} as const;

/** Server status flags of OK and EOF packets. Source: "SERVER_STATUS_flags_enum". */
export const ServerStatus = {
  IN_TRANS: 1,
  AUTOCOMMIT: 1 << 1,
  MORE_RESULTS_EXISTS: 1 << 3,
  CURSOR_EXISTS: 1 << 6,
  LAST_ROW_SENT: 1 << 7,
  NO_BACKSLASH_ESCAPES: 1 << 9,
  /** The rows are a procedure's OUT values. */
  PS_OUT_PARAMS: 1 << 12,
  SESSION_STATE_CHANGED: 1 << 14,
} as const;
