// KILL by the proxy's ids: translated to the server's thread id, and decided upon by the server
// under the client's own privileges.

import {
  type AnswerSink,
  PooledConnection,
  queryPacket,
  Residue,
  runStatement,
  type ServerConnection,
} from "../../backend/mod.ts";
import { killsConnection, parseKill } from "../../sql/mod.ts";
import {
  Command,
  decodeErr,
  encodeErr,
  ERR_HEADER,
  Expect,
  frame,
  PacketAssembler,
  type SqlError,
} from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import {
  aimOf,
  type KillAim,
  type KillAtServer,
  type KillVerdict,
  leaseAny,
  notOwner,
} from "./kill_target.ts";
import { poolAt } from "../login/pool_opener.ts";
import { carryOver } from "../state/preparation.ts";
import { belongsToPeer } from "../observing/peers.ts";
import { OwnPin } from "../pins/own_pin.ts";
import { isInterruption } from "../session_errors.ts";
import { FORWARD, HOLD, type StageResult, TAKEN } from "./stage.ts";
import { statementStart } from "../command/statement_start.ts";

const UNKNOWN_THREAD = 1094;

/** KILL [QUERY | CONNECTION] n. Ids that no session has go to the server as they are. */
export function rewriteKill(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload[0] !== Command.QUERY) return FORWARD;
  const from = session.hasQueryAttributes ? statementStart(payload, 0, payload.length) : 1;
  const target = parseKill(payload, from, payload.length);
  if (!target) {
    if (!session.pooled || !killsConnection(payload, from, payload.length)) return FORWARD;
    server.request(frame(payload, 0), Expect.RESULT, new UntranslatedKill(session, server));
    return TAKEN;
  }
  return translate(session, server, {
    id: target.id,
    queryOnly: target.queryOnly,
    expect: Expect.RESULT,
    original: payload,
    withThread: (thread) =>
      Buffer.concat([
        payload.subarray(0, target.start),
        Buffer.from(String(thread)),
        payload.subarray(target.end),
      ]),
  });
}

/** COM_PROCESS_KILL: the id is 32 bits behind the command byte. */
export function killByCommand(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (payload.length < 5) return FORWARD;
  const kill: KillRequest = {
    id: payload.readUInt32LE(1),
    queryOnly: false,
    expect: Expect.OK,
    original: payload,
    withThread(thread) {
      const rewritten = Buffer.from(payload);
      rewritten.writeUInt32LE(thread, 1);
      return rewritten;
    },
  };
  if (!session.pooled || !mayBeSession(session, kill.id)) return translate(session, server, kill);
  server.request(frame(payload, 0), Expect.OK, new CommandTrial(session, server, kill));
  return TAKEN;
}

/** A request to kill, before its id is known to the server. */
interface KillRequest {
  readonly id: number;
  readonly queryOnly: boolean;
  readonly expect: number;
  readonly original: Buffer;
  withThread(thread: number): Buffer;
}

function mayBeSession({ context }: ClientSession, id: number): boolean {
  const { directory, peers } = context;
  return directory.get(id) !== undefined || belongsToPeer(directory, peers, id);
}

function translate(
  session: ClientSession,
  server: ServerConnection,
  kill: KillRequest,
): StageResult {
  if (!mayBeSession(session, kill.id)) return FORWARD;
  const { context } = session;
  const { directory, peers } = context;
  // Where an answer may be the proxy's own it must not come before those to earlier commands.
  if (context.server.shares && !session.pooled && server.outstanding > 0) return HOLD;
  const order = { id: kill.id, queryOnly: kill.queryOnly, user: session.user };
  const aim = directory.get(kill.id) ? aimOf(order, context) : peers.aim(order);
  if (!(aim instanceof Promise)) {
    carryOut(session, server, { kill, aim });
    return TAKEN;
  }
  session.holdFurther();
  void aim.then((found) => {
    if (session.closed || server.closed || session.server !== server) {
      if (found.kind === "ask") found.settle("refused"); // nothing was sent
      return;
    }
    carryOut(session, server, { kill, aim: found });
    session.release();
  });
  return TAKEN;
}

function carryOut(
  session: ClientSession,
  server: ServerConnection,
  { kill, aim }: { readonly kill: KillRequest; readonly aim: KillAim },
): void {
  switch (aim.kind) {
    case "nobody":
      server.request(frame(kill.original, 0), kill.expect, session);
      return;
    case "done":
      // The OK packet of a statement that does nothing is that of a KILL.
      server.request(queryPacket(server, "DO 0"), Expect.RESULT, session);
      return;
    case "refused":
      session.answerError(aim.error, 1);
      session.pooled?.answeredLocally();
      return;
    case "ask": {
      if (aim.server !== server.facts.server) {
        killElsewhere(session, server, { kill, aim });
        return;
      }
      const sink = new KillAnswer(session, server, { shown: kill.id, aim });
      const { thread, standsIn } = aim;
      if (standsIn) {
        server.request(queryPacket(server, `KILL QUERY ${thread}`), Expect.RESULT, sink);
      } else server.request(frame(kill.withThread(thread), 0), kill.expect, sink);
    }
  }
}

