// Servers of asynchronous replication that are no more than their answers, and a clock that stands
// still until it is moved.

import {
  type Clock,
  type Connector,
  type ProbeConnection,
  type Row,
} from "../../../mod/cluster/mod.ts";
import { formatAddress, type ServerAddress } from "../../../mod/config/mod.ts";

/** Time that a test moves. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#now + Math.max(0, delayMs), callback };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((each) => each !== timer));
  }

  /** Lets time pass, timer by timer; what their callbacks have promised is done in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= end)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.atMs);
      next.callback();
      await settled();
    }
    this.#now = end;
  }
}

/** All promises that can be kept without time passing are kept. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
}

/** A statement that gives `heartbeat`. */
export const LAG_QUERY = "SELECT TIMESTAMPDIFF(SECOND, ts, NOW()) FROM heartbeat";

/** What happens to connections: answers, refusals, or silence. */
export type Mode = "up" | "refused" | "silent";

/** A server of MySQL's asynchronous replication. */
export class FakeServer {
  readonly address: ServerAddress;
  readonly uuid: string;
  mode: Mode = "up";
  readOnly = false;
  gtids = "";
  /** Where it says that it is found; undefined: it does not say. */
  reportHost: string | undefined;
  source: FakeServer | undefined;
  receiving = true;
  applying = true;
  secondsBehind = 0;
  offline = false;
  /** What the lag query gives, in seconds. */
  heartbeat: number | null = null;
  /** Looks at it. */
  looks = 0;
  readonly open = new Set<() => void>();

  constructor(readonly name: string, readonly network: FakeNetwork) {
    const [host = "", port = "3306"] = name.split(":");
    this.address = { kind: "tcp", host, port: Number(port) };
    this.uuid = uuidOf(name);
  }

  /** Ends all connections, and refuses new ones. */
  kill(): void {
    this.mode = "refused";
    for (const lost of [...this.open]) lost();
  }

  query(sql: string): readonly Row[] {
    if (sql.includes("@@global.gtid_executed AS gtid_executed,")) {
      this.looks++;
      return [this.#facts()];
    }
    if (sql === "SHOW REPLICA STATUS") return this.source ? [this.#status(this.source)] : [];
    if (sql === "SHOW REPLICAS") return this.network.replicasOf(this);
    if (sql.startsWith("SELECT @@version AS version, @@global.server_uuid")) {
      return [{ version: "9.7.0", id: this.uuid }];
    }
    if (sql === "SELECT @@version AS version") return [{ version: "9.7.0" }];
    if (sql.startsWith("SHOW GLOBAL")) return [];
    if (sql.includes("replication_applier_status_by_worker")) return [{}];
    if (sql === LAG_QUERY) return [{ lag: this.heartbeat }];
    if (sql.startsWith("SELECT @@version AS version, @@hostname")) {
      return [{
        version: "9.7.0",
        hostname: this.name,
        port: 3306,
        read_only: this.readOnly ? 1 : 0,
      }];
    }
    throw Object.assign(new Error(`Unknown: ${sql}`), { errno: 1193 });
  }

  #facts(): Row {
    const { address } = this;
    return {
      id: this.uuid,
      hostname: this.name.split(":")[0],
      port: address.kind === "tcp" ? address.port : 0,
      report_host: this.reportHost ?? null,
      report_port: address.kind === "tcp" ? address.port : 0,
      version: "9.7.0",
      read_only: this.readOnly ? 1 : 0,
      super_read_only: 0,
      offline_mode: this.offline ? 1 : 0,
      gtid_mode: "ON",
      gtid_executed: this.gtids === "" ? "" : `${uuidOf("cluster")}:${this.gtids}`,
      clock: this.network.clock.wallMs() / 1000,
    };
  }

  #status(source: FakeServer): Row {
    const { address } = source;
    return {
      channel_name: "",
      source_host: address.kind === "tcp" ? address.host : "",
      source_port: address.kind === "tcp" ? address.port : 0,
      source_uuid: source.uuid,
      replica_io_running: !this.receiving ? "No" : source.mode === "up" ? "Yes" : "Connecting",
      replica_sql_running: this.applying ? "Yes" : "No",
      seconds_behind_source: this.applying ? this.secondsBehind : null,
    };
  }
}

function uuidOf(name: string): string {
  const digits = Bun.hash(name).toString(16).padStart(16, "0").slice(0, 12);
  return `00000000-0000-4000-8000-${digits}`;
}

/** Servers by the addresses under which they are found. */
export class FakeNetwork implements Connector {
  readonly servers: FakeServer[] = [];
  /** Further addresses: virtual ones, other names. */
  readonly aliases = new Map<string, FakeServer>();
  /** How many connections were opened, or tried, by address. */
  readonly opened = new Map<string, number>();

  constructor(readonly clock: ManualClock) {}

  /** A new server, `host:port`. */
  add(name: string, over: Partial<FakeServer> = {}): FakeServer {
    const server = Object.assign(new FakeServer(name, this), over);
    this.servers.push(server);
    return server;
  }

  replicasOf(source: FakeServer): readonly Row[] {
    return this.servers.filter((server) =>
      server.source === source && server.receiving && server.mode === "up"
    ).map(({ address, uuid }) => ({
      host: address.kind === "tcp" ? address.host : "",
      port: address.kind === "tcp" ? address.port : 0,
      replica_uuid: uuid,
    }));
  }

  async open(
    address: ServerAddress,
    { onLost }: { readonly onLost: () => void },
  ): Promise<ProbeConnection> {
    const name = formatAddress(address);
    this.opened.set(name, (this.opened.get(name) ?? 0) + 1);
    const server = this.aliases.get(name) ?? this.servers.find((each) => each.name === name);
    if (server === undefined || server.mode === "refused") {
      throw Object.assign(new Error(`connect ECONNREFUSED ${name}`), { code: "ECONNREFUSED" });
    }
    if (server.mode === "silent") return await new Promise(() => {});
    let isOpen = true;
    const lost = () => {
      isOpen = false;
      server.open.delete(lost);
      onLost();
    };
    server.open.add(lost);
    const query = async (sql: string): Promise<readonly Row[]> => {
      if (!isOpen) throw Object.assign(new Error("closed"), { code: "PROTOCOL_CONNECTION_LOST" });
      if (server.mode === "silent") return await new Promise(() => {});
      return server.query(sql);
    };
    return {
      address,
      memory: new Map(),
      query,
      queryAll: (statements) => Promise.all(statements.map(query)),
      close: () => void server.open.delete(lost),
    };
  }
}
