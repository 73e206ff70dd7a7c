// The text form of programs: one line for each step, to be read, saved and run again.
//
//   servers mariadb mysql
//   connections 1
//   a enter first db=main collation=45 flags=DEPRECATE_EOF,SESSION_TRACK
//   a query SELECT 1
//   a prepare p1 INSERT INTO a1 (n) VALUES (?)
//   a execute p1 long:"5"
//   a +ping
//
// A command with a + is sent together with the session's next one.
// Lines that start with # are remarks. A statement with line breaks stands as a JSON string.

import {
  type Action,
  type Parameter,
  type ParameterType,
  type Program,
  SESSIONS,
  type Step,
  VARIED_FLAGS,
} from "./program.ts";

/** Writes a program. */
export function formatProgram(program: Program): string {
  const head = [`servers ${program.servers.join(" ")}`, `connections ${program.connections}`];
  return [...head, ...program.steps.map(formatStep), ""].join("\n");
}

/** Writes one step as its line. */
export function formatStep(step: Step): string {
  const command = (step.together ? "+" : "") + step.command;
  return `${step.session} ${command} ${formatAction(step)}`.trimEnd();
}

function formatAction(action: Action): string {
  switch (action.command) {
    case "enter":
      return `${action.account} db=${action.database} collation=${action.collation} ` +
        `flags=${action.flags.join(",")}`;
    case "change_user":
      return `${action.account} db=${action.database} collation=${action.collation}`;
    case "leave":
      return action.how;
    case "query":
      return (action.attributes ? `attributes=${action.attributes} ` : "") + quote(action.sql);
    case "prepare":
      return `${action.statement} ${quote(action.sql)}`;
    case "execute":
    case "bulk":
      return [
        action.statement,
        ...(action.cursor ? ["cursor"] : []),
        ...(action.bind ? [] : ["unbound"]),
        ...action.parameters.map(formatParameter),
      ].join(" ");
    case "long_data":
      return `${action.statement} ${action.parameter} ${JSON.stringify(action.data)}`;
    case "fetch":
      return `${action.statement} ${action.rows}`;
    case "reset":
    case "close":
      return action.statement;
    case "init_db":
      return action.database;
    case "field_list":
      return `${action.table} ${action.wildcard}`;
    case "set_option":
      return String(action.option);
    default:
      return "";
  }
}

function formatParameter({ type, value }: Parameter): string {
  if (value === undefined) return `${type}:long_data`;
  return type === "null" ? "null" : `${type}:${JSON.stringify(value)}`;
}

/** A statement as it is, or as a JSON string where a line would not show it. */
function quote(sql: string): string {
  const shown = JSON.stringify(sql.replace(/["\\]/g, ""));
  const plain = sql !== "" && sql === sql.trim() && !/^("|attributes=)/.test(sql) &&
    !shown.includes("\\");
  return plain ? sql : JSON.stringify(sql);
}

/** Reads a program. Throws a SyntaxError with the line that is not one. */
export function parseProgram(text: string): Program {
  const steps: Step[] = [];
  let servers: Program["servers"] = ["mariadb", "mysql"];
  let connections = 1;
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [first, rest] = cut(line);
    if (first === "servers") servers = rest.split(" ") as ("mariadb" | "mysql")[];
    else if (first === "connections") connections = Number(rest);
    else steps.push(parseStep(line));
  }
  return { servers, connections, steps };
}

function parseStep(line: string): Step {
  const [name, afterName] = cut(line);
  const [word, rest] = cut(afterName);
  const together = word.startsWith("+");
  const command = word.slice(together ? 1 : 0) as Action["command"];
  const session = SESSIONS.find((each) => each === name);
  const action = session && parseAction(command, rest);
  if (action === undefined) throw new SyntaxError(`Not a step: "${line}"`);
  return { session: session!, ...action, ...(together && { together }) };
}

function parseAction(command: Action["command"], rest: string): Action | undefined {
  const [first, others] = cut(rest);
  const account = first === "second" ? "second" : "first";
  const option = (name: string) => others.match(new RegExp(`${name}=(\\S*)`))?.[1] ?? "";
  switch (command) {
    case "enter": {
      const wanted = option("flags").split(",");
      const flags = VARIED_FLAGS.filter((flag) => wanted.includes(flag));
      const collation = Number(option("collation"));
      return { command, account, database: option("db"), collation, flags };
    }
    case "change_user":
      return { command, account, database: option("db"), collation: Number(option("collation")) };
    case "leave":
      return { command, how: first === "abort" ? "abort" : "quit" };
    case "query": {
      const attributes = first.match(/^attributes=(\d+)$/)?.[1];
      if (attributes === undefined) return { command, sql: unquote(rest) };
      return { command, attributes: Number(attributes), sql: unquote(others) };
    }
    case "prepare":
      return { command, statement: first, sql: unquote(others) };
    case "execute":
    case "bulk":
      return parseExecution(command, { statement: first, rest: others });
    case "long_data": {
      const [parameter, data] = cut(others);
      return { command, statement: first, parameter: Number(parameter), data: JSON.parse(data) };
    }
    case "fetch":
      return { command, statement: first, rows: Number(others) };
    case "reset":
    case "close":
      return { command, statement: first };
    case "init_db":
      return { command, database: rest };
    case "field_list":
      return { command, table: first, wildcard: others };
    case "set_option":
      return { command, option: Number(rest) };
    case "ping":
    case "reset_connection":
      return { command };
    default:
      return undefined;
  }
}

function parseExecution(
  command: "execute" | "bulk",
  { statement, rest }: { readonly statement: string; readonly rest: string },
): Action {
  let cursor = false;
  let bind = true;
  const parameters: Parameter[] = [];
  for (const [, word, value] of rest.matchAll(/(\w+)(?::("(?:[^"\\]|\\.)*"|\w+))?/g)) {
    if (word === "cursor" && value === undefined) cursor = true;
    else if (word === "unbound" && value === undefined) bind = false;
    else {
      const type = word as ParameterType;
      parameters.push({ type, value: parameterValue(value) });
    }
  }
  return { command, statement, cursor, bind, parameters };
}

function parameterValue(text: string | undefined): string | null | undefined {
  if (text === undefined || text === "null") return null;
  return text === "long_data" ? undefined : JSON.parse(text);
}

function unquote(text: string): string {
  return text.startsWith('"') ? JSON.parse(text) : text;
}

/** The first word and what follows it. */
function cut(text: string): [string, string] {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
