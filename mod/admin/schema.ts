// The tables of the admin port, in the order of the documentation.

import { PROXYSQL_TABLES } from "./proxysql/mod.ts";
import type { Schema, Table } from "./table.ts";
import { eventsTable, serversTable } from "./tables/cluster.ts";
import {
  countersTable,
  logTable,
  propertiesTable,
  proxyTable,
  revisionsTable,
  rulesTable,
  workersTable,
} from "./tables/proxy.ts";
import { sessionsTable } from "./tables/session_details.ts";
import { backendsTable, frontendsTable, pinsTable, poolsTable } from "./tables/sessions.ts";
import { digestsTable, errorsTable, stagesTable } from "./tables/statements.ts";

/** The databases that USE and COM_INIT_DB take; the first is the default. */
export const DATABASES: readonly Schema[] = [
  "main",
  "disk",
  "stats",
  "monitor",
  "stats_history",
];

/** The tables of the proxy's own. */
export const TABLES: readonly Table[] = [
  proxyTable,
  workersTable,
  serversTable,
  eventsTable,
  frontendsTable,
  sessionsTable,
  backendsTable,
  poolsTable,
  pinsTable,
  countersTable,
  stagesTable,
  digestsTable,
  errorsTable,
  rulesTable,
  propertiesTable,
  logTable,
  revisionsTable,
];

/** All tables, with those that tools for ProxySQL read. */
export const ALL_TABLES: readonly Table[] = [...TABLES, ...PROXYSQL_TABLES];
