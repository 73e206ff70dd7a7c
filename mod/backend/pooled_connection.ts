// A server connection that sessions take turns on: what the one before has left on it.

import { Command, frame, NO_TRANSACTION } from "../wire/mod.ts";
import type { ConnectionHolder, ServerConnection } from "./server_connection.ts";
import { type SessionState, UNKNOWN } from "./session_state.ts";

/** What a connection still holds of the session that used it last: bits. */
export const Residue = {
  NONE: 0,
  /** LAST_INSERT_ID() may have changed. */
  INSERT_ID: 1,
  /** FOUND_ROWS() is not the number of rows that went out. */
  FOUND_ROWS: 2,
  /** There may be warnings or errors to be shown. */
  WARNINGS: 4,
  /** Variables named in `dirty` may have changed. */
  VARIABLES: 8,
  /** The role has changed. */
  ROLE: 32,
} as const;

/** Residue that is part of the session's settings: losing it would be noticed. */
export const LASTING_RESIDUE: number = Residue.VARIABLES | Residue.ROLE;

/** All of it. */
export const ANY_RESIDUE: number = Residue.INSERT_ID | Residue.FOUND_ROWS | Residue.WARNINGS |
  LASTING_RESIDUE;

/** Who uses a connection. */
export interface Tenant {
  /** The connection has ended while nobody used it. */
  onConnectionLost(connection: PooledConnection): void;
}

/** A session as its last connection sees it. */
export interface Owner extends Tenant {
  /** What it has left cannot be had for now: it uses no other connection before `wasRead`. */
  awaitRead(): void;
  wasRead(): void;
}

/** A statement that the server keeps prepared on a connection. */
export interface ServerStatement {
  readonly id: number;
  /** The parameter types that the server has been told last; undefined: none yet. */
  types: Uint8Array | undefined;
  /** Types that its executions have given, where that decides about those to come; else empty. */
  history: string;
}

/** Statements kept prepared on one connection; the one used longest ago goes first. */
const STATEMENTS_MAX = 200;

/** Of sessions and connections that have no user variables: always this one. */
export const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/** A value of `foundRows`: what it was, and the rows of a new table behind the owner's next write. */
export const FILLED = "filled";

/** A connection and what it carries. */
export class PooledConnection {
  readonly connection: ServerConnection;
  /** What is set on it. */
  state: SessionState;
  /** The user variables on it: literals by name. */
  userVariables: ReadonlyMap<string, string> = NO_VARIABLES;
  /**
   * Names of all user variables that were ever set on it; undefined: none. Those that the owner has
   * never set are ghosts: NULL, in place of not being there.
   */
  knownVariables: Set<string> | undefined;
  /** Those of the owner's that are NULL where another session's value was: it still has its type. */
  otherNulls: Set<string> | undefined;
  /** What LAST_INSERT_ID() gives on it; undefined: not known. */
  insertId: string | undefined = "0";
  /**
   * What FOUND_ROWS() gives on it; undefined: what the owner has left, which nobody has read;
   * `UNKNOWN` behind a statement of the proxy's own; `FILLED` behind one of the owner's.
   */
  foundRows: string | undefined = UNKNOWN;
  /** Who used it last, if what it holds is that session's. */
  owner: Owner | undefined;
  /** What it still holds of `owner` and nobody else knows: a set of `Residue`. */
  residue: number = Residue.NONE;
  /** Variables that may have changed: names of system variables, user variables with an `@`. */
  dirty: Set<string> | undefined;
  /** Statements of the proxy's own have run behind the owner's last one: its diagnostics are gone. */
  touched = false;
  /** ROW_COUNT() on it is not what the owner's last statement has left. */
  rowCountGone = false;
  /** The server may have warnings or errors to show on it. */
  hasConditions = false;
  /** Or others in their place, as many as there are. */
  hasStandIns = false;
  /** Those it has are of what the proxy has restored, and nobody's: MariaDB keeps them. */
  hasOnlyOwnWarnings = false;
  /** How many statements have left something on it; undefined: not known. */
  pinsCounted: number | undefined = 0;
  /** What MariaDB takes for the statement prepared last; 0: none. */
  lastStatement = 0;
  /** When it was opened, by the pool's clock; milliseconds. */
  openedAt = 0;
  /** Holds it while nobody uses it; made once by each pool it is in. */
  idleHolder: ConnectionHolder | undefined;
  /** When it became idle. */
  idleSince = 0;
  /** When the server was asked for a sign of life. */
  pingedAt = 0;
  /** When it is to be closed. */
  retireAt = Infinity;
  readonly #statements = new Map<string, ServerStatement>();

