// Sessions of the other workers, as far as one worker needs to know of them.

import type { Directory } from "./directory.ts";
import type { RouteCount } from "../../route/mod.ts";
import type { KillAim, KillOrder } from "../stages/kill_target.ts";

/** How a session is shown to others. */
export interface SessionLabel {
  /** The proxy's connection id. */
  readonly id: number;
  /** The client's address; empty for a unix socket. */
  readonly address: string;
  readonly port: number;
  /** The account's name, one character a byte. */
  readonly user: string;
  /** The default schema; empty: none. Known of sessions that share connections only. */
  readonly schema: string;
  /** The server that it is on, by name; absent while it needs none. */
  readonly server?: string | undefined;
  /** Its thread there. */
  readonly thread?: number | undefined;
  /** It waits for a server connection. */
  readonly isWaiting: boolean;
  /** Time since its last command came, in milliseconds. */
  readonly idleMs: number;
  /** The command under way, as process lists name it; null: none, or not known. */
  readonly command: string | null;
  /** The start of its statement; null: it has none. */
  readonly statement: string | null;
}

/** The sessions and shared connections of workers, for process lists. */
export interface Presence {
  readonly labels: readonly SessionLabel[];
  /** Threads of the server that takes writes on which no session is at the moment. */
  readonly unused: readonly number[];
}

/** Asks the other workers. Control plane: each question is a round trip between processes. */
export interface Peers {
  /** Aims a KILL at a session of another worker. */
  aim(order: KillOrder): Promise<KillAim>;
  /** Who and what is at the server through the other workers. */
  presence(): Promise<Presence>;
  /** What went where through them, by reason. */
  routes(): Promise<readonly RouteCount[]>;
  /** Tells them that servers may answer logins otherwise than before. */
  forgetLogins(): void;
  /** Tells them that a login from an address has succeeded, or failed for its password or name. */
  tellOfLogin(address: string, hasSucceeded: boolean): void;
  /** Clients connected to the other workers, as last heard. */
  readonly clients: number;
  /** Those of them that have not logged in yet. */
  readonly unauthenticated: number;
  /** Sessions of an account there; told where there is a limit on them. */
  clientsOf(user: string): number;
}

/** The peers of a worker that is alone. */
export const NO_PEERS: Peers = {
  clients: 0,
  unauthenticated: 0,
  clientsOf: () => 0,
  aim: () => Promise.resolve({ kind: "nobody" }),
  presence: () => Promise.resolve({ labels: [], unused: [] }),
  routes: () => Promise.resolve([]),
  forgetLogins() {},
  tellOfLogin() {},
};

/** Tells whether an id is for another worker to look up. */
export function belongsToPeer(directory: Directory, peers: Peers, id: number): boolean {
  return peers !== NO_PEERS && directory.isPeerId(id);
}
