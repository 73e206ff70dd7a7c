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
  #copies: number;
  #open: Listener[] = [];
  /** Those that others have taken the place of, until they are closed. */
  #before: Listener[] = [];
  #isPaused = false;

  /** @param addresses Where to listen; port 0 is one that the system gives. */
  constructor(addresses: readonly ListenAddress[], options: ListenOptions) {
    this.addresses = addresses;
    this.#options = options;
    this.#copies = options.copies;
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
    const open = await this.#listen(this.addresses);
    this.addresses = [...new Set(open.map(({ address }) => address))];
    this.#open = open;
    this.#isPaused = false;
  }

  /** All copies of an address have the same object for it. */
  async #listen(addresses: readonly ListenAddress[]): Promise<Listener[]> {
    const open: Listener[] = [];
    try {
      for (const wanted of addresses) {
        const first = await listen(wanted, this.#options);
        open.push(first);
        if (wanted.kind === "unix") continue;
        const { address } = first;
        for (let copy = 1; copy < this.#copies; copy++) {
          open.push({ ...await listen(address, this.#options), address });
        }
      }
    } catch (error) {
      for (const listener of open) listener.close();
      throw error;
    }
    return open;
  }

  /**
   * Listens so often on each TCP port from now on, with new sockets. Those of before accept too, until
   * `settleDown`.
   *
   * @throws {ListenError} If that is not possible; then all is as before.
   */
  async renew(copies: number): Promise<void> {
    this.#copies = copies;
    if (this.#isPaused) return;
    const isTcp = ({ kind }: ListenAddress) => kind === "tcp";
    const open = await this.#listen(this.addresses.filter(isTcp));
    this.#before.push(...this.#open.filter(({ address }) => isTcp(address)));
    this.#open = [...this.#open.filter(({ address }) => !isTcp(address)), ...open];
  }

  /** Closes the sockets of before. */
  settleDown(): void {
    for (const listener of this.#before.splice(0)) listener.close();
  }

  /** Clients are refused as where nobody listens; those that are there stay. */
  pause(): void {
    this.#isPaused = true;
    this.close();
  }

  /** Accepts no more. */
  close(): void {
    this.settleDown();
    for (const listener of this.#open.splice(0)) listener.close();
  }

  /** Leaves the ports to a newer proxy. */
  retire(): void {
    // A unix socket is not closed: its name is the new proxy's, and may not be removed.
    this.#open = this.#open.filter(({ address }) => address.kind !== "unix");
    this.close();
  }
}
