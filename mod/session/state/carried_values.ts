// What a session has set and what its last statement has left: what it finds again on every
// connection. As long as the session's last connection has not been used by another one the truth
// is there; these are what was read from it, and what answers have told.

import { compact, NO_VARIABLES, type SessionState } from "../../backend/mod.ts";
import { NO_TRANSACTION, type PacketAssembler, type SqlError } from "../../wire/mod.ts";
import { type CapturedValues, FOUND_ROWS, INSERT_ID, UNSET } from "./captured_values.ts";
import { type Conditions, readConditions, withError } from "../diagnostics/conditions.ts";
import { ObservedChanges } from "./observed_changes.ts";

/** The values of one session. */
export abstract class CarriedValues extends ObservedChanges {
  /** What the session has set. */
  state: SessionState;
  /** Literals by name, each with its `@`. */
  userVariables: ReadonlyMap<string, string> = NO_VARIABLES;
  /** Names with capital letters, as servers list them; undefined: none. */
  spellings: Map<string, string> | undefined;
  insertId = "0";
  foundRows = "0";
  /** What FOUND_ROWS() will be behind the next write: see found_rows.ts. */
  filledRows: number | undefined;
  /** What its client was told last of its transaction's state. */
  transactionTold = NO_TRANSACTION;
  /** ROW_COUNT() of the last statement. */
  rowCount = 0;
  /** The error of the last statement that failed: SHOW WARNINGS tells no SQLSTATE. */
  lastError: { readonly code: number; readonly state: string | undefined } | undefined;
  /** Warnings and errors, where they have been taken from the connection they were on. */
  conditions: Conditions | undefined;
  /** Those that MySQL counts: it does not count any more what was there before the last statement. */
  counted: "all" | "last" | "none" = "all";

  #awaited = 0;
  #whenRead: (() => void) | undefined;

  constructor(state: SessionState) {
    super();
    this.state = state;
  }

  /** Values of settings that had been known to have changed only. */
  protected abstract onSettingsRead(settings: readonly (readonly [string, string])[]): void;

  /** Answers to come that will tell more of them: until then they are not what the session has set. */
  get awaited(): number {
    return this.#awaited;
  }

  /** An answer will come. */
  awaitRead(): void {
    this.#awaited++;
  }

  /** It has come, or will not. */
  wasRead(): void {
    if (--this.#awaited > 0) return;
    const go = this.#whenRead;
    this.#whenRead = undefined;
    go?.();
  }

  /** Calls back once all awaited answers have come. One at a time: the latest counts. */
  protected whenRead(go: () => void): void {
    this.#whenRead = go;
  }

  /** Keeps what was read from the session's connection for another one's sake. */
  keep(values: CapturedValues): void {
    let variables: Map<string, string> | undefined;
    const settings: [string, string][] = [];
    for (const [name, literal] of values) {
      if (name === INSERT_ID) this.insertId = literal;
      else if (name === FOUND_ROWS) this.foundRows = literal;
      else if (name.startsWith("@")) {
        variables ??= new Map(this.userVariables);
        if (literal === UNSET) variables.delete(name);
        else variables.set(name, literal);
      } else settings.push([name, literal]);
    }
    if (variables) this.userVariables = compact(variables);
    if (settings.length > 0) this.onSettingsRead(settings);
  }

  /** Keeps the answer to SHOW WARNINGS. */
  keepWarnings(packets: PacketAssembler, capabilities: number): void {
    const found = readConditions(packets, capabilities, this.conditions);
    const { lastError } = this;
    const list = found.list.map((each) =>
      each.state === undefined && each.level === "Error" && each.code === lastError?.code
        ? { ...each, state: lastError.state }
        : each
    );
    this.conditions = list.length > 0 ? { ...found, list } : undefined;
  }

  /** The session has got an error that its connection does not know of. */
  noteError(error: SqlError): void {
    this.conditions = withError(this.conditions, error);
    this.rowCount = -1;
  }

  /** The proxy has answered SHOW WARNINGS itself: as behind the server's answer. */
  noteShown(): void {
    this.counted = "none";
    this.rowCount = -1;
  }

  /** As after a login. */
  startAnew(state: SessionState): void {
    this.state = state;
    this.userVariables = NO_VARIABLES;
    this.spellings = undefined;
    this.insertId = "0";
    this.transactionTold = NO_TRANSACTION;
    this.rowCount = 0; // FOUND_ROWS() stays what it was
    this.conditions = undefined;
    this.owed = undefined;
  }
}
