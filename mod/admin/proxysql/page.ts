// What docs/proxysql.md says before the tables.

/** Markdown. */
export const PROXYSQL_PAGE = `
# Tools for ProxySQL

Exporters, failover tools and scripts that were made for ProxySQL's admin port find its tables on the
[admin port](operating.md#admin-port), in the databases \`main\`, \`stats\` and \`monitor\`; names of
tables need no database before them. They are SQLite's tables: joins, aggregates, LIKE.

\`\`\`
mysql -h 127.0.0.1 -P 3308 -u stats -e "SELECT hostgroup, srv_host, srv_port, status, ConnUsed FROM stats_mysql_connection_pool"
\`\`\`

There are two hostgroups, numbered by \`admin.writer_hostgroup\` (0) and \`admin.reader_hostgroup\` (1).
Who is in which is what the proxy sees: the primary is in the first, all others are in the second;
servers that are not watched are in the first. Give the tools these numbers, or the proxy theirs.

Columns for what there is not here are there, and 0 or empty; the columns below say so. In the tables
of \`stats\` nothing is NULL. For each configuration table there is one with \`runtime_\` before its
name, which shows what is in force.
`;