  constructor(connection: ServerConnection, state: SessionState) {
    this.connection = connection;
    this.state = state;
  }

  /** Connections of one kind can stand in for one another. */
  get kind(): string {
    return this.connection.facts.kind;
  }

  /** The server's statement for a text prepared in a state. */
  statement(key: string): ServerStatement | undefined {
    const found = this.#statements.get(key);
    if (found === undefined) return undefined;
    // Used last: a Map keeps the order of insertion.
    if (this.#statements.size > STATEMENTS_MAX / 2) {
      this.#statements.delete(key);
      this.#statements.set(key, found);
    }
    return found;
  }

  /** The names of all statements that the server keeps prepared on it. */
  statementKeys(): IterableIterator<string> {
    return this.#statements.keys();
  }

  /** How many there are. */
  get statementCount(): number {
    return this.#statements.size;
  }

  /** The server has a statement of this id. Walks all of them. */
  hasStatement(id: number): boolean {
    for (const statement of this.#statements.values()) if (statement.id === id) return true;
    return false;
  }

  /** Keeps a statement; closes the one it stands in for, or the one used longest ago. */
  keepStatement(key: string, statement: ServerStatement): void {
    const before = this.#statements.get(key);
    if (before) this.#close(key, before);
    else if (this.#statements.size >= STATEMENTS_MAX) {
      const [oldest, found] = this.#statements.entries().next().value!;
      this.#close(oldest, found);
    }
    this.#statements.set(key, statement);
    this.lastStatement = statement.id;
  }

  /** Closes a statement that is no good any more. */
  dropStatement(key: string): void {
    const found = this.#statements.get(key);
    if (found !== undefined) this.#close(key, found);
  }

  #close(key: string, { id }: ServerStatement): void {
    this.#statements.delete(key);
    if (id === this.lastStatement) this.lastStatement = 0;
    const payload = Buffer.alloc(5);
    payload[0] = Command.STMT_CLOSE;
    payload.writeUInt32LE(id, 1);
    this.connection.stream.startCommand();
    this.connection.stream.write(frame(payload, 0));
  }

  /** A statement of the proxy's own goes out: what it leaves are no longer the owner's diagnostics. */
  touch(): void {
    this.touched = this.rowCountGone = true;
    if (this.foundRows === FILLED) this.foundRows = UNKNOWN;
  }

  /** The owner has run something elsewhere: what it has left here is not of its last statement. */
  supersede(): void {
    this.touch();
    this.foundRows ??= UNKNOWN;
  }

  /** A user variable of this name may be on it. @param name With its `@`. */
  addDirty(name: string): void {
    (this.dirty ??= new Set()).add(name);
    if (!name.startsWith("@")) return;
    (this.knownVariables ??= new Set()).add(name);
    this.otherNulls?.delete(name);
  }

  /** The owner has gone: nobody asks for what it left, but it has to be taken away. */
  disown(): void {
    if (this.dirty) {
      const variables = new Map(this.userVariables);
      for (const name of this.dirty) {
        if (name.startsWith("@")) variables.set(name, UNKNOWN);
      }
      this.userVariables = variables;
    }
    this.owner = undefined;
    this.residue = Residue.NONE;
    this.dirty = undefined;
    this.insertId ??= UNKNOWN;
    this.foundRows ??= UNKNOWN;
  }

  /** It has an error to show that is not what its owner's last statement has left there. */
  noteForeignError(): void {
    this.hasConditions = true;
    this.hasStandIns = false;
    this.residue &= ~Residue.WARNINGS;
    this.touch();
  }

  /** As after a login or a reset: nothing is on it but this state. */
  becomeFresh(state: SessionState): void {
    this.state = state;
    this.userVariables = NO_VARIABLES;
    this.knownVariables = undefined;
    this.otherNulls = undefined;
    this.insertId = "0";
    this.owner = undefined;
    this.residue = Residue.NONE;
    this.dirty = undefined;
    this.hasConditions = this.hasStandIns = this.hasOnlyOwnWarnings = false;
    this.connection.transactionState = NO_TRANSACTION;
    this.pinsCounted = 0; // a reset clears the session's counters
    this.touch();
    this.foundRows = "0";
    this.#statements.clear();
    this.lastStatement = 0;
  }
}
