// Who is connected: sessions by the proxy's connection ids, and as process lists show them.

import type { ClientSession } from "../client_session.ts";
import { currentCommand } from "./current_statement.ts";
import type { SessionLabel } from "./peers.ts";

/** Ids of this proxy start here, far above what servers count up to in years. */
const ID_BASE = 0x40000000;
/** Bits of an id that count sessions of one worker; the bits above hold the worker. */
const COUNTER_BITS = 22;
const WORKERS_MAX = 256;
const COUNTER_MASK = (1 << COUNTER_BITS) - 1;

/** A KILL whose answer has not come. */
interface PendingKill {
  /** Settles it if nobody waits for the answer any more. */
  settleIfAbandoned(): void;
}

/** A worker's sessions. Ids are 31-bit, unique over up to 256 workers. */
export class Directory {
  readonly #worker: number;
  readonly #sessions = new Map<number, ClientSession>();
  /** KILLs of this worker's clients that are under way. */
  readonly kills = new Set<PendingKill>();
  #counter = 0;

  /** @param worker The worker's number, 0 to 255. */
  constructor(worker: number) {
    this.#worker = worker;
  }

  /** Sessions connected now. */
  get size(): number {
    return this.#sessions.size;
  }

  /** An id that no session of any worker has. */
  nextId(): number {
    do this.#counter = (this.#counter + 1) & COUNTER_MASK; while (
      this.#sessions.has(this.#idOf(this.#counter))
    );
    return this.#idOf(this.#counter);
  }

  #idOf(counter: number): number {
    return ID_BASE + (this.#worker << COUNTER_BITS) + counter;
  }

  add(session: ClientSession): void {
    this.#sessions.set(session.id, session);
  }

  remove(session: ClientSession): void {
    this.#sessions.delete(session.id);
  }

  all(): IterableIterator<ClientSession> {
    return this.#sessions.values();
  }

  /** An id that another worker may have given. */
  isPeerId(id: number): boolean {
    const worker = workerOf(id);
    return worker !== undefined && worker !== this.#worker;
  }

  /** The session with an id, logged in or not. */
  get(id: number): ClientSession | undefined {
    return this.#sessions.get(id);
  }

  /** The sessions that have logged in at the server. For SHOW PROCESSLIST: walks all. */
  labels(): SessionLabel[] {
    const labels: SessionLabel[] = [];
    for (const session of this.#sessions.values()) {
      if (session.server || (session.loggedIn && session.pooled)) labels.push(labelOf(session));
    }
    return labels;
  }
}

function labelOf(session: ClientSession): SessionLabel {
  const { id, address, port, user, server, pooled, context, activeAt } = session;
  const at = server?.facts.server ?? pooled?.seat.server;
  const current = session.idle ? undefined : currentCommand(session);
  return {
    id,
    address,
    port,
    user,
    schema: pooled?.state.schema ?? "",
    server: at,
    thread: server?.facts.threadId,
    isWaiting: pooled?.busy === true && at === undefined,
    idleMs: Math.max(0, context.now - activeAt),
    command: current?.command ?? null,
    statement: current?.text ?? null,
  };
}

/** The worker, 0 to 255, that gave an id; undefined for ids that no worker gives. */
export function workerOf(id: number): number | undefined {
  const worker = (id - ID_BASE) >> COUNTER_BITS;
  return worker >= 0 && worker < WORKERS_MAX ? worker : undefined;
}
