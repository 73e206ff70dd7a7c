// Who is connected: sessions by the proxy's connection ids, and by the server's thread ids.

import type { ClientSession } from "./client_session.ts";

/** Ids of this proxy start here, far above what servers count up to in years. */
const ID_BASE = 0x40000000;
/** Bits of an id that count sessions of one worker; the bits above hold the worker. */
const COUNTER_BITS = 22;
const WORKERS_MAX = 256;
const COUNTER_MASK = (1 << COUNTER_BITS) - 1;

/** A worker's sessions. Ids are 31-bit, unique over up to 256 workers. */
export class Directory {
  readonly #worker: number;
  readonly #sessions = new Map<number, ClientSession>();
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

  /** The server's thread id of a session; undefined where there is no such session. */
  threadOf(id: number): number | undefined {
    return this.#sessions.get(id)?.server?.facts.threadId;
  }

  /** The sessions by the server's thread ids. For SHOW PROCESSLIST: walks all sessions. */
  byThread(): Map<number, ClientSession> {
    const found = new Map<number, ClientSession>();
    for (const session of this.#sessions.values()) {
      if (session.server) found.set(session.server.facts.threadId, session);
    }
    return found;
  }
}

/** The worker, 0 to 255, that gave an id; undefined for ids that no worker gives. */
export function workerOf(id: number): number | undefined {
  const worker = (id - ID_BASE) >> COUNTER_BITS;
  return worker >= 0 && worker < WORKERS_MAX ? worker : undefined;
}
