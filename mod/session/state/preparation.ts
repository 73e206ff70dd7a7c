// Gives a leased connection the state of the session that is about to use it: what the session
// before has left is read and kept for it, then the difference is set. All of it goes out at once,
// and the command behind it when all of it has succeeded, or at once where it does no harm.

import {
  type AnswerSink,
  assignments,
  type Baseline,
  CHARSET_VARIABLES,
  isMariadb,
  isOtherSchema,
  notRestoredByMariadb,
  PING,
  type PooledConnection,
  queryPacket,
  Residue,
  RESULTS_COLLATION,
  ROLE,
  SCHEMA_VARIABLES,
  schemaAfterReset,
  type SessionState,
  UNKNOWN,
} from "../../backend/mod.ts";
import type { Counters } from "../../observe/mod.ts";
import { ChannelClosedError } from "../../net/mod.ts";
import { Effect } from "../../sql/mod.ts";
import { Command, Expect, frame, HEADER_LENGTH } from "../../wire/mod.ts";
import { CHANGE } from "../diagnostics/afterwards.ts";
import { CaptureQuery, userAssignment } from "./captured_values.ts";
import type { Raising } from "../diagnostics/conditions.ts";
import { diagnosticsOf } from "../diagnostics/diagnostics.ts";
import { hiddenPinQuery } from "../pins/hidden_pins.ts";
import { limitsLifted } from "./lifted_limits.ts";
import { inPackets } from "../command/long_command.ts";
import { type Needs, NO_NEEDS } from "./needs.ts";
import { OwnPin } from "../pins/own_pin.ts";
import { hasOptimizerHint, isSetStatement } from "./passing_settings.ts";
import type { PooledSession } from "../pooled_session.ts";
import {
  CaptureAnswer,
  CountAnswer,
  MarkAnswer,
  PrepareAnswer,
  RaiseAnswer,
  RestoreAnswer,
  WaitAnswer,
  WarningsAnswer,
} from "./preparation_answer.ts";
import { hasHistory, type SessionStatement } from "../prepared/session_statement.ts";
import { mayShowTrackers } from "../settlement.ts";
import { runsText } from "../command/statement_text.ts";
import { executionsOf, typedExecution, type TypeHistory } from "../prepared/type_history.ts";

const RESET_CONNECTION = frame(Uint8Array.of(Command.RESET_CONNECTION), 0);

/** What flags of a login set. */
const OF_FLAGS = ["sql_mode", "wait_timeout"];

const ASCII = /^[ -~]*$/;

/** Who waits for a preparation. */
interface Waiting {
  prepared(): void;
  /** The server does not have what was waited for. */
  late?(): void;
  /** @param spoiled The connection may be in any state now. */
  notPrepared(error: Uint8Array, spoiled: boolean): void;
  onServerLost(reason: string): void;
}

/** Reads what a connection holds of its owner and keeps it for the owner. */
export function carryOver(pooled: PooledConnection, counters: Counters): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  new Preparation(
    {
      prepared: resolve,
      notPrepared: () => reject(new ChannelClosedError("session state cannot be read")),
      onServerLost: (reason) => reject(new ChannelClosedError(reason)),
    },
    pooled,
    counters,
  ).capture();
  return promise;
}

/** Reads what a session itself is about to disturb on the connection it has. */
export function readOwn(
  session: PooledSession,
  pooled: PooledConnection,
  prepared: () => void,
): void {
  const isInLine = pooled.state === session.here(session.state);
  const waiting: Waiting = {
    prepared() {
      // What was read is what is there: it need not be set.
      if (pooled.owner === session) {
        pooled.userVariables = session.userVariables;
        if (isInLine) pooled.state = session.here(session.state);
      }
      prepared();
    },
    notPrepared: (error, spoiled) => session.notPrepared(error, spoiled),
    onServerLost: (reason) => session.onServerLost(reason),
  };
  new Preparation(waiting, pooled, session.context.counters).readOwn(session);
}

/** One preparing of one connection. Tells who waits when it is ready, or why it is not. */
export class Preparation {
  readonly pooled: PooledConnection;
  readonly #waiting: Waiting;
  readonly #counters: Counters;
  #waitingFor = 0;
  #failure: Uint8Array | undefined;
  /** The connection may be in any state now. */
  #spoiled = false;
  #lost: string | undefined;
  #isLate = false;
  /** Whom the connection is given to, unless what is run last takes all warnings away. */
  #taker: PooledSession | undefined;
  /** The command is on its way behind it. */
  #isAhead = false;
  #isWarned = false;
  /** User variables that the session before may have changed. */
  #dirty: ReadonlySet<string> | undefined;

