// Reads what stored functions and views there are, from the primary and as the proxy's own account:
// without that knowledge no statement leaves the primary.

import { connectAsOwn } from "../auth/mod.ts";
import { findServer, type Topology } from "../cluster/mod.ts";
import type { Config, ServerAddress } from "../config/mod.ts";
import type { Log } from "../observe/mod.ts";
import { type RoutineRow, ROUTINES_QUERY, type ViewRow, VIEWS_QUERY } from "../route/mod.ts";
import type { StoredCode } from "../session/mod.ts";
import { ownEndpoint } from "./credentials.ts";

/** Time between two readings, in milliseconds; what is defined through the proxy is read at once. */
const INTERVAL_MS = 30_000;
/** Readings that follow one another at once are one, in milliseconds. */
const PAUSE_MS = 100;
/** An answer may take this long, in milliseconds. */
const ANSWER_MS_MAX = 10_000;
/** After a failure, in milliseconds. */
const RETRY_MS = 1000;

/** The reading, as long as it goes on. */
export class StoredCodeWatch {
  readonly #config: () => Config;
  readonly #log: Log;
  readonly #topology: () => Topology;
  readonly #publish: (code: StoredCode) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #known = "";
  #complaint = "";
  #reading = false;
  #again = false;
  #stopped = false;

  /**
   * @param config The one in force.
   * @param publish Told of what there is, whenever that is something else than before.
   */
  constructor(config: () => Config, { log, topology, publish }: {
    readonly log: Log;
    readonly topology: () => Topology;
    readonly publish: (code: StoredCode) => void;
  }) {
    this.#config = config;
    this.#log = log;
    this.#topology = topology;
    this.#publish = publish;
  }

  /** Something may have been defined anew: reads in a moment. */
  refresh(): void {
    if (this.#reading) this.#again = true;
    else this.#schedule(PAUSE_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#read(), ms);
  }

  async #read(): Promise<void> {
    this.#reading = true;
    this.#again = false;
    const address = primaryAddress(this.#topology());
    let next = INTERVAL_MS;
    try {
      if (address === undefined) next = PAUSE_MS;
      else this.#take(await readStoredCode(this.#config(), address));
      this.#complaint = "";
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== this.#complaint) this.#log.warn("stored functions not read", { reason });
      this.#complaint = reason;
      next = RETRY_MS;
    }
    this.#reading = false;
    this.#schedule(this.#again ? PAUSE_MS : next);
  }

  #take(code: StoredCode): void {
    const text = JSON.stringify(code);
    if (text === this.#known) return;
    this.#known = text;
    this.#publish(code);
  }
}

/** @throws {Error} If the server cannot be asked. */
async function readStoredCode(config: Config, address: ServerAddress): Promise<StoredCode> {
  const connection = await connectAsOwn(ownEndpoint(config, address), config.monitor.timeoutMs);
  try {
    // Who asks for definitions may wait for whoever changes one.
    const [routines] = await connection.query({ sql: ROUTINES_QUERY, timeout: ANSWER_MS_MAX });
    const [views] = await connection.query({ sql: VIEWS_QUERY, timeout: ANSWER_MS_MAX });
    return {
      routines: (routines as Fields[]).map((row) => ({
        schema: textOf(row["schema"]) ?? "",
        name: textOf(row["name"]) ?? "",
        access: textOf(row["access"]) ?? "",
        definition: textOf(row["definition"]),
      } satisfies RoutineRow)),
      views: (views as Fields[]).map((row) => ({
        schema: textOf(row["schema"]) ?? "",
        name: textOf(row["name"]) ?? "",
        definition: textOf(row["definition"]),
      } satisfies ViewRow)),
    };
  } finally {
    connection.destroy();
  }
}

type Fields = Readonly<Record<string, unknown>>;

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value.toString() : String(value);
}

/** The server that takes writes; undefined while none is known. */
export function primaryAddress(topology: Topology): ServerAddress | undefined {
  const leader = topology.primary === null ? undefined : findServer(topology, topology.primary);
  return (leader ?? topology.servers.find(({ writes }) => writes))?.address;
}
