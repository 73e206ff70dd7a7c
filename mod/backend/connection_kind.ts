// Kinds of server connections: those of one kind can stand in for one another.

import { Capability, type HandshakeResponse } from "../wire/mod.ts";

const GTIDS = ":gtids";

/** Connections are alike if their flags, their kind of transport and what they tell are. */
export function kindOf({ login, clientSecure, tracksGtids = false }: {
  /** What the client said of itself. */
  readonly login: HandshakeResponse;
  /** The client's own connection is encrypted or local. */
  readonly clientSecure: boolean;
  /** The session is told the GTIDs of what it writes. @default {false} */
  readonly tracksGtids?: boolean;
}): string {
  // Whether it began with a schema makes no difference afterwards.
  const flags = (login.capabilities & ~Capability.CONNECT_WITH_DB).toString(16);
  const extended = login.mariadbCapabilities.toString(16);
  const kind = `${flags}:${extended}:${clientSecure ? "secure" : "plain"}`;
  return tracksGtids ? kind + GTIDS : kind;
}

/** Connections of a kind tell the GTIDs of what is written. */
export function isToldGtids(kind: string): boolean {
  return kind.endsWith(GTIDS);
}
