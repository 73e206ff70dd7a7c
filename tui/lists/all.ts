// All lists by their names.

import type { ViewName } from "../state.ts";
import { connectionsList, poolsList } from "./backends.ts";
import { limitsList, propertiesList, rulesList } from "./config.ts";
import { eventsList } from "./events.ts";
import { frontendsList, waitingList } from "./frontends.ts";
import type { List } from "./list.ts";
import { countersList, errorsList, logList } from "./logs.ts";
import { serversList } from "./servers.ts";
import { statementsList } from "./statements.ts";

/** All lists. */
export const LISTS: Readonly<Record<ViewName, List>> = {
  servers: serversList,
  frontends: frontendsList,
  pools: poolsList,
  connections: connectionsList,
  statements: statementsList,
  waiting: waitingList,
  events: eventsList,
  limits: limitsList,
  properties: propertiesList,
  rules: rulesList,
  errors: errorsList,
  counters: countersList,
  log: logList,
};
