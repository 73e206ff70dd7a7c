// Where the statements of one session go: asks the router, has positions asked for and waited for,
// and notes behind each answer what the session has written and seen.

import { ANY_RESIDUE, Residue } from "../../backend/mod.ts";
import type { ToldPosition, WaitStatement } from "../../cluster/mod.ts";
import {
  isServerSchema,
  RouteAction,
  RouteReason,
  type RouteRequest,
  type RouteServer,
  RouteState,
  type Rules,
  waitStatement,
} from "../../route/mod.ts";
import { Bar, Effect, TransactionStart } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH, ServerStatus } from "../../wire/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { PositionQuestion } from "./position_question.ts";
import { RequestAtServer } from "./request_at_server.ts";
import type { Routing } from "./routing.ts";
import { isInterruption } from "../session_errors.ts";
import { startsWith } from "../command/statement_text.ts";
import { beginText, maySplit, transactionBegunBy } from "../failover/transaction_opening.ts";

/** Bars of what may change data, as far as the text tells. */
const WRITING = Bar.UNCERTAIN | Bar.WRITES | Bar.DEFINES | Bar.ADMINISTERS | Bar.CALLS |
  Bar.UNKNOWN | Bar.SEQUENCE | Bar.STORED_FUNCTION | Bar.PROCEDURE | Bar.UNSAFE_NAME;
const RUNS_CODE = Effect.CALLS | Effect.RUNS_TRIGGERS;

/** What a read on another server leaves alone on the session's last connection. */
const NEEDS_NOTHING = ANY_RESIDUE & ~Residue.INSERT_ID;

/** What an answer tells of its session. */
interface AnsweredStatus {
  readonly status: number;
  readonly errorCode: number;
}

/** What of the statement at hand its text does not tell: one object for all. */
const request: { -readonly [key in keyof RouteRequest]: RouteRequest[key] } = { nowMs: 0 };

/** One session's. */
export class SessionRoute {
  readonly state: RouteState;
  /** Status flags of the answer before. */
  status: number = ServerStatus.AUTOCOMMIT;
  /** The command under way is a read whose answer may be of any age. */
  isEventual = false;
  /** What a server is made to wait for in front of the command under way. */
  wait: WaitStatement | undefined;
  /** Where that goes; undefined: there is no primary. */
  server: RouteServer | undefined;
  /** It runs on a guess: its answer is held until the primary has told that there is no news. */
  guesses = false;
  readonly #session: PooledSession;
  readonly #routing: Routing;
  /** The state whose schema and variables are known. */
  #seen: unknown;
  /** The rules in force when that was found out. */
  #rules: Rules | undefined;
  #hasAsked = false;
  #hasWaited = false;
  #hasLeft = false;
  #isRefused = false;
  /** The command under way is not to run on a guess. */
  #mayNotGuess = false;
  #question: PositionQuestion | undefined;
  readonly #request = new RequestAtServer();
  /** The open transaction may have written. */
  #wrote = false;
  /** What would begin the transaction that a replica has on the primary. */
  #unsent: string | undefined;
  /** A GTID of the statement under way was told. */
  #isTold = false;

  constructor(session: PooledSession, routing: Routing) {
    this.#session = session;
    this.#routing = routing;
    this.state = new RouteState(NO_RULES);
  }

