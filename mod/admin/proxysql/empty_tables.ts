// Tables of ProxySQL that tools read and that have nothing to show here: they are there, and empty.

import { type ColumnOf, type Table, table } from "../table.ts";

/** Names of columns; those that begin with `#` are numbers. */
const TABLES: Readonly<Record<string, string>> = {
  mysql_group_replication_hostgroups:
    "#writer_hostgroup #backup_writer_hostgroup #reader_hostgroup #offline_hostgroup #active " +
    "#max_writers #writer_is_also_reader #max_transactions_behind comment",
  mysql_galera_hostgroups:
    "#writer_hostgroup #backup_writer_hostgroup #reader_hostgroup #offline_hostgroup #active " +
    "#max_writers #writer_is_also_reader #max_transactions_behind comment",
  mysql_aws_aurora_hostgroups:
    "#writer_hostgroup #reader_hostgroup #active #aurora_port domain_name #max_lag_ms " +
    "#check_interval_ms #check_timeout_ms #writer_is_also_reader #new_reader_weight #add_lag_ms " +
    "#min_lag_ms #lag_num_checks comment",
  mysql_hostgroup_attributes:
    "#hostgroup_id #max_num_online_servers #autocommit #free_connections_pct init_connect " +
    "#multiplex #connection_warming #throttle_connections_per_sec ignore_session_variables " +
    "hostgroup_settings servers_defaults comment",
  mysql_query_rules_fast_routing: "username schemaname #flagIN #destination_hostgroup comment",
  proxysql_servers: "hostname #port #weight comment",
  scheduler: "#id #active #interval_ms filename arg1 arg2 arg3 arg4 arg5 comment",
};

function empty(name: string, columns: string): Table {
  return table<never>(name, {
    doc: "There is nothing like it here: always empty.",
    rows: () => [],
    columns: Object.fromEntries(
      columns.split(" ").map((column): [string, ColumnOf<never>] => [
        column.replace("#", ""),
        [column.startsWith("#") ? "INTEGER" : "TEXT", "Not used here.", () => null],
      ]),
    ),
  });
}

/** Each, and its `runtime_` twin. */
export const emptyTables: readonly Table[] = Object.entries(TABLES).flatMap(([name, columns]) => [
  empty(name, columns),
  empty(`runtime_${name}`, columns),
]);
