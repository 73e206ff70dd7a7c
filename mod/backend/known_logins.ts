// What a server says to a login that is like one it has just accepted: then it need not be asked.
//
// It is asked again as soon as that costs nobody anything (a connection is idle, and a second has
// passed), at the latest after `trustMs`, and whenever something has happened that may change its
// mind.

import type { Credential } from "../auth/mod.ts";
import type { Baseline } from "./fresh_state.ts";
import type { SessionState } from "./session_state.ts";

/** A login that a server has accepted. */
export interface AcceptedLogin {
  /** What it was proved with. */
  readonly credential: Credential;
  /** The payload of the server's OK packet. */
  readonly ok: Uint8Array;
  /** What such a session has set, and what it has not. */
  readonly state: SessionState;
  readonly baseline: Baseline;
}

/** After this time the server is asked again if a connection is idle, in milliseconds. */
const FRESH_MS = 1000;
/** Logins remembered; when there are more, they start anew. */
const LOGINS_MAX = 1000;

/** The accepted logins of one account, by what a client has said of itself. */
export class KnownLogins {
  readonly #logins = new Map<
    string,
    { readonly login: AcceptedLogin; at: number; asked: number }
  >();
  /** How long a server's word is taken at most, in milliseconds. */
  trustMs: number;

  constructor(trustMs: number) {
    this.trustMs = trustMs;
  }

  /**
   * What the server would say; undefined where it is to be asked.
   *
   * @param mayAsk A connection is idle: asking costs a round trip.
   */
  find(key: string, credential: Credential, { now, mayAsk }: {
    readonly now: number;
    readonly mayAsk: boolean;
  }): AcceptedLogin | undefined {
    const known = this.#logins.get(key);
    if (!known || !known.login.credential.equals(credential)) return undefined;
    if (now - known.at > this.trustMs) return undefined;
    if (mayAsk && now - known.asked > FRESH_MS) {
      known.asked = now; // the others that come now need not
      return undefined;
    }
    return known.login;
  }

  /** The server has accepted a login. @param now In milliseconds. */
  learn(key: string, login: AcceptedLogin, now: number): void {
    if (this.#logins.size >= LOGINS_MAX) this.#logins.clear();
    this.#logins.set(key, { login, at: now, asked: now });
  }

  /** The server is to be asked about every login. */
  forget(): void {
    this.#logins.clear();
  }
}