  constructor(waiting: Waiting, pooled: PooledConnection, counters: Counters) {
    this.#waiting = waiting;
    this.pooled = pooled;
    this.#counters = counters;
  }

  /** Reads what the owner has left, if it is another one, and gives the connection to nobody. */
  capture(): void {
    this.#waitingFor = 1; // until everything is sent
    this.#capture(undefined);
    this.pooled.owner = undefined;
    this.done();
  }

  /**
   * Gives the connection to a session, in the session's state.
   *
   * @param sent Called when all of it is on its way and no answer has been looked at.
   */
  take(session: PooledSession, needs: Needs, sent?: () => void): void {
    this.#waitingFor = 1;
    const { stream } = this.pooled.connection;
    stream.cork();
    this.#capture(session);
    const wait = session.route?.wait;
    if (wait !== undefined) {
      this.#run(wait.sql, new WaitAnswer(this, wait));
      this.pooled.foundRows = UNKNOWN;
    }
    this.#restore(session, needs);
    // What gives it conditions, or rows to be found, uses a table.
    if (!needs.conditions && !needs.foundRows) this.#taker = session;
    this.#isAhead = sent !== undefined;
    sent?.();
    stream.uncork();
    this.done();
  }

  /** Reads what the owner itself is about to disturb; it goes on with the connection. */
  readOwn(owner: PooledSession): void {
    this.#waitingFor = 1;
    // It is told what is said of its transaction.
    this.#read(owner, (owner.ownPins & OwnPin.TRACKERS) !== 0 && owner.inTransaction);
    this.pooled.touch();
    this.done();
  }

