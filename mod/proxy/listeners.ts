// Where a worker accepts clients: its listening sockets, closed and opened again as a whole.

import type { ListenAddress } from "../config/mod.ts";
import { listen, type Listener, type Stream } from "../net/mod.ts";

/** How a worker listens. */
export interface ListenOptions {
  readonly accept: (stream: Stream) => void;
  /** Several workers share their ports. */
  readonly reusePort: boolean;
  /** How often it listens on each port. */
  readonly copies: number;
  /** It takes the place of an older proxy. */
  readonly replace: boolean;
}

/** The listening sockets of a worker. */
export class Listeners {
  /** With the ports that the system gave. */
  addresses: readonly ListenAddress[];
  readonly #options: ListenOptions;
  #open: Listener[] = [];
  #isPaused = false;

  /** @param addresses Where to listen; port 0 is one that the system gives. */
  constructor(addresses: readonly ListenAddress[], options: ListenOptions) {
    this.addresses = addresses;
    this.#options = options;
  }

  /** Nobody is accepted until `open`. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /**
   * Begins to accept clients, or does so again on the same ports.
   *
   * @throws {ListenError} If an address cannot be listened on; then none is.
   */
  async open(): Promise<void> {
    const { copies, ...how } = this.#options;
    const open: Listener[] = [];
    const addresses: ListenAddress[] = [];
    try {
      for (const address of this.addresses) {
        const first = await listen(address, how);
        open.push(first);
        addresses.push(first.address);
        if (address.kind === "unix") continue;
        for (let copy = 1; copy < copies; copy++) open.push(await listen(first.address, how));
      }
    } catch (error) {
      for (const listener of open) listener.close();
      throw error;
    }
    this.addresses = addresses;
    this.#open = open;
    this.#isPaused = false;
  }

  /** Clients are refused as where nobody listens; those that are there stay. */
  pause(): void {
    this.#isPaused = true;
    this.close();
  }

  /** Accepts no more. */
  close(): void {
    for (const listener of this.#open.splice(0)) listener.close();
  }

  /** Leaves the ports to a newer proxy. */
  retire(): void {
    // A unix socket is not closed: its name is the new proxy's, and may not be removed.
    this.#open = this.#open.filter(({ address }) => address.kind !== "unix");
    this.close();
  }
}