/** The target is at another server than the killer: that one is asked as the killer's account. */
function killElsewhere(
  session: ClientSession,
  server: ServerConnection,
  { kill, aim }: { readonly kill: KillRequest; readonly aim: KillAtServer },
): void {
  session.holdFurther(); // answers of what comes behind may not overtake this one
  const query = kill.queryOnly || aim.standsIn ? "QUERY " : "";
  void killAt(session, aim, `KILL ${query}${aim.thread}`).then((errorCode) => {
    aim.settle(errorCode === 0 ? "killed" : errorCode === LOST ? "unknown" : "refused");
    if (session.closed || server.closed || session.server !== server) return;
    if (errorCode === 0) {
      server.request(queryPacket(server, "DO 0"), Expect.RESULT, session);
    } else {
      session.answerError(
        errorCode === UNKNOWN_THREAD ? unknownThread(kill.id) : notOwner(kill.id),
        1,
      );
      session.pooled?.answeredLocally();
    }
    session.release();
  });
}

/** @returns The server's error number; 0 if it has done it. */
async function killAt(
  session: ClientSession,
  aim: KillAtServer,
  statement: string,
): Promise<number> {
  const { pooled, context, user } = session;
  const there = context.servers.named(aim.server);
  if (pooled === undefined || there === undefined) return NOT_OWNER;
  const pool = poolAt(there, context, { kind: pooled.kind, user, known: pooled.pool });
  const leased = await leaseAny(pooled, pool);
  if (!(leased instanceof PooledConnection)) return leased.code;
  try {
    if (leased.residue !== Residue.NONE) await carryOver(leased, context.counters);
    const { errorCode } = await runStatement(leased.connection, statement);
    leased.touch();
    return errorCode;
  } catch {
    return LOST;
  } finally {
    pool.release(leased);
  }
}

const NOT_OWNER = 1095;
/** The client's own number for a connection that has ended. */
const LOST = 2013;

function unknownThread(id: number): SqlError {
  return { code: UNKNOWN_THREAD, sqlState: "HY000", message: `Unknown thread id: ${id}` };
}

const ANSWER_MAX = 64 * 1024;

/** What a server says to a KILL: an error of its own names the thread by the proxy's id. */
class KillAnswer implements AnswerSink {
  readonly #session: ClientSession;
  readonly #server: ServerConnection;
  readonly #shown: number;
  readonly #thread: number;
  #aim: KillAtServer | undefined;
  readonly #packets = new PacketAssembler(ANSWER_MAX);

  constructor(
    session: ClientSession,
    server: ServerConnection,
    { shown, aim }: { readonly shown: number; readonly aim: KillAtServer },
  ) {
    this.#session = session;
    this.#server = server;
    this.#shown = shown;
    this.#thread = aim.thread;
    this.#aim = aim;
    session.context.directory.kills.add(this);
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
    for (let next = this.#packets.next(); next; next = this.#packets.next()) {
      const payload = next[0] === ERR_HEADER ? this.#rename(next) : next;
      this.#session.onAnswerBytes(frame(payload, this.#packets.sequence));
    }
  }

  #rename(payload: Uint8Array): Uint8Array {
    const error = decodeErr(payload);
    const message = error.message.replace(
      new RegExp(`\\b${this.#thread}\\b`),
      String(this.#shown),
    );
    return encodeErr({ ...error, message });
  }

  onOkPacket(packet: Uint8Array): void {
    this.#session.onOkPacket(packet);
  }

  onAnswerEnd(): void {
    const verdict = this.#verdict(this.#server.tracker.errorCode);
    this.#session.onAnswerEnd();
    this.#settle(verdict);
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
    this.#settle("unknown");
  }

  /** The killer has gone and waits for no answer any more. Called by the janitor. */
  settleIfAbandoned(): void {
    if (this.#session.closed) this.#settle("unknown");
  }

  #verdict(errorCode: number): KillVerdict {
    if (errorCode === 0) return "killed";
    if (!isInterruption(errorCode)) return "refused";
    return this.#thread === this.#server.facts.threadId ? "killed" : "unknown";
  }

  #settle(verdict: KillVerdict): void {
    this.#session.context.directory.kills.delete(this);
    const aim = this.#aim;
    this.#aim = undefined;
    aim?.settle(verdict);
  }
}

/** The answer to a KILL whose target only the server knows: it may be the killer itself. */
class UntranslatedKill implements AnswerSink {
  readonly #session: ClientSession;
  readonly #server: ServerConnection;

  constructor(session: ClientSession, server: ServerConnection) {
    this.#session = session;
    this.#server = server;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#session.onAnswerBytes(bytes);
  }

  onOkPacket(packet: Uint8Array): void {
    this.#session.onOkPacket(packet);
  }

  onAnswerEnd(): void {
    if (isInterruption(this.#server.tracker.errorCode)) {
      this.#session.pooled?.endWithConnection(OwnPin.KILLED);
    }
    this.#session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#session.pooled?.endWithConnection(OwnPin.KILLED);
    this.#session.onServerLost(reason);
  }
}

/**
 * Some servers do not know COM_PROCESS_KILL any more: the command is sent with the proxy's id, which
 * no thread has. If that is what is wrong with it, it is carried out.
 */
class CommandTrial implements AnswerSink {
  readonly #session: ClientSession;
  readonly #server: ServerConnection;
  readonly #kill: KillRequest;
  readonly #answer: Uint8Array[] = [];

  constructor(session: ClientSession, server: ServerConnection, kill: KillRequest) {
    this.#session = session;
    this.#server = server;
    this.#kill = kill;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#answer.push(Buffer.from(bytes));
  }

  onAnswerEnd(): void {
    const { errorCode } = this.#server.tracker;
    const isKnown = errorCode === UNKNOWN_THREAD;
    if (isKnown && translate(this.#session, this.#server, this.#kill) === TAKEN) return;
    this.#session.onAnswerBytes(Buffer.concat(this.#answer));
    this.#session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }
}
