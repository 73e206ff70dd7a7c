// Sessions of the other workers, as far as one worker needs to know of them.

import type { Directory } from "./directory.ts";

/** How a session is shown to others. */
export interface SessionLabel {
  /** The proxy's connection id. */
  readonly id: number;
  /** The client's address; empty for a unix socket. */
  readonly address: string;
  readonly port: number;
}

/** Asks the other workers. Control plane: each question is a round trip between processes. */
export interface Peers {
  /** The server's thread id of a session of another worker; undefined where there is none. */
  threadOf(id: number): Promise<number | undefined>;
  /** All sessions of the other workers by the server's thread ids. */
  sessions(): Promise<ReadonlyMap<number, SessionLabel>>;
  /** Clients connected to the other workers, as last heard. */
  readonly clients: number;
}

/** The peers of a worker that is alone. */
export const NO_PEERS: Peers = {
  clients: 0,
  threadOf: () => Promise.resolve(undefined),
  sessions: () => Promise.resolve(new Map()),
};

/** Tells whether an id is for another worker to look up. */
export function belongsToPeer(directory: Directory, peers: Peers, id: number): boolean {
  return peers !== NO_PEERS && directory.isPeerId(id);
}
