// Writes one session's steps for the statement kinds. In statements T1 to T5 stand for the session's
// own tables, ME for its letter, NUM, STR and VAR for a number, a string literal and a user variable
// by chance; names in braces are put in when the program is played (stage.ts).

import type { Random } from "../fuzz/random.ts";
import type { ServerKind } from "../servers/mod.ts";
import type { Action, Parameter, SessionName, Step } from "./program.ts";

const NUMBERS = ["0", "1", "2", "7", "42", "-3", "255", "1000", "2147483647", "NULL", "1.5"];
const STRINGS = ["''", "'a'", "'red'", "'two words'", "'é'", "'日本'", "'it''s'", "'12abc'", "'%'"];
const VARIABLES = ["@v1", "@v2", "@v3", "@label", "@seen", "@V1", "@`odd name`"];

/** Comments and ends that change nothing about a statement. */
const BEFORE = ["/* c */ ", "-- c\n", "  ", "\n", "# c\n", "/**/"];
const BEHIND = [";", " ", " -- end", "\n", "; ", " /* end */"];

/** Statements that MySQL does not prepare (error 1295), which need not be seen often. */
const NOT_PREPARED_BY_MYSQL =
  /^(?:HANDLER|U?N?LOCK|START|BEGIN|SAVEPOINT|ROLLBACK TO|RELEASE|GET|HELP|SHOW COUNT|R?E?SIGNAL|USE)\b/;

/** A prepared statement of the binary protocol that the session has. */
export interface Handle {
  readonly statement: string;
  readonly parameters: readonly Parameter[];
}

/** A session's list of steps as it grows. */
export class Scribe {
  readonly random: Random;
  readonly server: ServerKind;
  readonly session: SessionName;
  readonly steps: Step[] = [];
  /** Statements prepared so far and not closed. */
  readonly handles: Handle[] = [];
  /** Names the steps that follow. */
  kind = "";
  #handleCount = 0;

  constructor(session: SessionName, { random, server }: Pick<Scribe, "random" | "server">) {
    this.session = session;
    this.random = random;
    this.server = server;
  }

  /** Adds a step. */
  do(action: Action): void {
    this.steps.push({ ...action, session: this.session, kind: this.kind });
  }

  /** Puts this session's names and values by chance into a statement. */
  fill(sql: string): string {
    const { random, session } = this;
    // Letters of sessions and tables may be part of a name, as in made_ME; values may not.
    return sql
      .replace(/(?<![A-Z0-9])T([1-5])(?![A-Z0-9])/g, `${session}$1`)
      .replace(/(?<![A-Z0-9])ME(?![A-Z0-9])/g, session)
      .replace(
        /\b(?:NUM|STR|VAR)\b/g,
        (word) => random.pick(word === "NUM" ? NUMBERS : word === "STR" ? STRINGS : VARIABLES),
      );
  }

  /** A statement in the text protocol. */
  text(sql: string): void {
    this.do({ command: "query", sql: this.#decorate(this.fill(sql)) });
  }

  /** A statement in the text protocol, or prepared, run and mostly closed. */
  sql(sql: string): void {
    const rarely = this.server === "mysql" && NOT_PREPARED_BY_MYSQL.test(sql);
    if (!this.random.oneIn(rarely ? 20 : 3)) {
      this.text(sql);
      return;
    }
    const handle = this.prepare(sql);
    this.execute(handle);
    if (!this.random.oneIn(4)) this.close(handle);
  }

  /** COM_STMT_PREPARE. */
  prepare(sql: string, parameters: readonly Parameter[] = []): Handle {
    const statement = `p${++this.#handleCount}`;
    this.do({ command: "prepare", statement, sql: this.#decorate(this.fill(sql)) });
    const handle = { statement, parameters };
    this.handles.push(handle);
    return handle;
  }

  /** COM_STMT_EXECUTE. */
  execute(
    { statement, parameters }: Handle,
    options: {
      readonly cursor?: boolean;
      readonly bind?: boolean;
      readonly parameters?: readonly Parameter[];
    } = {},
  ): void {
    this.do({
      command: "execute",
      statement,
      cursor: options.cursor ?? false,
      bind: options.bind ?? true,
      parameters: options.parameters ?? parameters,
    });
  }

  /** COM_STMT_CLOSE. */
  close(handle: Handle): void {
    this.do({ command: "close", statement: handle.statement });
    this.forget(handle);
  }

  /** Leaves a statement as it is, not to be used again by others. */
  forget(handle: Handle): void {
    const at = this.handles.indexOf(handle);
    if (at >= 0) this.handles.splice(at, 1);
  }

  #decorate(sql: string): string {
    const { random } = this;
    if (random.oneIn(16)) return random.pick(BEFORE) + sql;
    if (random.oneIn(16)) return sql + random.pick(BEHIND);
    if (random.oneIn(8)) return sql.replace(/^\w+/, (word) => word.toLowerCase());
    return sql;
  }
}
