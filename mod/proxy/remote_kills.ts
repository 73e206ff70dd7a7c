// KILLs of other workers' clients that are aimed at sessions of this one, and the other way round:
// an aim passes between processes as a ticket.

import {
  aimOf,
  type KillAim,
  type KillAtServer,
  type KillOrder,
  type KillVerdict,
  type SessionContext,
} from "../session/mod.ts";
import type { SqlError } from "../wire/mod.ts";

/** How long a worker may take to tell what the server has answered, in milliseconds. */
const SETTLE_MS = 30_000;

/** An aim as a message: what is held stays with the worker that holds it. */
export type RemoteAim =
  | { readonly kind: "nobody" | "done" }
  | { readonly kind: "refused"; readonly error: SqlError }
  | {
    readonly kind: "ask";
    readonly server: string;
    readonly thread: number;
    readonly standsIn: boolean;
    readonly ticket: number;
  };

/** What this worker holds for KILLs of the others' clients. */
export class RemoteKills {
  readonly #held = new Map<number, { readonly aim: KillAtServer; readonly since: number }>();
  readonly #now: () => number;
  #tickets = 0;

  /** @param now A monotonic clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Aims at a session of this worker. */
  async aim(order: KillOrder, context: SessionContext): Promise<RemoteAim> {
    const aim = await aimOf(order, context);
    if (aim.kind !== "ask") return aim;
    const ticket = ++this.#tickets;
    this.#held.set(ticket, { aim, since: this.#now() });
    const { server, thread, standsIn } = aim;
    return { kind: "ask", server, thread, standsIn, ticket };
  }

  /** The other worker knows what has become of the KILL. */
  settle(ticket: number, verdict: KillVerdict): void {
    const held = this.#held.get(ticket);
    this.#held.delete(ticket);
    held?.aim.settle(verdict);
  }

  /** Settles what nobody has settled: the other worker has died. */
  sweep(): void {
    const before = this.#now() - SETTLE_MS;
    for (const [ticket, { since }] of this.#held) {
      if (since <= before) this.settle(ticket, "unknown");
    }
  }
}

/** An aim that another worker holds, for the session that is to ask the server. */
export function aimHeldElsewhere(
  aim: RemoteAim,
  settle: (ticket: number, verdict: KillVerdict) => void,
): KillAim {
  if (aim.kind === "refused") return aim;
  if (aim.kind !== "ask") return { kind: aim.kind };
  const { ticket, server, thread, standsIn } = aim;
  return { kind: "ask", server, thread, standsIn, settle: (verdict) => settle(ticket, verdict) };
}
