// What the proxy asks behind a client's statement, before the connection is free again: what an
// error does not tell, and what code that is not in the statement's text may have changed.

import {
  type AnswerSink,
  isMariadb,
  PING,
  type PooledConnection,
  queryPacket,
  Residue,
  textRows,
  UNKNOWN,
} from "../../backend/mod.ts";
import { Expect, PacketAssembler } from "../../wire/mod.ts";
import { CaptureQuery } from "../state/captured_values.ts";
import { hiddenPinQuery, judgeCounters } from "../pins/hidden_pins.ts";
import { limitsLifted } from "../state/lifted_limits.ts";
import { noteChangedVariables } from "../state/changed_variables.ts";
import { OwnPin } from "../pins/own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";
import { oweState, readState } from "../state/told_state.ts";

/** The proxy's own requests behind a client's. */
export class Afterwards implements AnswerSink {
  readonly #session: PooledSession;
  readonly #pooled: PooledConnection;
  #outstanding = 0;

  constructor(session: PooledSession, pooled: PooledConnection) {
    this.#session = session;
    this.#pooled = pooled;
  }

  /**
   * An OK packet with the status that an error does not tell.
   *
   * @param isMore And the state: MariaDB tells it only with another change of it.
   */
  ping(isMore: boolean): void {
    this.#outstanding++;
    this.#pooled.rowCountGone = true;
    const { connection } = this.#pooled;
    if (this.#isMariadb) {
      if (isMore) connection.request(queryPacket(connection, CHANGE), Expect.RESULT, this);
      else connection.request(PING, Expect.OK, this);
    } else connection.request(PING, Expect.OK, new OwedChanges(this, true));
  }

  /**
   * Takes what is still to be told of a statement that has set something for itself only: MariaDB
   * tells it with the next setting, MySQL with the next OK packet.
   */
  flush(): void {
    if (this.#isMariadb) this.#run(CHANGE, new OwedChanges(this, false));
    else {
      this.#outstanding++;
      this.#pooled.rowCountGone = true;
      this.#pooled.connection.request(PING, Expect.OK, new OwedChanges(this, false));
    }
  }

  get #isMariadb(): boolean {
    return isMariadb(this.#session.context.server.identity!);
  }

  /** A statement whose OK tells of settings that the client's did not tell of. */
  tell(text: string): void {
    this.#run(text, this);
  }

  /** A statement of which nothing needs to be told: it turns the proxy's trackers on again, say. */
  set(text: string): void {
    this.#run(text, new Packets(this, () => {}));
  }

  #run(text: string, sink: AnswerSink): void {
    this.#outstanding++;
    this.#pooled.touch();
    const { connection } = this.#pooled;
    connection.request(queryPacket(connection, text), Expect.RESULT, sink);
  }

  /**
   * What is asked next would take these away.
   *
   * @param diagnosed Behind GET DIAGNOSTICS: whether it has asked for what there is not is seen by
   *   them only.
   */
  captureDiagnostics(diagnosed = false): void {
    const session = this.#session;
    const pooled = this.#pooled;
    const { connection } = pooled;
    pooled.touch();
    if (pooled.residue & Residue.WARNINGS) {
      this.#outstanding++;
      connection.request(
        queryPacket(connection, "SHOW WARNINGS"),
        Expect.RESULT,
        new Packets(this, (packets) => {
          session.keepWarnings(packets, connection.facts.capabilities);
          const last = session.conditions?.list.at(-1);
          if (diagnosed && last?.code === INVALID_CONDITION) session.rowCount = -1;
        }),
      );
    }
    if (pooled.residue & Residue.FOUND_ROWS) {
      this.#outstanding++;
      const query = new CaptureQuery();
      query.foundRows();
      connection.request(
        queryPacket(connection, query.limitedText),
        Expect.RESULT,
        new Packets(
          this,
          (packets) =>
            session.keep(query.read(packets, {
              capabilities: connection.facts.capabilities,
              collations: session.baseline.collations,
            })),
        ),
      );
    }
    pooled.residue &= ~(Residue.WARNINGS | Residue.FOUND_ROWS);
    pooled.foundRows = UNKNOWN;
    pooled.hasStandIns = false;
    // On MariaDB they stay where nothing that is asked uses a table.
    pooled.hasConditions &&= isMariadb(session.context.server.identity!);
  }

