// Tables of ProxySQL that tools read and that have nothing to show here: they are there, and empty.

import { type ColumnOf, type Schema, type Table, table } from "../table.ts";

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
  mysql_servers_ssl_params: "hostname #port username ssl_ca ssl_cert ssl_key ssl_capath ssl_crl " +
    "ssl_crlpath ssl_cipher tls_version comment",
  mysql_firewall_whitelist_users: "#active username client_address mode comment",
  mysql_firewall_whitelist_rules:
    "#active username client_address schemaname #flagIN digest comment",
  mysql_firewall_whitelist_sqli_fingerprints: "#active fingerprint",
  restapi_routes: "#id #active #timeout_ms method uri script comment",
  scheduler: "#id #active #interval_ms filename arg1 arg2 arg3 arg4 arg5 comment",
};

/** Of the cluster that proxies of ProxySQL can be. */
const STATS: Readonly<Record<string, string>> = {
  stats_proxysql_servers_status:
    "hostname #port #weight master #global_version #check_age_us #ping_time_us #checks_OK #checks_ERR",
  stats_proxysql_servers_metrics:
    "hostname #port #weight comment #response_time_ms #Uptime_s #last_check_ms #Queries " +
    "#Client_Connections_connected #Client_Connections_created",
  stats_proxysql_servers_checksums:
    "hostname #port name #version #epoch checksum #changed_at #updated_at #diff_check",
  stats_proxysql_servers_clients_status: "uuid hostname #port admin_mysql_ifaces #last_seen_at",
  stats_proxysql_message_metrics:
    "message_id filename #line func #count_star #first_seen #last_seen",
  stats_proxysql_message_metrics_reset:
    "message_id filename #line func #count_star #first_seen #last_seen",
};

/** What ProxySQL writes down each minute, and adds up by hour and day. */
const BY_TIME: Readonly<Record<string, string>> = {
  mysql_connections: "#timestamp #Client_Connections_aborted #Client_Connections_connected " +
    "#Client_Connections_created #Server_Connections_aborted #Server_Connections_connected " +
    "#Server_Connections_created #ConnPool_get_conn_failure #ConnPool_get_conn_immediate " +
    "#ConnPool_get_conn_success #Questions #Slow_queries #GTID_consistent_queries",
  myhgm_connections:
    "#timestamp #MyHGM_myconnpoll_destroy #MyHGM_myconnpoll_get #MyHGM_myconnpoll_get_ok " +
    "#MyHGM_myconnpoll_push #MyHGM_myconnpoll_reset",
  system_cpu: "#timestamp #tms_utime #tms_stime",
  system_memory: "#timestamp #allocated #resident #active #mapped #metadata #retained",
  mysql_query_cache:
    "#timestamp #count_GET #count_GET_OK #count_SET #bytes_IN #bytes_OUT #Entries_Purged " +
    "#Entries_In_Cache #Memory_Bytes",
};

/** And what it keeps otherwise. */
const HISTORY: Readonly<Record<string, string>> = {
  history_mysql_query_digest:
    "#dump_time #hostgroup schemaname username client_address digest digest_text #count_star " +
    "#first_seen #last_seen #sum_time #min_time #max_time #sum_rows_affected #sum_rows_sent",
  history_mysql_status_variables: "#timestamp #variable_id variable_value",
  history_mysql_status_variables_lookup: "#variable_id variable_name",
};

function empty(name: string, columns: string, schema: Schema = "main"): Table {
  return table<never>(name, {
    schema,
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

/** Each of the configuration with its `runtime_` twin, then statistics. */
export const emptyTables: readonly Table[] = [
  ...Object.entries(TABLES).flatMap(([name, columns]) => [
    empty(name, columns),
    empty(`runtime_${name}`, columns),
  ]),
  ...Object.entries(STATS).map(([name, columns]) => empty(name, columns, "stats")),
  ...Object.entries(BY_TIME).flatMap(([name, columns]) =>
    ["", "_hour", "_day"].map((part) => empty(name + part, columns, "stats_history"))
  ),
  ...Object.entries(HISTORY).map(([name, columns]) => empty(name, columns, "stats_history")),
];

/** The one of this name. */
export function emptyTable(name: string): Table | undefined {
  return emptyTables.find((each) => each.name === name);
}