  #capture(taker: PooledSession | undefined): void {
    const owner = this.pooled.owner as PooledSession | undefined;
    if (owner !== undefined && owner !== taker) this.#read(owner);
  }

  #read(owner: PooledSession, withoutLimit = false): void {
    const { pooled } = this;
    const { residue } = pooled;
    if (residue === Residue.NONE) return;
    this.#counters.poolCaptures++;
    const query = new CaptureQuery();
    // FOUND_ROWS() is that of the statement before, whatever it was; SHOW WARNINGS leaves it alone.
    if (residue & Residue.WARNINGS) {
      owner.awaitRead();
      this.#run("SHOW WARNINGS", new WarningsAnswer(this, owner));
    }
    if (residue & Residue.INSERT_ID) query.insertId();
    if (residue & Residue.FOUND_ROWS) query.foundRows();
    if (residue & Residue.ROLE) query.role();
    if (residue & Residue.VARIABLES && pooled.dirty) {
      for (const name of pooled.dirty) query.variable(name);
    }
    if (!query.empty) {
      this.readValues(owner, query, withoutLimit);
      pooled.foundRows = "1";
    }
    this.#dirty = pooled.dirty;
    pooled.dirty = undefined;
    pooled.residue = Residue.NONE;
  }

  /** Asks for values of the owner's, where nothing is under way that changes them. */
  readValues(owner: PooledSession, query: CaptureQuery, withoutLimit: boolean): void {
    owner.awaitRead();
    const text = withoutLimit ? query.text : query.limitedText;
    this.#run(text, new CaptureAnswer(this, owner, { query, withoutLimit }));
  }

  #restore(session: PooledSession, needs: Needs): void {
    const { pooled } = this;
    const { reset, insertId, statement } = needs;
    if (reset) this.#reset(session);
    if (pooled.owner !== session) {
      pooled.owner = session;
      pooled.touch();
    }
    // What its variables are decides what it means, and which of them there are.
    const { sets, later } = this.#userVariables(session, statement?.missingVariables);
    if (insertId && pooled.insertId !== session.insertId) {
      sets.push(`@@SESSION.last_insert_id=${session.insertId}`);
      pooled.insertId = session.insertId;
    }
    if (statement) {
      this.#setState(session.here(statement.state), session.baseline, sets);
      this.#prepare(statement, session);
      this.#setState(session.here(session.state), session.baseline, later);
    } else this.#setState(session.here(session.state), session.baseline, sets);
    const { begin, mark } = session;
    if (begin !== undefined) this.#run(begin, new RestoreAnswer(this));
    if (mark !== undefined) this.#run(mark, new MarkAnswer(this, session));
    if (needs.counts) {
      const lifted = limitsLifted(session);
      if (lifted) this.#run(lifted[0], new RestoreAnswer(this));
      this.#run(hiddenPinQuery(session), new CountAnswer(this, session));
      if (lifted) this.#run(lifted[1], new RestoreAnswer(this));
      pooled.foundRows = UNKNOWN;
    }
    this.#raise(diagnosticsOf(session, pooled, needs));
  }

  #raise(commands: Raising): void {
    for (const command of commands) {
      if (typeof command === "string") this.#run(command, new RaiseAnswer(this));
      else this.#request(command, Expect.RESULT, new RaiseAnswer(this));
    }
  }

  /** Everything is set anew behind it. */
  #reset(session: PooledSession): void {
    const { pooled } = this;
    const { baseline, context, pool } = session;
    pool.tally.reset++;
    this.#request(RESET_CONNECTION, Expect.OK, new RestoreAnswer(this));
    this.#run(baseline.track, new RestoreAnswer(this));
    const { identity } = context.server;
    const { facts } = pooled.connection;
    // A reset of the client's own takes away what the flags of a login have set.
    const ofFlags = notRestoredByMariadb(facts.capabilities, identity) === "" ? [] : OF_FLAGS;
    const unknown = [...CHARSET_VARIABLES, RESULTS_COLLATION, ROLE, ...ofFlags].map((name) =>
      [name, UNKNOWN] as const
    );
    const { schema } = pooled.state;
    const { changed } = baseline.defaults;
    const known = new Map([...changed, ...unknown, ...schemaAfterReset(schema)]);
    pooled.becomeFresh(context.tables.states.of(schema, known));
    pooled.foundRows = UNKNOWN; // a reset leaves it
    pooled.owner = session;
    this.#dirty = undefined;
  }

  /** @param missing Those that a statement must not find when it is prepared: they are set later. */
  #userVariables(
    session: PooledSession,
    missing: readonly string[] = [],
  ): { readonly sets: string[]; readonly later: readonly string[] } {
    const { pooled } = this;
    const before = pooled.userVariables;
    const after = session.userVariables;
    const sets: string[] = [];
    const later: string[] = [];
    if (before === after && this.#dirty === undefined) return { sets, later };
    for (const name of new Set([...before.keys(), ...this.#dirty ?? [], ...after.keys()])) {
      if (!name.startsWith("@")) continue;
      const literal = after.get(name) ?? "NULL";
      const isSet = before.get(name) === literal && !this.#dirty?.has(name);
      if (isSet) continue;
      const assignment = userAssignment(session.spellings?.get(name) ?? name.slice(1), literal);
      (missing.includes(name) ? later : sets).push(assignment);
      const { knownVariables } = pooled;
      const isOther = after.get(name) === "NULL" && knownVariables?.has(name) === true;
      if (isOther) (pooled.otherNulls ??= new Set()).add(name);
      else pooled.otherNulls?.delete(name);
      (pooled.knownVariables ??= new Set()).add(name);
    }
    pooled.userVariables = after;
    return { sets, later };
  }

  #setState(state: SessionState, baseline: Baseline, also: readonly string[] = []): void {
    const { pooled } = this;
    let before = pooled.state;
    if (before === state && also.length === 0) return;
    this.#counters.poolRestores++;
    const role = state.variables.get(ROLE);
    if (role !== undefined && role !== before.variables.get(ROLE)) {
      this.#run(`SET ROLE ${role}`, new RestoreAnswer(this));
    }
    // Behind the role, which may be needed to see it; before the variables that change with it.
    if (isOtherSchema(before, state)) before = this.#setSchema(state.schema, before);
    const sets = [...assignments(before, state, baseline), ...also];
    if (sets.length > 0) this.#run(`SET ${sets.join(",")}`, new RestoreAnswer(this));
    pooled.state = state;
  }

  /** @returns What is set then. */
  #setSchema(schema: string, before: SessionState): SessionState {
    let changed: readonly (readonly [string, string])[] = [];
    if (!ASCII.test(schema)) { // the server reads the name in the session's character set
      this.#run("SET NAMES utf8mb4", new RestoreAnswer(this));
      changed = [...CHARSET_VARIABLES, RESULTS_COLLATION].map((name) => [name, UNKNOWN]);
    }
    const payload = Buffer.concat([Uint8Array.of(Command.INIT_DB), Buffer.from(schema)]);
    this.#request(frame(payload, 0), Expect.OK, new RestoreAnswer(this));
    const { variables } = before;
    if (changed.length === 0 && !SCHEMA_VARIABLES.some((name) => variables.has(name))) {
      return before;
    }
    const after = new Map([...variables, ...changed]);
    for (const name of SCHEMA_VARIABLES) after.delete(name);
    return { schema, variables: after, hash: 0, id: 0 }; // no table has it
  }

  #prepare(statement: SessionStatement, session: PooledSession): void {
    for (const name of statement.userVariables) {
      (this.pooled.knownVariables ??= new Set()).add(name);
    }
    const sink = new PrepareAnswer(this, statement, session);
    const { baseline, ownPins } = session;
    const shows = mayShowTrackers(statement.effects) && (ownPins & OwnPin.TRACKERS) === 0;
    if (shows) this.#run(baseline.untrack, new RestoreAnswer(this));
    this.#request(inPackets(statement.packet), Expect.PREPARE, sink);
    // What it sets for itself is told with the next OK packet or change: nobody else gets that.
    const { packet } = statement;
    if (isSetStatement(packet, HEADER_LENGTH + 1)) this.#run(CHANGE, new RestoreAnswer(this));
    else if (hasOptimizerHint(packet, HEADER_LENGTH + 1)) {
      this.#request(PING, Expect.OK, new RestoreAnswer(this));
    }
    if (shows) this.#run(baseline.track, new RestoreAnswer(this));
  }

  /**
   * Gives a new statement's parameters the types that they were given before, unless the execution
   * to come does it, or none is to come. One that writes is not run for that: it is taken as it is.
   *
   * @returns What it has been given.
   */
  giveTypes(id: number, { statement, session }: {
    readonly statement: SessionStatement;
    readonly session: PooledSession;
  }): TypeHistory {
    const { history, parameters, effects } = statement;
    if (!history || !runsText(session)) return "";
    const { command, session: { hasQueryAttributes } } = session;
    if (hasHistory("", statement, command, hasQueryAttributes)) return "";
    if ((effects & Effect.READS) === 0) return history;
    for (const types of executionsOf(history, parameters)) {
      const packet = typedExecution(id, types, hasQueryAttributes);
      this.#request(packet, Expect.RESULT, new RaiseAnswer(this));
    }
    return history;
  }

  #run(text: string, sink: AnswerSink): void {
    this.#request(queryPacket(this.pooled.connection, text), Expect.RESULT, sink);
  }

  #request(packet: Uint8Array, expect: number, sink: AnswerSink): void {
    this.#waitingFor++;
    this.pooled.touch();
    this.pooled.connection.request(packet, expect, sink);
  }

  /** An answer has failed: the command will not be sent. @param error The ERR packet as it came. */
  fail(error: Uint8Array, spoils: boolean): void {
    this.#failure ??= error;
    this.#spoiled ||= spoils;
  }

  /** What was waited for is not there in time. */
  notReached(): void {
    this.#isLate = true;
  }

  /** A statement that gives the connection the session's state was warned of. */
  warned(): void {
    this.#isWarned = true;
  }

  /**
   * Takes such warnings away, which MariaDB keeps until a statement uses a table: MySQL has none
   * behind the next statement.
   *
   * @returns Answers are to come.
   */
  #forgetsWarnings(): boolean {
    const { pooled } = this;
    const session = this.#taker;
    if (!this.#isWarned || session === undefined) return false;
    if (!isMariadb(session.context.server.identity!)) return false;
    // The command asks for none: the next one on the connection finds them gone.
    if (this.#isAhead) {
      this.#isWarned = false;
      pooled.hasConditions = pooled.hasOnlyOwnWarnings = true;
      return false;
    }
    if (pooled.residue & Residue.FOUND_ROWS) {
      const query = new CaptureQuery();
      query.foundRows();
      this.readValues(session, query, false);
      pooled.residue &= ~Residue.FOUND_ROWS;
      return true;
    }
    this.#isWarned = false;
    this.#raise(diagnosticsOf(session, pooled, { ...NO_NEEDS, conditions: true }));
    return true;
  }

  /** The connection is gone. */
  lost(reason: string): void {
    this.#lost = reason;
    this.done();
  }

  /** One answer more has come. */
  done(): void {
    if (--this.#waitingFor > 0) return;
    if (this.#lost !== undefined) this.#waiting.onServerLost(this.#lost);
    else if (this.#isLate) this.#waiting.late!();
    else if (this.#failure === undefined) {
      if (!this.#forgetsWarnings()) this.#waiting.prepared();
    } else this.#waiting.notPrepared(this.#failure, this.#spoiled);
  }
}
