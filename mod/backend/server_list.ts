// The servers of a worker: one object for each that it has ever had to do with.

import type { ServerAddress } from "../config/mod.ts";
import { addressText } from "../net/mod.ts";
import type { PoolOrder, PoolStatus } from "./pool_status.ts";
import type { Server } from "./server.ts";
import type { ServerConnection } from "./server_connection.ts";

/** Servers by name. One that was removed is kept until nobody has to do with it any more. */
export class ServerList {
  readonly #servers = new Map<string, Server>();
  readonly #make: (address: ServerAddress) => Server;
  /** What servers to come are told, too. */
  #orders: readonly PoolOrder[] = [];

  /** @param make Makes the server of an address. */
  constructor(make: (address: ServerAddress) => Server) {
    this.#make = make;
  }

  /** The server at an address, made if it is new. */
  at(address: ServerAddress): Server {
    const name = addressText(address);
    const known = this.#servers.get(name);
    if (known !== undefined) return known;
    const server = this.#make(address);
    for (const order of this.#orders) server.pools?.order(order);
    this.#servers.set(name, server);
    return server;
  }

  /** The server with a name. */
  named(name: string): Server | undefined {
    return this.#servers.get(name);
  }

  /** The server that a connection leads to. */
  of({ facts }: ServerConnection): Server {
    return this.#servers.get(facts.server)!;
  }

  /** Nobody has to do with it any more. */
  forget({ name }: Server): void {
    this.#servers.delete(name);
  }

  /** All of them. */
  all(): IterableIterator<Server> {
    return this.#servers.values();
  }

  /** Something has happened that logins may be answered otherwise for. */
  forgetLogins(): void {
    for (const server of this.#servers.values()) server.forgetLogins();
  }

  /** Applies an order to the shared pools of all servers, those to come included. */
  order(order: PoolOrder): void {
    if (order.kind !== "reconnect") {
      const isForAll = order.account === undefined;
      const others = isForAll
        ? []
        : this.#orders.filter(({ account }) => account !== order.account);
      this.#orders = [...others, order];
    }
    for (const server of this.#servers.values()) server.pools?.order(order);
  }

  /** What SHOW POOLS shows. */
  poolStatuses(): PoolStatus[] {
    return [...this.#servers.values()].flatMap(({ pools }) => pools?.statuses() ?? []);
  }

  /** Applies every timeout. */
  sweep(): void {
    for (const { pool, pools } of this.#servers.values()) {
      pool.sweep();
      pools?.sweep();
    }
  }

  /**
   * Nobody will need one any more: idle connections are closed, the others when what runs on them
   * has ended (a reset, a ROLLBACK), so that no server counts an aborted one.
   */
  leave(): void {
    for (const { pool, pools } of this.#servers.values()) {
      pool.leave(true);
      pools?.close();
      pools?.leave(true);
    }
  }

  /** No connection is there. */
  get empty(): boolean {
    return [...this.#servers.values()].every(({ pool, pools }) =>
      pool.empty && pools?.empty !== false
    );
  }
}
