// A monitor over a real cluster, and ways to wait for what it tells and for what servers say.

import { createConnection } from "mysql2/promise";
import { Credential } from "../../mod/auth/mod.ts";
import {
  type ClusterEvent,
  ClusterMonitor,
  type MonitorSettings,
  OwnConnector,
  type Topology,
  type TopologyServer,
} from "../../mod/cluster/mod.ts";
import type { ServerAddress } from "../../mod/config/mod.ts";
import type { ClusterNode } from "./node.ts";

/** As the proxy has them when nothing is configured. */
export const INTERVAL_MS = 1000;

const SETTINGS: MonitorSettings = {
  flavor: "auto",
  intervalMs: INTERVAL_MS,
  quickIntervalMs: 250,
  timeoutMs: 1000,
  failuresMax: 3,
  lagMaxMs: 3000,
  slowStartMs: 1000,
  lagQuery: "",
  discover: true,
  forgetAfterMs: 600_000,
  eventsMax: 1000,
  servers: [],
};

/** A monitor and what it has told, with the times of this process. */
export class Watching implements Disposable {
  readonly monitor: ClusterMonitor;
  readonly told: { readonly atMs: number; readonly event: ClusterEvent }[] = [];
  /** Every topology that was told. */
  readonly topologies: Topology[] = [];
  readonly #detours: ReadonlyMap<number, number>;

  /** @param detours Where connections to a port are led instead: ways that a test can cut. */
  constructor(seed: ClusterNode, detours: ReadonlyMap<number, number> = new Map()) {
    this.#detours = detours;
    this.monitor = new ClusterMonitor({
      seeds: [{ kind: "tcp", host: "127.0.0.1", port: seed.port }],
      settings: SETTINGS,
      connector: new OwnConnector((address) => this.#endpoint(address)),
      onTopology: (topology) => void this.topologies.push(topology),
      onEvent: (event) => void this.told.push({ atMs: performance.now(), event }),
    });
    this.monitor.start();
  }

  /** A server as the topology shows it now. */
  server(node: ClusterNode): TopologyServer | undefined {
    return this.monitor.topology.servers.find(({ name }) => name === node.name);
  }

  /** Role and state of every server, by name. */
  shown(): Record<string, string> {
    const { servers } = this.monitor.topology;
    return Object.fromEntries(servers.map(({ name, role, state }) => [name, `${role} ${state}`]));
  }

  /** Reads of a server's lag as they come in, each with the time of the look it is from. */
  async lagsOf(node: ClusterNode, forMs: number): Promise<{ atMs: number; lagMs: number }[]> {
    const lags = new Map<number, number>();
    const end = performance.now() + forMs;
    while (performance.now() < end) {
      const { answeredMs, lagMs } = this.server(node) ?? {};
      // A later sighting of the primary may make the lag of the same look more exact.
      if (answeredMs != null && lagMs != null) lags.set(answeredMs, lagMs);
      await Bun.sleep(5);
    }
    return [...lags].map(([atMs, lagMs]) => ({ atMs, lagMs }));
  }

  /** Waits until every server is up and one is the primary. */
  async settled(count: number): Promise<void> {
    await until(`${count} servers up`, () => {
      const { servers, primary } = this.monitor.topology;
      return primary !== null && servers.length === count &&
        servers.every(({ state }) => state === "up");
    }, { describe: () => JSON.stringify(this.shown()) });
  }

  /** Resolves with the time of the first event that fits, from a time on. */
  async eventAfter(
    sinceMs: number,
    what: string,
    fits: (event: ClusterEvent) => boolean,
  ): Promise<number> {
    let found: number | undefined;
    await until(what, () => {
      found = this.told.find(({ atMs, event }) => atMs >= sinceMs && fits(event))?.atMs;
      return found !== undefined;
    }, { describe: () => this.told.map(({ event }) => JSON.stringify(event)).join("\n") });
    return found!;
  }

  /** Resolves with the time at which a server was told to be in a state, from a time on. */
  stateAfter(sinceMs: number, node: ClusterNode, state: TopologyServer["state"]): Promise<number> {
    return this.eventAfter(
      sinceMs,
      `${node.name} ${state}`,
      ({ kind, server, to }) => kind === "state-changed" && server === node.name && to === state,
    );
  }

  /** The most servers that could be written to at one time. */
  get writersMax(): number {
    const writers = this.topologies.map(({ servers }) =>
      servers.filter(({ writes }) => writes).length
    );
    return Math.max(...writers);
  }

  [Symbol.dispose](): void {
    this.monitor.stop();
  }

  #endpoint(address: ServerAddress) {
    if (address.kind === "unix") throw new Error("No unix sockets here");
    const port = this.#detours.get(address.port) ?? address.port;
    return {
      user: "app",
      credential: Credential.password("app"),
      host: address.host,
      port,
      ssl: { rejectUnauthorized: false },
      sslOptional: true,
    };
  }
}

