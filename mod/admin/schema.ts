// The tables of the admin port, in the order of the documentation.

import type { Table } from "./table.ts";
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
import { backendsTable, frontendsTable, pinsTable, poolsTable } from "./tables/sessions.ts";
import { digestsTable, errorsTable, stagesTable } from "./tables/statements.ts";

/** All tables. */
export const TABLES: readonly Table[] = [
  proxyTable,
  workersTable,
  serversTable,
  eventsTable,
  frontendsTable,
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
