// COM_CHANGE_USER: a login in the middle of a session. The client proves itself anew.

import { newSalt } from "../../auth/mod.ts";
import {
  changeUser as loginAgain,
  isMariadb,
  literalOf,
  LoginRefusedError,
  makeFresh,
  RELAY_PLUGIN,
  resetConnection,
  runStatement,
  type ServerConnection,
} from "../../backend/mod.ts";
import { ChannelClosedError, PacketChannel, type Stream } from "../../net/mod.ts";
import {
  decodeChangeUser,
  encodeAuthMoreData,
  encodeErr,
  MalformedPacketError,
  PacketTooLargeError,
} from "../../wire/mod.ts";
import { admit } from "./admission.ts";
import type { ClientSession } from "../client_session.ts";
import { noteProved, noteRefused } from "./login_throttle.ts";
import { OwnPin } from "../pins/own_pin.ts";
import { loginOk, moveToPool } from "./pooled_login.ts";
import { refresh } from "../state/refresh.ts";
import { PACKET_TOO_LARGE } from "../session_errors.ts";
import { HOLD, type StageResult, TAKEN } from "../stages/stage.ts";
import { logLoginFailed } from "../observing/statement_logging.ts";

const PACKET_MAX = 1024 * 1024;

/** The stage. Further commands wait until the login has ended. */
export function changeUser(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (server.outstanding > 0) return HOLD;
  session.holdFurther();
  void prove(session, Buffer.from(payload), server);
  return TAKEN;
}

/**
 * After a refusal MySQL closes the connection; on MariaDB the session goes on as the user it was,
 * but all it has set is gone. It can do so elsewhere where the proxy may open a connection for it.
 *
 * @param isOther The server has let the client in, the proxy does not.
 */
async function stayOrEnd(
  session: ClientSession,
  server: ServerConnection,
  isOther: boolean,
): Promise<void> {
  const pooled = session.pooled!;
  if (
    server.closed || isOther || !isMariadb(session.context.server.identity!) ||
    pooled.open === undefined
  ) {
    pooled.endWithConnection(OwnPin.FAILED_LOGIN);
    return;
  }
  server.stream.owner = server;
  await refresh(pooled, pooled.pooled!, false);
  // A login with IGNORE_SPACE sets it, as all others of this kind have; a refused one has taken it.
  const { value } = await runStatement(server, "SELECT @@SESSION.sql_mode");
  if (value === undefined || session.closed) return;
  const { states } = session.context.tables;
  const kept = states.with(pooled.state, [["sql_mode", literalOf("sql_mode", value)]]);
  // The character sets that a reset brings from now on are those of the login that was refused.
  try {
    if (!await resetConnection(server)) return;
    const { baseline } = pooled;
    pooled.loginState = await makeFresh(server, { baseline, states, isReset: true });
    pooled.pooled?.becomeFresh(pooled.loginState);
    pooled.state = kept;
  } catch {
    session.endLost();
  }
}

async function prove(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): Promise<void> {
  const channel = new PacketChannel(PACKET_MAX, (reason) => session.onClosed(reason));
  channel.attach(session.stream);
  channel.sequence = 1;
  let user = "";
  let isOther = false;
  try {
    const decision = session.context.throttle.check(session.address || undefined);
    if (decision.kind === "refuse") throw new LoginRefusedError(decision.error);
    if (decision.kind === "delay") await Bun.sleep(decision.delayMs);
    const request = decodeChangeUser(payload, session.capabilities);
    user = Buffer.from(request.user).toString("latin1");
    const admission = await admit({
      channel,
      transport: session.transport as Stream,
      address: session.address,
      user: request.user,
      // Whatever the client answers here, it answers an old challenge: it is given a new one.
      authPlugin: RELAY_PLUGIN,
      authResponse: new Uint8Array(0),
      capabilities: session.capabilities,
      salt: newSalt(),
    }, session.context);
    const ok = await loginAgain(server.stream, {
      ...request,
      authPlugin: RELAY_PLUGIN,
      authResponse: new Uint8Array(0),
    }, {
      authenticator: admission.authenticator,
      capabilities: server.facts.capabilities,
      secure: server.facts.secure,
      onClosed: (reason) => server.onClosed(reason),
    });
    const blocked = noteProved(session);
    if (blocked) {
      isOther = true;
      throw new LoginRefusedError(blocked);
    }
    admission.accepted();
    session.rewritten = undefined;
    server.again = admission.again;
    server.user = user;
    session.countUser(server.user);
    server.stream.owner = server;
    if (session.pooled) await moveToPool(session, server);
    if (admission.preface) channel.send(encodeAuthMoreData(admission.preface));
    channel.send(session.pooled ? loginOk(session, ok) : ok);
  } catch (failure) {
    const error = noteRefused(session, failure);
    server.reusable = false; // servers count failures and refuse a connection that had several
    if (session.pooled) await stayOrEnd(session, server, isOther);
    if (session.pooled && error instanceof LoginRefusedError) session.pooled.noteError(error.error);
    if (error instanceof LoginRefusedError) {
      logLoginFailed(session, user, error.error);
      channel.send(error.payload ?? encodeErr(error.error));
      if (isOther || (session.pooled && !isMariadb(session.context.server.identity!))) {
        session.stream.end(); // as MySQL does
      }
    } else if (error instanceof MalformedPacketError) {
      channel.send(encodeErr({ code: 1047, sqlState: "08S01", message: "Unknown command" }));
    } else if (error instanceof PacketTooLargeError) {
      channel.send(encodeErr(PACKET_TOO_LARGE));
      session.stream.end();
    } else {
      if (!(error instanceof ChannelClosedError)) {
        const { stack, message } = error as Error;
        session.context.log.error("internal fault in COM_CHANGE_USER", { stack: stack ?? message });
      }
      session.stream.end();
    }
  }
  server.stream.owner = server;
  session.stream.owner = session;
  const behind = channel.takeRest(); // commands that came with the last answer
  session.pooled?.answeredLocally();
  session.release();
  if (behind.length > 0 && !session.closed) session.onBytes(Buffer.from(behind));
}