/**
 * By how much the lags of a server differ from the true ones while it applies nothing, in
 * milliseconds.
 *
 * @param first Between which times the first transaction was committed that it lacks.
 */
export function lagErrors(
  lags: readonly { readonly atMs: number; readonly lagMs: number }[],
  first: { readonly fromMs: number; readonly toMs: number },
): number[] {
  return lags.filter(({ atMs }) => atMs > first.toMs).map(({ atMs, lagMs }) =>
    Math.max(0, atMs - first.toMs - lagMs, lagMs - (atMs - first.fromMs))
  );
}

/** Asks again until the answer is true. Throws an Error after 30 s. */
export async function until(
  what: string,
  ask: () => boolean | Promise<boolean>,
  { limitMs = 30_000, pollMs = 10, describe = () => "" }: {
    readonly limitMs?: number;
    readonly pollMs?: number;
    readonly describe?: () => string;
  } = {},
): Promise<number> {
  const deadline = performance.now() + limitMs;
  while (!await ask()) {
    if (performance.now() > deadline) {
      throw new Error(`Not within ${limitMs} ms: ${what}\n${describe()}`);
    }
    await Bun.sleep(pollMs);
  }
  return performance.now();
}

/** Writes to a server many times a second, and knows when each row was committed. */
export class Writer implements AsyncDisposable {
  /** Between which times row number `at` was committed, in milliseconds of `Date.now()`. */
  readonly committed: { readonly fromMs: number; readonly toMs: number }[] = [];
  #stopped = false;
  #done: Promise<void> = Promise.resolve();

  static async start(node: ClusterNode, pauseMs = 20): Promise<Writer> {
    const writer = new Writer();
    const connection = await createConnection({
      host: "127.0.0.1",
      port: node.port,
      user: "app",
      password: "app",
      database: "test",
    });
    connection.on("error", () => {});
    await connection.query("CREATE TABLE IF NOT EXISTS ticks (n INT PRIMARY KEY, at_ms DOUBLE)");
    await connection.query("DELETE FROM ticks");
    writer.#done = writer.#write(connection, pauseMs).finally(() => connection.destroy());
    return writer;
  }

  /** Between which times the first row was committed that a server lacks. */
  async firstMissing(node: ClusterNode): Promise<{ fromMs: number; toMs: number }> {
    const rows = Number(await node.value("SELECT COUNT(*) FROM test.ticks"));
    await until("another row", () => this.committed.length > rows);
    return this.committed[rows]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#done.catch(() => {});
  }

  async #write(
    connection: Awaited<ReturnType<typeof createConnection>>,
    pauseMs: number,
  ): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const fromMs = Date.now();
      await connection.query("INSERT INTO ticks VALUES (?, ?)", [n, fromMs]);
      this.committed.push({ fromMs, toMs: Date.now() });
      await Bun.sleep(pauseMs);
    }
  }
}
