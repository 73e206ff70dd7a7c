// SHOW CLUSTER, RW, RO and TOPOLOGY, DRAIN SERVER, ENABLE SERVER and SET SERVER for accounts that
// administer the server; everybody else's go to the server, which knows no such statement.
// Whether an account does, its own SHOW GRANTS on its own connection says, at that moment.

import {
  type AnswerSink,
  queryPacket,
  type ServerConnection,
  textRows,
} from "../../backend/mod.ts";
import {
  type ClusterAnswer,
  type ClusterStatement,
  parseClusterStatement,
} from "../../cluster/mod.ts";
import { clusterStatementStart } from "../../sql/mod.ts";
import {
  Command,
  encodeErr,
  encodeOk,
  encodeTextResult,
  Expect,
  frame,
  PacketAssembler,
} from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { ClusterDesk } from "./cluster_desk.ts";
import { FORWARD, type StageResult, TAKEN } from "../stages/stage.ts";
import { statementStart } from "../command/statement_start.ts";
import { noteState } from "../state/told_state.ts";

/** More grants than this are not read. */
const GRANTS_MAX = 1024 * 1024;

/** The stage. */
export function askCluster(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  const { cluster } = session.context;
  if (cluster === undefined || payload[0] !== Command.QUERY) return FORWARD;
  const from = session.hasQueryAttributes ? statementStart(payload, 0, payload.length) : 1;
  const start = clusterStatementStart(payload, from, payload.length);
  if (start < 0) return FORWARD;
  const statement = parseClusterStatement(payload.toString("utf8", start));
  if (statement === undefined) return FORWARD;
  session.holdFurther(); // answers of what comes behind may not overtake this one
  const sink = new Grants(session, server, {
    cluster,
    statement,
    original: frame(payload, 0),
  });
  server.request(queryPacket(server, "SHOW GRANTS"), Expect.RESULT, sink);
  return TAKEN;
}

/** Takes the account's grants, and then answers, or sends the statement on as it came. */
class Grants implements AnswerSink {
  readonly #session: ClientSession;
  readonly #server: ServerConnection;
  readonly #cluster: ClusterDesk;
  readonly #statement: ClusterStatement;
  readonly #original: Uint8Array;
  readonly #packets = new PacketAssembler(GRANTS_MAX);

  constructor(
    session: ClientSession,
    server: ServerConnection,
    request: {
      readonly cluster: ClusterDesk;
      readonly statement: ClusterStatement;
      readonly original: Uint8Array;
    },
  ) {
    this.#session = session;
    this.#server = server;
    this.#cluster = request.cluster;
    this.#statement = request.statement;
    this.#original = request.original;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.#packets.push(bytes);
  }

  /** The packet that ends the answer, with changes of the session's state. */
  onOkPacket(packet: Uint8Array): void {
    const { pooled } = this.#session;
    this.#packets.push(pooled ? noteState(pooled, packet) : packet);
  }

  onAnswerEnd(): void {
    const server = this.#server;
    const isRefused = server.tracker.errorCode !== 0;
    const grants = isRefused ? [] : textRows(server, this.#packets).rows;
    if (grants.some(([grant]) => administers(grant ?? ""))) void this.#answer();
    else server.request(this.#original, Expect.RESULT, this.#session);
  }

  onServerLost(reason: string): void {
    this.#session.onServerLost(reason);
  }

  async #answer(): Promise<void> {
    const answer = await this.#cluster.answer(this.#statement);
    const session = this.#session;
    const server = this.#server;
    if (session.closed || server.closed || session.server !== server) return;
    session.onAnswerBytes(encoded(answer, server));
    session.onAnswerEnd();
  }
}

function encoded(answer: ClusterAnswer, { facts, tracker }: ServerConnection): Uint8Array {
  const { capabilities, mariadbCapabilities } = facts;
  const { status } = tracker;
  if (answer === "ok") return frame(encodeOk({ status }, capabilities), 1);
  if ("code" in answer) return frame(encodeErr(answer), 1);
  return encodeTextResult(answer, { capabilities, mariadbCapabilities, status });
}

/** Rights over everything and nothing else: names, which may hold anything, stand in quotes. */
const GLOBAL_GRANT = /^GRANT ([A-Z_, ]+) ON \*\.\* TO /;
/** Of MySQL 8 and later, of MariaDB 10.5 and later, of older servers, of all that show them so. */
const ADMINISTRATION = new Set(["CONNECTION_ADMIN", "CONNECTION ADMIN", "SUPER", "ALL PRIVILEGES"]);

/** Whether a line of SHOW GRANTS gives the right to end other accounts' sessions. */
function administers(grant: string): boolean {
  const [, rights = ""] = GLOBAL_GRANT.exec(grant) ?? [];
  return rights.split(/, ?/).some((right) => ADMINISTRATION.has(right));
}