  /** What code that is not in the statement's text may have left. */
  findHidden(): void {
    this.#session.hasCalled = false;
    this.captureDiagnostics();
    const lifted = limitsLifted(this.#session);
    if (lifted) this.set(lifted[0]);
    this.#listVariables();
    this.#countPins();
    if (lifted) this.set(lifted[1]);
  }

  /** The names of all user variables. */
  #listVariables(): void {
    this.#outstanding++;
    const { connection } = this.#pooled;
    const text = isMariadb(this.#session.context.server.identity!) ? LIST_MARIADB : LIST_MYSQL;
    this.#pooled.touch();
    const sink = new Packets(this, (packets) => {
      const rows = connection.tracker.errorCode === 0
        ? textRows(connection, packets).rows
        : undefined;
      // A row without a name tells whether the server could tell any.
      const named = rows?.flatMap(([shown, isNull]) => {
        const name = shown?.toLowerCase();
        const isSet = name !== undefined && (isNull !== "1" || !this.#isGhost(`@${name}`));
        return isSet ? [name] : [];
      });
      const isKnown = rows?.every(([name, isNull]) => name !== undefined || isNull === "0");
      this.#listed(isKnown ? named : undefined);
    });
    connection.request(queryPacket(connection, text), Expect.RESULT, sink);
  }

  /** What others have left is NULL still unless somebody has set it now. */
  #isGhost(name: string): boolean {
    const { knownVariables, dirty } = this.#pooled;
    return knownVariables?.has(name) === true && dirty?.has(name) !== true &&
      !this.#session.userVariables.has(name);
  }

  /**
   * Temporary tables and the like that were made by other than the statement's own text: where the
   * server has told that something has changed; otherwise they are only counted.
   */
  #countPins(): void {
    this.#outstanding++;
    const pooled = this.#pooled;
    const { connection } = pooled;
    const sink = new Packets(this, (packets) => {
      const { rows } = textRows(connection, packets);
      judgeCounters(this.#session, pooled, rows);
      this.#session.hiddenChange = false;
    });
    const text = hiddenPinQuery(this.#session);
    pooled.touch();
    connection.request(queryPacket(connection, text), Expect.RESULT, sink);
  }

  #listed(names: readonly string[] | undefined): void {
    const session = this.#session;
    if (names === undefined) session.ownPins |= OwnPin.USER_VARIABLES;
    else noteChangedVariables(session, this.#pooled, names.map((name) => `@${name}`));
  }

  /** The client is told of it later. @param isLasting And it is what the session has set. */
  owe(packet: Uint8Array, isLasting: boolean): void {
    if (isLasting) readState(this.#session, packet);
    oweState(this.#session, packet);
  }

  onAnswerBytes(): void {}

  onOkPacket(packet: Uint8Array): void {
    readState(this.#session, packet);
  }

  onAnswerEnd(): void {
    if (--this.#outstanding > 0) return;
    // Where the connection is held that is for later: rows may come without metadata until then.
    if (this.#session.hiddenChange && !isHeld(this.#session)) this.findHidden();
    else this.#session.afterwardsDone();
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }
}

/** The connection stays the session's, whatever else it has left there. */
export function isHeld({ pinned, inTransaction }: PooledSession): boolean {
  return pinned || inTransaction;
}

const LIST_MARIADB = "SELECT VARIABLE_NAME,VARIABLE_VALUE IS NULL " +
  "FROM information_schema.USER_VARIABLES LIMIT 1000000"; // whatever the session's limit
const LIST_MYSQL =
  "SELECT VARIABLE_NAME,VARIABLE_VALUE IS NULL FROM performance_schema.user_variables_by_thread " +
  "WHERE THREAD_ID=PS_CURRENT_THREAD_ID() " +
  // Threads that are not instrumented have no number, and no variables there.
  "UNION ALL SELECT NULL,PS_CURRENT_THREAD_ID() IS NULL LIMIT 1000000";

/** `ER_DA_INVALID_CONDITION_NUMBER`. */
const INVALID_CONDITION = 1758;

/** Changes nothing, and what else has changed is told with it. */
export const CHANGE = "SET @@SESSION.sql_warnings=@@SESSION.sql_warnings";

const ANSWER_MAX = 1024 * 1024;

/** Collects an answer for whoever reads it. */
class Packets implements AnswerSink {
  readonly #afterwards: Afterwards;
  readonly #read: (packets: PacketAssembler) => void;
  readonly #packets = new PacketAssembler(ANSWER_MAX);

  constructor(afterwards: Afterwards, read: (packets: PacketAssembler) => void) {
    this.#afterwards = afterwards;
    this.#read = read;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
  }

  onAnswerEnd(): void {
    this.#read(this.#packets);
    this.#afterwards.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#afterwards.onServerLost(reason);
  }
}

/** An answer of which only the changes that it tells of are of interest. */
class OwedChanges extends Packets {
  readonly #owes: Afterwards;
  readonly #areLasting: boolean;

  constructor(afterwards: Afterwards, areLasting: boolean) {
    super(afterwards, () => {});
    this.#owes = afterwards;
    this.#areLasting = areLasting;
  }

  onOkPacket(packet: Uint8Array): void {
    this.#owes.owe(packet, this.#areLasting);
  }
}
