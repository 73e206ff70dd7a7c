// Where a login takes place: on an idle connection of the account, or on a new one for which there
// is room in the pool.

import {
  type AccountPool,
  type Lessee,
  LoginRefusedError,
  type PooledConnection,
} from "../../backend/mod.ts";
import { ChannelClosedError } from "../../net/mod.ts";
import type { Counters } from "../../observe/mod.ts";
import type { SqlError } from "../../wire/mod.ts";
import { carryOver } from "../state/preparation.ts";

/** Waits for a connection to log in on, in the queue of all who wait. */
export class LoginPlace implements Lessee {
  readonly kind: string;
  readonly state = undefined;
  readonly last = undefined;
  readonly open = undefined;
  readonly choosesSchema: boolean;
  waitingSince = 0;
  readonly #pool: AccountPool;
  readonly #counters: Counters;
  #began: number | undefined;
  #leased = Promise.withResolvers<PooledConnection | undefined>();

  /** @param schema The login's; empty: none. */
  constructor(
    { kind, schema }: { readonly kind: string; readonly schema: string },
    pool: AccountPool,
    counters: Counters,
  ) {
    this.kind = kind;
    this.choosesSchema = schema !== "";
    this.#pool = pool;
    this.#counters = counters;
  }

  /**
   * Asked again, it waits no longer in all than one wait may take.
   *
   * @returns undefined where it may open one, whose place in the pool is kept.
   * @throws {LoginRefusedError} With 1040 after too long a wait.
   * @throws {ChannelClosedError} If the client leaves meanwhile.
   */
  async lease(signal: AbortSignal): Promise<PooledConnection | undefined> {
    if (this.#began === undefined && this.#pool.mayGrow(this.kind)) return undefined;
    this.#leased = Promise.withResolvers<PooledConnection | undefined>();
    const leave = () => {
      if (!this.#pool.cancel(this)) return; // it has been given one, or a place
      this.#leased.reject(new ChannelClosedError("client left during its login"));
    };
    signal.addEventListener("abort", leave);
    try {
      this.#pool.lease(this, this.#began);
      if (this.waitingSince > 0) this.#began = this.waitingSince;
      return await this.#leased.promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  granted(pooled: PooledConnection): void {
    carryOver(pooled, this.#counters).then(
      () => this.#leased.resolve(pooled),
      (error: unknown) => {
        this.#pool.drop(pooled);
        this.#leased.reject(error);
      },
    );
  }

  mayOpen(): void {
    this.#leased.resolve(undefined);
  }

  refused(error: SqlError): void {
    this.#leased.reject(new LoginRefusedError(error));
  }

  onConnectionLost(): void {}
}
