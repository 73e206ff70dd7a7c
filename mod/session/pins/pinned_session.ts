// What holds a session on its server connection beyond the command under way.

import { Pins } from "./pins.ts";
import { PlacedSession } from "../routing/placed_session.ts";

/** A session that keeps a connection as long as something of it cannot be carried over to another. */
export abstract class PinnedSession extends PlacedSession {
  /** What statements have said that holds it. */
  readonly pins = new Pins();
  /** What else does: a set of `OwnPin`. */
  ownPins = 0;
  /** The session is over when its connection is. */
  endsWithConnection = false;

  /** It holds a connection beyond the command under way. */
  get pinned(): boolean {
    return this.ownPins !== 0 || this.pins.any || this.endsWithConnection ||
      (this.pooled?.connection.kills ?? 0) > 0;
  }

  /** The server is about to close the connection, and the session is over then. */
  endWithConnection(why: number): void {
    this.endsWithConnection = true;
    this.ownPins |= why;
  }
}
