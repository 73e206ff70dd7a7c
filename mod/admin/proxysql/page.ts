// What docs/proxysql.md says before the tables.

/** Markdown. */
export const PROXYSQL_PAGE = `
# Tools for ProxySQL

Exporters, failover tools and scripts that were made for ProxySQL's admin port find its tables on the
[admin port](operating.md#admin-port), in the databases \`main\`, \`disk\`, \`stats\`, \`monitor\` and \`stats_history\`;
names of tables need no database before them. They are SQLite's tables: joins, aggregates, LIKE.

\`\`\`
mysql -h 127.0.0.1 -P 3308 -u stats -e "SELECT hostgroup, srv_host, srv_port, status, ConnUsed FROM stats_mysql_connection_pool"
\`\`\`

\`SELECT version()\` is \`2.7.0-mysqlproxy-…\`: the version of ProxySQL that this is like, by which
tools choose what they ask for; \`@@version_comment\` says what it is.

There are two hostgroups, numbered by \`admin.writer_hostgroup\` (0) and \`admin.reader_hostgroup\` (1).
Who is in which is what the proxy sees: the primary is in the first, all others are in the second;
servers that are not watched are in the first. Give the tools these numbers, or the proxy theirs.

The tables with \`_reset\` at the end of their names are at 0 after they were read, whoever reads them;
others, \`/metrics\` and our own tables go on since the start. \`TRUNCATE\` of
\`stats_mysql_query_digest\` or \`stats_mysql_errors\` sets the table and its twin to 0.

Columns for what there is not here are there, and 0 or empty; the columns below say so. In the tables
of \`stats\` nothing is NULL. For each configuration table there is one with \`runtime_\` before its
name, which shows what is in force, and one in \`disk\`, which shows what the file says.

## Changing the configuration

\`mysql_servers\`, \`mysql_users\`, \`mysql_query_rules\` and \`global_variables\` take INSERT, REPLACE, UPDATE and DELETE, in
SQLite's dialect: a quote in a string is doubled, a backslash is a backslash. One edit is shared by
all connections to the admin port. Until something is written these tables show what is in force.

| statement | |
| --- | --- |
| \`LOAD … TO RUNTIME\`, \`LOAD … FROM MEMORY\` | puts the edited rows in force, all of them or none |
| \`SAVE … TO MEMORY\`, \`SAVE … FROM RUNTIME\` | forgets the edits |
| \`SAVE … TO DISK\`, \`SAVE … FROM MEMORY\`, \`SAVE … TO CONFIG\` | writes the rows to the configuration file |
| \`LOAD … TO MEMORY\`, \`LOAD … FROM DISK\`, \`LOAD … FROM CONFIG\` | takes the file's rows as edits |

SAVE to the file refuses whatever LOAD TO RUNTIME would refuse, with the same reason: the file is what
the next SIGHUP or restart puts in force.

They are for \`MYSQL SERVERS\`, \`MYSQL USERS\`, \`MYSQL QUERY RULES\` and \`MYSQL VARIABLES\`;
\`ADMIN VARIABLES\`, \`SCHEDULER\` and \`PROXYSQL SERVERS\` are taken too, but nothing of them can be
edited. With
\`config.write_back = "overlay"\` what is said here of the file is done to the overlay. What is put in force is checked
as \`CONFIG APPLY\` checks it, has a number in the table \`revisions\`, and \`CONFIG ROLLBACK\` takes it
back. In the file everything stays that people have written, comments too; a file that is written in
a way that cannot be changed so (users in one line, say) is left alone, with an error. Whatever a
row says that has no meaning here is an error with its reason when it is put in force.

- **Servers** are \`backends\`: a row that is new adds a server, a row that is gone removes one, which
  ends what runs there first ([operating.md](operating.md#changing-the-configuration)). Where
  \`backends\` is given by a flag or in the environment, and for servers that were found by
  \`cluster.discover\`, no row means drained (\`OFFLINE_SOFT\`), and a new row is refused.
  \`OFFLINE_SOFT\` is \`DRAIN SERVER\`; \`ONLINE\` takes that back. \`weight\` is that of \`[[server]]\`.
  The primary is whom the proxy sees as such: a row that makes another known server the primary waits
  up to 5 s until that is so, and is refused if it is not; a new server may be in either group. Of two
  rows of one server the one in the group where the server is counts. CONFIG ROLLBACK takes servers
  and weights back, drains not; they are kept over a restart with \`cluster.state_dir\`, without which
  SAVE refuses to save them.
- **Users** are \`[[user]]\`. They decide in the mode \`static\` of \`auth.mode\`; in other modes
  accounts are the server's, and LOAD refuses changes. A password is plain text, or a hash of the
  server as \`*…\` (mysql_native_password) or \`$A$…\` (caching_sha2_password). It is shown as its hash, to
  \`admin\` alone: the one that is configured, or mysql_native_password's of a configured password. A tool
  that compares what it reads with what it would write sees no change where it writes hashes
  (\`encrypt_password\` of Ansible's module); plain text is never shown again once it is in force, so
  a tool that compares plain text writes it each time, which changes nothing. The hash of a password
  that the configuration has written again leaves the password there: the proxy needs it where
  the server asks for more than mysql_native_password.
- **Query rules** are \`[[rule]]\`: a rule chooses a server, by account, schema, networks, a pattern of
  the text (\`match_pattern\`) or a digest's text (\`match_digest\`, which is no pattern here). The first
  that fits counts, so \`active\` and \`apply\` must be 1; \`destination_hostgroup\` is one of the two, or
  NULL. Nothing is rewritten, kept, mirrored or delayed: such columns are refused. Rules are numbered
  anew by their order when they are put in force. Statements are split where \`route.split\` says so.
- **Variables**: those that \`global_variables\` below names, also by \`SET mysql-… = …\`, and
  \`SELECT @@mysql-…\`. One that a flag or an environment variable gives is refused.

\`CHECKSUM [MEMORY|DISK] MYSQL SERVERS\`, \`USERS\`, \`QUERY RULES\`, \`VARIABLES\` or \`… HOSTGROUPS\` compares
layers and proxies. \`SHOW PROMETHEUS METRICS\` is what \`/metrics\` says, \`SELECT CONFIG FILE\` the text of the
configuration in force without its passwords. \`SHOW MYSQL SERVERS\`, \`USERS\`, \`VARIABLES\` or
\`STATUS\` and \`SHOW ADMIN VARIABLES\` answer from the tables. \`PROXYSQL PAUSE\` closes the
listening sockets of all workers: a new client finds nobody there (connection refused), sessions go
on, \`/readyz\` says why; \`PROXYSQL RESUME\` listens again on the same addresses. That keeps new
clients away; to make statements wait there is \`PAUSE POOLS\`. \`PROXYSQL SHUTDOWN [SLOW]\` ends the
proxy as SIGTERM does, \`PROXYSQL KILL\` ends it without waiting, \`PROXYSQL RELOAD TLS\` reads certificates again, \`PROXYSQL FLUSH LOGS\`
opens log files again by their names, as SIGHUP does, \`PROXYSQL FLUSH QUERY CACHE\`
has nothing to flush; other \`PROXYSQL\` orders are refused.
`;
