// What a stage is: one thing that may happen to a command before it goes to the server.

import type { ServerConnection } from "../../backend/mod.ts";
import type { ClientSession } from "../client_session.ts";

/** The stage has nothing to do with this command: forward it as it is. */
export const FORWARD = 0;
/** The stage has dealt with the command. */
export const TAKEN = 1;
/** The command must wait until all outstanding answers have come; then the stage is asked again. */
export const HOLD = 2;

/** What a stage says. */
export type StageResult = typeof FORWARD | typeof TAKEN | typeof HOLD;

/** Deals with one command. @param payload The command byte and what follows. */
export type Stage = (
  session: ClientSession,
  payload: Buffer,
  server: ServerConnection,
) => StageResult;
