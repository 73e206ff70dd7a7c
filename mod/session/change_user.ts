// COM_CHANGE_USER: a login in the middle of a session. The server challenges the client anew.

import {
  changeUser as loginAgain,
  LoginRefusedError,
  type ServerConnection,
} from "../backend/mod.ts";
import { PacketChannel } from "../net/mod.ts";
import { decodeChangeUser } from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { RelayAuthenticator } from "./relay_authenticator.ts";
import { HOLD, type StageResult, TAKEN } from "./stage.ts";
import { RELAY_PLUGIN } from "../backend/mod.ts";

const PACKET_MAX = 1024 * 1024;

/** The stage. Further commands wait until the login has ended. */
export function changeUser(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): StageResult {
  if (server.outstanding > 0) return HOLD;
  session.holdFurther();
  void relay(session, payload, server);
  return TAKEN;
}

async function relay(
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
): Promise<void> {
  const request = decodeChangeUser(payload, session.capabilities);
  const client = new PacketChannel(PACKET_MAX, (reason) => session.onClosed(reason)).attach(
    session.stream,
  );
  client.sequence = 1;
  try {
    const ok = await loginAgain(server.stream, {
      ...request,
      authPlugin: RELAY_PLUGIN,
      authResponse: new Uint8Array(0),
    }, {
      authenticator: new RelayAuthenticator(client, session.capabilities),
      capabilities: server.facts.capabilities,
      secure: server.facts.secure,
      onClosed: (reason) => server.onClosed(reason),
    });
    session.rewritten = undefined;
    server.user = Buffer.from(request.user).toString("latin1");
    client.send(ok);
  } catch (error) {
    server.reusable = false; // servers count failures and refuse a connection that had several
    if (error instanceof LoginRefusedError && error.payload) client.send(error.payload);
    else session.stream.end();
  }
  server.stream.owner = server;
  session.stream.owner = session;
  session.release();
}
