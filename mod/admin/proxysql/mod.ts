// The admin port as tools for ProxySQL expect it: its tables, filled from what the proxy knows.

import type { Table } from "../table.ts";
import { configTables, ruleHits } from "./config_tables.ts";
import { checksumsTable } from "./checksums.ts";
import { connectionTables } from "./connection_tables.ts";
import { connectionPoolTables } from "./connection_pool.ts";
import { emptyTables } from "./empty_tables.ts";
import { monitorTables } from "./monitor_tables.ts";
import { sessionTables } from "./session_stats.ts";
import { statementTables } from "./statement_stats.ts";

/** All of them, in the order of the documentation. */
export const PROXYSQL_TABLES: readonly Table[] = [
  ...configTables,
  ...connectionPoolTables,
  ...sessionTables,
  ...connectionTables,
  ...statementTables,
  ruleHits,
  checksumsTable,
  ...monitorTables,
  ...emptyTables,
];