  /** Chooses the server of the command under way, and leases a connection there. */
  place(): void {
    this.#request.endWait(0);
    this.#forgetQuestion();
    this.wait = undefined;
    if (this.#session.facts !== undefined && this.#session.begin === undefined) this.#route();
    else {
      this.server = this.#routing.router.primary;
      this.#leaseAt(ANY_RESIDUE);
    }
  }

  #route(): void {
    const { decision } = this.#routing;
    this.decide();
    if (decision.action === RouteAction.GUESS) {
      if (this.#guess(decision.server!)) return;
      this.#mayNotGuess = true;
      this.decide();
    }
    if (decision.action === RouteAction.ASK) {
      this.#ask(decision.server);
      return;
    }
    this.server = decision.server;
    if (decision.action === RouteAction.WAIT) {
      this.wait = this.#waitAt(decision.server!, decision.timeoutMs);
      if (this.wait === undefined) {
        this.#hasWaited = true;
        this.#route();
        return;
      }
    }
    this.#routing.count(decision);
    const isRead = decision.bars === 0 && request.beginsReadOnly !== true;
    this.isEventual = isRead && decision.consistency === "eventual";
    this.#leaseAt(isRead ? NEEDS_NOTHING : ANY_RESIDUE);
  }

  /** The command under way begins a transaction that the primary will be told of later. */
  noteBegun(status: number): void {
    const { router, decision } = this.#routing;
    const { facts } = this.#session;
    this.status = status;
    if (facts === undefined) return;
    router.routeToPrimary(facts, RouteReason.BARRED, decision);
    this.#routing.count(decision);
  }

  /** Has the router decide about the command under way. The decision is `Routing.decision`. */
  decide(): void {
    const session = this.#session;
    const { router, decision, isReady } = this.#routing;
    const facts = session.facts!;
    if (!isReady || !session.canMove) {
      const reason = isReady ? RouteReason.RELAYED : RouteReason.UNREADY;
      router.routeToPrimary(facts, reason, decision);
      return;
    }
    this.#takeState();
    request.nowMs = Date.now();
    request.hasAsked = this.#hasAsked;
    request.mayGuess = !this.#mayNotGuess && !this.#hasAsked && session.seat.mayHold;
    request.hasWaited = this.#hasWaited;
    request.hasLeft = this.#hasLeft;
    request.isRefused = this.#isRefused;
    const begins = (facts.bars & Bar.TRANSACTION) === 0 ? 0 : transactionBegunBy(session);
    const splits = maySplit(session, begins, this.state.consistency);
    request.beginsReadOnly = splits || (begins & TransactionStart.READ_ONLY) !== 0;
    if (begins !== 0) this.state.isTransactionUnsent = splits;
    router.route(facts, this.state, request, decision);
    if (!splits) return;
    this.state.isTransactionUnsent = decision.server !== router.primary;
    this.#unsent = beginText(begins);
  }

  // Transactions whose reads before the first write run on a replica. There they are transactions
  // too, so that clients see the status of one; at the first statement that may not stay they end
  // there, and begin on the primary.

  /** The command under way may not run in the transaction that a replica has. */
  get leavesReplica(): boolean {
    if (!this.state.isTransactionUnsent) return false;
    const session = this.#session;
    const { facts, command } = session;
    switch (command[HEADER_LENGTH]) {
      case Command.STMT_PREPARE:
      case Command.STMT_RESET:
      case Command.PING:
      case Command.STATISTICS:
        return false;
      case Command.QUERY:
        if (startsWith(session, "COMMIT") || startsWith(session, "ROLLBACK")) return false;
        break;
    }
    if (facts === undefined || facts.bars !== 0) return true;
    this.#takeState();
    return this.state.inServerSchema || this.state.autoIsNull || facts.hint?.target === "primary";
  }

  /** It begins on the primary in front of the command under way. */
  moveOn(): void {
    this.#session.begin = this.#unsent;
    this.#session.opening.beginsAnew();
    this.state.isTransactionUnsent = false;
  }

  #leaseAt(unread: number): void {
    const session = this.#session;
    const { context } = session;
    const { server } = this;
    const found = server === undefined ? undefined : this.#routing.serverOf(server);
    if (found === undefined) this.server = this.#routing.router.primary;
    if (this.server !== undefined) {
      this.#send(this.server);
      if (this.wait !== undefined) this.#request.wait(this.server);
    }
    session.leaseAt(found ?? context.server, unread);
  }

  #send(server: RouteServer): void {
    if (this.#request.send(server) && !server.isPrimary) this.#routing.stalls.begin();
  }

