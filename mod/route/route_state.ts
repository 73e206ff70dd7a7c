// What routing knows of one session. The session keeps it up to date; nothing in it is read from a
// socket here.

import type { ConsistencyLevel } from "../config/mod.ts";
import type { RouteServer } from "./route_server.ts";
import type { RuleSet } from "./rules.ts";
import { SessionPosition } from "./session_position.ts";

/** One session's routing state. */
export class RouteState {
  /** The server that something of the session is held on; undefined: it is free. */
  pinnedTo: RouteServer | undefined;
  /** SERVER_STATUS_IN_TRANS of the answer before. */
  inTransaction = false;
  /** SERVER_STATUS_AUTOCOMMIT. */
  autocommit = true;
  /** The replica of the READ ONLY transaction it is in. */
  readOnlyServer: RouteServer | undefined;
  /** A READ COMMITTED transaction whose BEGIN the server has not got, since nothing was written. */
  isTransactionUnsent = false;
  /** The default schema is one of the server's own: information_schema, mysql, ... */
  inServerSchema = false;
  /** sql_auto_is_null: `id IS NULL` in any statement asks for the last insert id. */
  autoIsNull = false;
  /** It has temporary tables: the statement's text is to be searched for their names. */
  hasTemporaryTables = false;
  /** SET @@mysqlproxy.consistency; undefined: by rule and configuration. */
  consistency: ConsistencyLevel | undefined;
  /** The rules that it is meant by. */
  rules: RuleSet;
  readonly position: SessionPosition = new SessionPosition();

  constructor(rules: RuleSet) {
    this.rules = rules;
  }
}

/** Whether a schema is one of the server's own. @param schema In any case. */
export function isServerSchema(schema: string): boolean {
  return /^(?:information_schema|performance_schema|mysql|sys)$/i.test(schema);
}
