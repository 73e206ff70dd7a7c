// What the tables are: SHOW DATABASES, SHOW TABLES, DESCRIBE and the like.

import type { SqlError, TextResult } from "../wire/mod.ts";
import { createStatement, unknownTable } from "./database.ts";
import { likePattern } from "./like.ts";
import { ALL_TABLES, DATABASES } from "./schema.ts";
import type { Table } from "./table.ts";
import type { Answer } from "./view.ts";

const NAME = '[`"]?(?:(?:main|disk|stats_history|stats|monitor)[`"]?\\.[`"]?)?(\\w+)[`"]?';
const LIKE = "(?:\\s+like\\s+'([^']*)')?";
const SHOW_TABLES = new RegExp(
  `^show\\s+(full\\s+)?tables(?:\\s+(?:from|in)\\s+[\`"]?(\\w+)[\`"]?)?${LIKE}$`,
  "i",
);
const SHOW_COLUMNS = new RegExp(
  `^(?:describe|desc|explain|show\\s+(full\\s+)?(?:columns|fields)\\s+(?:from|in))\\s+${NAME}` +
    `(?:\\s+(?:from|in)\\s+[\`"]?\\w+[\`"]?)?${LIKE}$`,
  "i",
);
const SHOW_CREATE = new RegExp(`^show\\s+create\\s+table\\s+${NAME}$`, "i");

/** Undefined where a statement is about something else. */
export function answerAboutTables(statement: string, database: string): Answer | undefined {
  const databases = new RegExp(`^show\\s+(?:databases|schemas)${LIKE}$`, "i").exec(statement);
  if (databases) return listed("Database", DATABASES, databases[1]);
  const [tables, full, from, like] = SHOW_TABLES.exec(statement) ?? [];
  if (tables !== undefined) return showTables(full !== undefined, from ?? database, like);
  const [columns, fully, name, pattern] = SHOW_COLUMNS.exec(statement) ?? [];
  if (columns !== undefined) {
    return withTable(name, (table) => showColumns(table, fully !== undefined, pattern));
  }
  const [create, created] = SHOW_CREATE.exec(statement) ?? [];
  if (create === undefined) return undefined;
  return withTable(created, (table) => ({
    columns: ["Table", "Create Table"],
    rows: [[table.name, createStatement(table)]],
  }));
}

function showTables(full: boolean, from: string, like: string | undefined): Answer {
  const schema = from.toLowerCase();
  if (!isDatabase(schema)) {
    return { code: 1049, sqlState: "42000", message: `Unknown database '${from}'` };
  }
  // ProxySQL's admin port has no SHOW FULL TABLES; tools read its SHOW TABLES by this column's name.
  const result = listed(
    full ? `Tables_in_${from}` : "tables",
    ALL_TABLES.filter((table) => table.schema === schema).map(({ name }) => name).sort(),
    like,
  );
  if (!full) return result;
  return {
    columns: [...result.columns, "Table_type"],
    rows: result.rows.map((row) => [...row, "BASE TABLE"]),
  };
}

function showColumns({ columns }: Table, full: boolean, like: string | undefined): TextResult {
  const pattern = likePattern(like ?? "%");
  const shown = columns.filter(({ name }) => pattern.test(name));
  return {
    columns: full
      ? ["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"]
      : ["Field", "Type", "Null", "Key", "Default", "Extra"],
    rows: shown.map(({ name, type, doc }) =>
      full
        ? [name, type, null, "YES", "", null, "", "select", doc]
        : [name, type, "YES", "", null, ""]
    ),
  };
}

/** Whether there is a database of this name, in lower case. */
export function isDatabase(name: string): boolean {
  return (DATABASES as readonly string[]).includes(name);
}

/** The columns of a table for COM_FIELD_LIST. @param request The name, a NUL, a pattern. */
export function fieldsOf(request: string): Omit<TextResult, "rows"> | SqlError {
  const [name] = request.split("\0");
  const table = ALL_TABLES.find((each) => each.name === name.toLowerCase());
  if (table === undefined) return unknownTable(name);
  return { columns: table.columns.map(({ name }) => name) };
}

function withTable(name: string, answer: (table: Table) => Answer): Answer {
  const table = ALL_TABLES.find((each) => each.name === name.toLowerCase());
  return table === undefined ? unknownTable(name) : answer(table);
}

function listed(column: string, names: readonly string[], like: string | undefined): TextResult {
  const pattern = likePattern(like ?? "%");
  return {
    columns: [column],
    rows: names.filter((name) => pattern.test(name)).map((name) => [name]),
  };
}