  /** Schema, variables and rules of the session, where they are not those of the command before. */
  #takeState(): void {
    const session = this.#session;
    const state = session.statement?.state ?? session.state;
    const { rules } = this.#routing;
    if (this.#seen === state && this.#rules === rules) return;
    this.#seen = state;
    const autoIsNull = state.variables.get("sql_auto_is_null");
    this.state.autoIsNull = autoIsNull !== undefined && /ON|1/.test(autoIsNull);
    this.state.inServerSchema = isServerSchema(state.schema);
    this.#rules = rules;
    this.state.rules = NO_RULES;
    if (rules.rules.length === 0) return;
    const { user, address } = session.session;
    this.state.rules = rules.ofSession({ user, schema: state.schema, client: address });
  }

  #waitAt(server: RouteServer, timeoutMs: number): WaitStatement | undefined {
    const { router: { positions }, flavor } = this.#routing;
    const { needs } = this.state.position;
    return waitStatement(server, needs, { positions, flavor, timeoutMs });
  }

  #ask(server: RouteServer | undefined): void {
    const isForAll = this.#routing.decision.consistency === "global";
    if (server === undefined) {
      const { gate } = this.#session.context;
      if (isForAll && gate.holds) this.#session.waitForPrimary();
      else {
        this.#hasWaited = true;
        this.#route();
      }
      return;
    }
    this.#session.session.times.asks();
    this.#routing.ask(server, this.#questionTo(server, isForAll));
  }

  #questionTo(server: RouteServer, isForAll: boolean): PositionQuestion {
    const question = this.#question ??= new PositionQuestion(this);
    question.put(server, server === this.#routing.router.primary, isForAll);
    return question;
  }

  /** The command has been dealt with, or looks anew for a server. */
  #forgetQuestion(): void {
    this.guesses = false;
    if (this.#question?.isOut !== true) return;
    this.#question.abandon();
    this.#question = undefined;
  }

  /**
   * Sends the command at once, and asks the primary meanwhile.
   *
   * @returns False where its answer could not be held: it goes between those of other sessions, or waits.
   */
  #guess(server: RouteServer): boolean {
    const { decision, router } = this.#routing;
    const found = this.#routing.serverOf(server);
    if (found === undefined || this.#session.context.gate.holds) return false;
    this.server = server;
    this.guesses = true;
    this.#send(server);
    const isShared = this.#session.shareAt(found);
    if (isShared) this.#session.context.counters.guesses++;
    // It may be told at once that there is no connection.
    if (!isShared || !this.guesses) {
      this.guesses = false;
      this.#request.abandon(false);
      return false;
    }
    const question = this.#questionTo(router.primary!, decision.consistency === "global");
    question.guess(decision, router.positions.news.count);
    this.#routing.ask(router.primary!, question);
    return true;
  }

  /** The answer is there, and is held: the server owes nothing any more. */
  noteHeld(): void {
    this.#session.session.times.holds();
    this.#request.answered();
  }

  /** What was to run on a guess did not: the position that is asked for is waited for. */
  leaveGuess(failed: boolean): void {
    this.guesses = false;
    this.#mayNotGuess = true;
    this.#session.context.counters.guessesInVain++;
    this.#request.abandon(failed);
    this.#session.session.times.startsOver();
  }

  positionIs(position: ToldPosition | undefined, question: PositionQuestion): void {
    const session = this.#session;
    if (session.session.closed || !session.busy) return;
    const { guesses } = this;
    const { asked: server } = question;
    const { positions } = this.#routing.router;
    const isClosed = question.isForAll && question.isToPrimary && position?.isClosed === true;
    const isKnown = position !== undefined && !isClosed &&
      positions.noteAsked(this.state.position, { server, position, askedMs: question.askedMs });
    if (guesses) {
      this.guesses = false;
      if (isKnown && server.isPrimary && positions.news.count === question.newsBefore) {
        this.#routing.count(question);
        session.seat.pass();
        return;
      }
      session.seat.leave();
      this.leaveGuess(false);
    }
    session.session.times.told();
    if (isClosed) {
      // Another one may be the primary already, and have what this one has not.
      session.context.cluster?.report(server.name, READ_ONLY_SERVER);
      session.tryAgain(`${server.name} takes no writes now`);
      return;
    }
    this.#hasAsked = true;
    if (position === undefined) this.#hasWaited = true;
    this.#route();
  }

  // What becomes of the command.

  /** It waits for this server to get further. */
  waitsAt(server: RouteServer): boolean {
    return this.#request.waitsAt(server);
  }

  /** It runs elsewhere, since that one gets no further. */
  leavesWait(): void {
    this.#hasLeft = true;
  }

  /** What went out in front of it has succeeded: the server has what was waited for. */
  prepared(): void {
    if (this.wait === undefined) return;
    this.#session.session.times.waitedForData = true;
    this.#request.endWait(performance.now());
    this.#routing.router.positions.noteReached(this.state.position, this.server!);
  }

  /** It did not get there, or no connection could be had: the primary is the one. */
  giveUp(failed: boolean): void {
    this.#request.abandon(failed);
    this.wait = undefined;
    this.#hasWaited = true;
  }

  /**
   * The server has said that it takes no writes, which this one is, or calls, without its text telling
   * so: where that is a replica, the primary is asked, and what stored code there is read anew.
   */
  refused(): void {
    if (this.server === undefined || this.server.isPrimary) return;
    this.#isRefused = true;
    this.#session.context.cluster?.noteDefinition();
  }

  /** The client or the server has gone. */
  lost(): void {
    this.#request.abandon(!this.#session.session.closed);
    if (this.#mayWrite()) this.#noteUntold();
    this.state.isTransactionUnsent = false;
    this.end();
  }

  /** An OK packet has told a GTID. @param text As it stands there. */
  noteGtid(text: Uint8Array): void {
    this.#isTold = true;
    this.#routing.router.positions.noteWrite(this.state.position, text, Date.now());
  }

  /** The answer is complete. Hot path. */
  noteAnswer({ status, errorCode }: AnsweredStatus): void {
    const session = this.#session;
    const { facts } = session;
    const failed = errorCode !== 0;
    if (!failed) this.status = status;
    if (isInterruption(errorCode)) this.#request.abandon(false);
    else this.#request.answered();
    if ((status & ServerStatus.IN_TRANS) === 0) this.state.isTransactionUnsent = false;
    this.state.autocommit = (status & ServerStatus.AUTOCOMMIT) !== 0;
    if (facts !== undefined && (facts.bars & Bar.DEFINES) !== 0) {
      session.context.cluster?.noteDefinition();
    }
    const writes = this.#mayWrite();
    if (writes) this.#wrote = true;
    if (this.#wrote && (status & ServerStatus.IN_TRANS) === 0) {
      this.#wrote = false;
      const isKnown = this.#routing.router.positions.tellsWrites &&
        (this.#isTold || (!failed && session.baseline.tellsGtids));
      if (!isKnown) this.#noteUntold();
    } else if (!writes && !failed && facts?.seesTables === true && this.server !== undefined) {
      this.#routing.router.positions.noteRead(this.state.position, this.server, Date.now());
    }
  }

  #noteUntold(): void {
    this.#routing.router.positions.noteWrite(this.state.position, undefined, Date.now());
  }

  #mayWrite(): boolean {
    const { facts, command, effects } = this.#session;
    if (facts !== undefined) return (facts.bars & WRITING) !== 0 || (effects & RUNS_CODE) !== 0;
    const code = command[HEADER_LENGTH];
    return code === Command.QUERY || code === Command.STMT_EXECUTE ||
      code === Command.STMT_BULK_EXECUTE;
  }

  /** The command is dealt with. */
  end(): void {
    this.isEventual = false;
    this.wait = undefined;
    this.#forgetQuestion();
    this.#hasAsked =
      this.#mayNotGuess =
      this.#hasWaited =
      this.#hasLeft =
      this.#isRefused =
      this.#isTold =
        false;
    this.#request.abandon(false);
  }

  /** As after a login. */
  startAnew(): void {
    this.#seen = undefined;
    this.state.isTransactionUnsent = false;
  }
}

/** ER_OPTION_PREVENTS_STATEMENT. */
const READ_ONLY_SERVER = 1290;

const NO_RULES = new Uint32Array(0);
