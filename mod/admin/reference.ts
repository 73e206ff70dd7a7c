// The documentation made from the declarations of the tables.

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
    "than 200 ms is not asked for again. Nothing can be written to them.",
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
