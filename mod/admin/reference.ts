// The documentation made from the declarations of the tables.

import { describeClusterMetrics } from "../cluster/mod.ts";
import type { Metric } from "../observe/mod.ts";
import { describeMetrics } from "./metrics.ts";
import { emptyTables } from "./proxysql/empty_tables.ts";
import { PROXYSQL_PAGE } from "./proxysql/page.ts";
import { PROXYSQL_TABLES } from "./proxysql/mod.ts";
import { TABLES } from "./schema.ts";
import type { Table } from "./table.ts";

/** The page about the tables, in Markdown. */
export function adminReference(): string {
  const lines = [
    "<!-- Made from mod/admin/tables by `just docs`; edit it there. -->",
    "",
    "# Tables of the admin port",
    "",
    "The [admin port](operating.md#admin-port) answers SQL about these tables, in SQLite's dialect:",
    "joins, aggregates, ORDER BY, LIKE. They are filled when a statement names them; what is younger",
    "than 200 ms is not asked for again. Nothing can be written to them. Beside them are the tables",
    "that [tools for ProxySQL](proxysql.md) read.",
    "",
    "```",
    'mysql -h 127.0.0.1 -P 3308 -u stats -e "SELECT user, count(*) FROM frontends GROUP BY user"',
    "```",
    "",
  ];
  for (const table of TABLES) lines.push(...section(table));
  return lines.join("\n").trimEnd() + "\n";
}

function section({ name, doc, columns }: Table): string[] {
  return [
    `## ${name}`,
    "",
    doc,
    "",
    "| column | type | |",
    "| --- | --- | --- |",
    ...columns.map((column) => `| \`${column.name}\` | ${column.type} | ${column.doc} |`),
    "",
  ];
}

/** The page about the tables that tools for ProxySQL read, in Markdown. */
export function proxysqlReference(): string {
  const lines = [
    "<!-- Made from mod/admin/proxysql by `just docs`; edit it there. -->",
    "",
    ...PROXYSQL_PAGE.trim().split("\n"),
    "",
  ];
  const isTwin = ({ name }: Table) =>
    name.startsWith("runtime_") && PROXYSQL_TABLES.some((each) => `runtime_${each.name}` === name);
  const isShown = (table: Table) =>
    !isTwin(table) && table.schema !== "disk" && !emptyTables.includes(table);
  for (const table of PROXYSQL_TABLES.filter(isShown)) lines.push(...section(table));
  const names = emptyTables.map(({ name }) => name).filter((name) => !name.startsWith("runtime_"));
  lines.push("## Empty tables", "", "These are there for tools that read them, and always empty:");
  lines.push(`${names.map((name) => `\`${name}\``).join(", ")}.`);
  return lines.join("\n").trimEnd() + "\n";
}

/** The page about the metrics, in Markdown. */
export function metricsReference(): string {
  const row = ({ name, type, help }: Omit<Metric, "samples">) =>
    `| \`${name}\` | ${type} | ${help} |`;
  const table = (metrics: readonly Omit<Metric, "samples">[]) => [
    "| metric | kind | |",
    "| --- | --- | --- |",
    ...metrics.map(row),
    "",
  ];
  return [
    "<!-- Made from mod/admin/metrics.ts and mod/cluster/prometheus.ts by `just docs`; edit it there. -->",
    "",
    "# Metrics",
    "",
    "`/metrics` of the [HTTP port](operating.md#http-port) is for Prometheus. Labels are servers,",
    "accounts of shared pools, stages, reasons, rules and workers, never statements or clients; of",
    "pools, rules and servers' errors at most 200 are told. With several workers sums are up to 1 s old.",
    "`deploy/grafana.json` is a dashboard for Grafana, `deploy/alerts.yml` has rules for alerts.",
    "",
    "## The proxy",
    "",
    ...table(describeMetrics()),
    "## The servers",
    "",
    "These are there where the proxy watches them: with an account of its own.",
    "",
    ...table(describeClusterMetrics()),
  ].join("\n").trimEnd() + "\n";
}
