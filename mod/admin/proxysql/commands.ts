// Answers the statements that ProxySQL's admin port has beside SELECT.

import type { SqlError, TextResult } from "../../wire/mod.ts";
import type { AdminSession } from "../admin_session.ts";
import { metricsText } from "../metrics_text.ts";
import { makeSource, RefusedError, type TableRow } from "../table.ts";
import type { Answer } from "../view.ts";
import { checksumOf, checksumTable } from "./checksums.ts";
import { ruleLayers, serverLayers, userLayers, variableLayers } from "./config_tables.ts";
import { withoutSecrets } from "./config_text.ts";
import { variableReason } from "./edits.ts";
import { moveLayer } from "./layers.ts";
import { truncate } from "./statement_stats.ts";
import type { ProxysqlStatement } from "./statement_text.ts";

/** Tables that are written to, and the reason why others are not. */
const EDITABLE = new Map(
  [serverLayers, userLayers, ruleLayers, variableLayers].map(({ memory }) => [
    memory.name,
    memory,
  ]),
);
const READ_ONLY: Readonly<Record<string, string>> = {
  mysql_replication_hostgroups:
    "The hostgroups are admin.writer_hostgroup and admin.reader_hostgroup of the configuration",
};

/** Answers one. @returns undefined where it is about a table that is not ProxySQL's. */
export async function answerProxysqlStatement(
  statement: ProxysqlStatement,
  session: AdminSession,
): Promise<Answer | undefined> {
  try {
    return await answered(statement, session);
  } catch (error) {
    if (error instanceof RefusedError) return failure(1105, error.message);
    throw error;
  }
}

async function answered(
  statement: ProxysqlStatement,
  session: AdminSession,
): Promise<Answer | undefined> {
  const { tables, view } = session;
  switch (statement.kind) {
    case "select":
      return await tables.query(statement.statement);
    case "get": {
      const rows = await tables.rows(variableLayers.memory);
      const row = rows.find((each) => each["variable_name"] === statement.variable);
      if (row === undefined) return noVariable(statement.variable);
      return { columns: [statement.alias], rows: [[String(row["variable_value"])]] };
    }
    case "checksum":
      return await checksum(statement, session);
    case "metrics":
      return { columns: ["Data"], rows: [[await metricsText(view)]] };
    case "config-file":
      return configText(view.running);
    case "truncate":
      truncate(statement.table, makeSource(view, { baselines: tables.baselines }));
      tables.forget();
      return "ok";
    case "unknown-subject":
      return failure(1235, `Nothing here is like that: ${statement.written}`);
    case "move":
      await moveLayer(statement.subject, statement.move, session);
      return "ok";
    case "write": {
      const table = EDITABLE.get(statement.table);
      if (table === undefined) {
        const reason = READ_ONLY[statement.table];
        return reason === undefined ? undefined : failure(1290, reason);
      }
      return await tables.write(statement.statement, table, checkOf(statement.table, session));
    }
    case "set": {
      const { variable, value } = statement;
      const quoted = `'${value.replaceAll("'", "''")}'`;
      const answer = await tables.write(
        `UPDATE global_variables SET variable_value = ${quoted} WHERE variable_name = '${variable}'`,
        variableLayers.memory,
        checkOf("global_variables", session),
      );
      return "affectedRows" in answer && answer.affectedRows === 0 ? noVariable(variable) : answer;
    }
    case "proxysql":
      return await order(statement.order, view.running);
  }
}

function checkOf(table: string, { view: { running } }: AdminSession) {
  return (rows: readonly TableRow[]): string | undefined =>
    table === "global_variables" ? variableReason(rows, running) : undefined;
}

async function checksum(
  { subject, layer, written }: Extract<ProxysqlStatement, { readonly kind: "checksum" }>,
  { tables }: AdminSession,
): Promise<TextResult | SqlError> {
  const table = checksumTable(subject, layer);
  if (table === undefined) return failure(1235, `Nothing here is like that: ${written}`);
  const rows = (await tables.rows(table)).map((row) => Object.values(row));
  return { columns: ["table", "checksum"], rows: [[table.name, checksumOf(rows)]] };
}

/** The file in force, and the overlay; passwords are hidden. */
function configText({ live }: AdminSession["view"]["running"]): TextResult {
  if (live === undefined) {
    throw new RefusedError("This proxy was started inside of another program");
  }
  const { text, overlay } = live.current;
  const whole = overlay === undefined ? text : `${text.trimEnd()}\n\n# The overlay:\n${overlay}`;
  return { columns: ["Data"], rows: [[withoutSecrets(whole)]] };
}

/** Orders about the process. */
async function order(text: string, running: AdminSession["view"]["running"]): Promise<Answer> {
  switch (text) {
    case "SHUTDOWN":
    case "SHUTDOWN SLOW":
      // As from the system: statements and transactions end first.
      process.kill(process.pid, "SIGTERM");
      return "ok";
    case "PAUSE":
    case "RESUME": {
      const reason = await running.pause(text === "PAUSE");
      return reason === undefined ? "ok" : failure(1105, reason);
    }
    case "KILL":
      process.kill(process.pid, "SIGTERM");
      running.stop();
      return "ok";
    case "RELOAD TLS":
      await running.reload();
      return "ok";
    case "FLUSH LOGS": {
      const reason = await running.reopenLogs();
      return reason === undefined ? "ok" : failure(1105, reason);
    }
    case "FLUSH QUERY CACHE":
      return "ok";
    default:
      return failure(
        1235,
        `PROXYSQL ${text} is not possible here. PAUSE POOLS and RESUME POOLS ` +
          "make statements wait, DRAIN SERVER empties a server, PROXYSQL SHUTDOWN drains the proxy",
      );
  }
}

function noVariable(name: string): SqlError {
  return { code: 1193, sqlState: "HY000", message: `Unknown system variable '${name}'` };
}

function failure(code: number, message: string): SqlError {
  return { code, sqlState: "HY000", message };
}

/** Whether a statement only reads. */
export function onlyReads({ kind }: ProxysqlStatement): boolean {
  return kind === "select" || kind === "get" || kind === "checksum" || kind === "metrics";
}
