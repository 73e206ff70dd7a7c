// What the pools of all servers have in common, so that a session may take turns on connections of
// several.

import type { HandshakeResponse } from "../wire/mod.ts";
import { PreparedTexts } from "./prepared_texts.ts";
import { StateTable } from "./session_state.ts";

/** What all logins of a kind have in common. */
export interface KindOfLogin {
  /** Without user, proof and schema. */
  readonly login: HandshakeResponse;
  /** The client's own connection is encrypted or local. */
  readonly clientSecure: boolean;
  /** The server is to tell the GTIDs of what is written. */
  readonly tracksGtids: boolean;
}

/** Of one worker. */
export class PoolTables {
  /** Sessions that log in from now on are to be told the GTIDs of what they write. */
  tracksGtids: boolean;
  /** The states of all sessions and connections. */
  readonly states: StateTable = new StateTable();
  /** The texts of all sessions' prepared statements. */
  readonly texts: PreparedTexts = new PreparedTexts();
  /** How connections of a kind log in, whoever's they are. */
  readonly kinds = new Map<string, KindOfLogin>();

  constructor({ tracksGtids }: { readonly tracksGtids: boolean }) {
    this.tracksGtids = tracksGtids;
  }
}
