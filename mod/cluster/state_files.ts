// What is kept over restarts, one JSON file each: the last topology, to have more places to begin
// at, and what people have said of servers. They are replaced whole; the one before stays as .bak.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatAddress, parseAddress, type ServerAddress } from "../config/mod.ts";
import type { Orders } from "./orders.ts";
import type { Topology } from "./topology.ts";

const TOPOLOGY_FILE = "topology.json";
const ORDERS_FILE = "orders.json";
const DEFAULT_PORT = 3306;

/** What was kept. */
export interface SavedState {
  /** Addresses of the servers of the last topology. */
  readonly servers: readonly ServerAddress[];
  readonly orders: Orders;
}

/** The files of one directory. */
export class StateFiles {
  readonly #folder: string;
  readonly #onError: (reason: string) => void;
  /** What is written is written in order, the last value of each file alone. */
  readonly #waiting = new Map<string, unknown>();
  #writing: Promise<void> | undefined;
  #epoch = -1;

  /** @param options.onError Told why something could not be read or written. */
  constructor(folder: string, options: { readonly onError: (reason: string) => void }) {
    this.#folder = folder;
    this.#onError = options.onError;
  }

  /** Reads what was kept; what cannot be read is told, and left out. */
  async read(): Promise<SavedState> {
    const [topology, orders] = [
      await this.#readFile(TOPOLOGY_FILE, isSavedTopology),
      await this.#readFile(ORDERS_FILE, isOrders),
    ];
    const servers = (topology?.servers ?? []).map(({ address }) =>
      parseAddress(address, DEFAULT_PORT)
    );
    return { servers, orders: orders ?? {} };
  }

  /** Keeps a topology, if it differs from the one before in more than positions and lags. */
  saveTopology(topology: Topology): void {
    if (topology.epoch === this.#epoch) return;
    this.#epoch = topology.epoch;
    this.#save(TOPOLOGY_FILE, savedTopology(topology));
  }

  /** Keeps what people have said. */
  saveOrders(orders: Orders): void {
    this.#save(ORDERS_FILE, orders);
  }

  /** Resolves when all that was to be kept is written, or has failed. */
  async written(): Promise<void> {
    await this.#writing;
  }

  #save(file: string, value: unknown): void {
    this.#waiting.set(file, value);
    this.#writing ??= this.#writeAll().finally(() => this.#writing = undefined);
  }

  async #writeAll(): Promise<void> {
    for (let next = first(this.#waiting); next; next = first(this.#waiting)) {
      const [file, value] = next;
      this.#waiting.delete(file);
      try {
        await this.#write(file, `${JSON.stringify(value, null, 2)}\n`);
      } catch (error) {
        this.#onError(`cannot write ${join(this.#folder, file)}: ${(error as Error).message}`);
      }
    }
  }

  async #write(file: string, text: string): Promise<void> {
    const path = join(this.#folder, file);
    const fresh = `${path}.new`;
    await mkdir(this.#folder, { recursive: true });
    await writeFile(fresh, text, { mode: 0o600, flush: true });
    await rename(path, `${path}.bak`).catch(() => {}); // there is none the first time
    await rename(fresh, path);
  }

  /** The file or, if it is missing or damaged, the one before. */
  async #readFile<T>(file: string, fits: (value: unknown) => value is T): Promise<T | undefined> {
    for (const path of [join(this.#folder, file), join(this.#folder, `${file}.bak`)]) {
      let text: string;
      try {
        text = await readFile(path, "utf8");
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code !== "ENOENT") this.#onError(`cannot read ${path}: ${(error as Error).message}`);
        continue;
      }
      const value = parse(text);
      if (fits(value)) return value;
      this.#onError(`cannot read ${path}: it is damaged`);
    }
    return undefined;
  }
}

/** The part of a topology that is kept. */
interface SavedTopology {
  readonly savedMs: number;
  readonly flavor: string;
  readonly clusterId: string | null;
  readonly primary: string | null;
  readonly servers: readonly {
    readonly address: string;
    readonly role: string;
    readonly version: string;
  }[];
}

function savedTopology(topology: Topology): SavedTopology {
  const { flavor, clusterId, primary, madeMs, servers } = topology;
  return {
    savedMs: madeMs,
    flavor,
    clusterId,
    primary,
    servers: servers.filter(({ answeredMs, state }) =>
      answeredMs !== null && state !== "wrong-cluster"
    ).map(({ address, role, version }) => ({ address: formatAddress(address), role, version })),
  };
}

function isSavedTopology(value: unknown): value is SavedTopology {
  const { servers } = (value ?? {}) as Partial<SavedTopology>;
  return Array.isArray(servers) && servers.every(({ address }) => isAddress(address));
}

function isAddress(text: unknown): boolean {
  if (typeof text !== "string") return false;
  try {
    parseAddress(text, DEFAULT_PORT);
    return true;
  } catch {
    return false;
  }
}

function isOrders(value: unknown): value is Orders {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((order: unknown) => {
    const { draining, weight } = (order ?? {}) as { draining?: unknown; weight?: unknown };
    return typeof draining === "boolean" && (weight === undefined || typeof weight === "number");
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function first<K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined {
  return map.entries().next().value;
}
