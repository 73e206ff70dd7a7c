// One server of a cluster under test: unlike a lone server it can be killed, stopped in its tracks,
// and started again on its data and port.

import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import { initialData } from "../servers/initial_data.ts";
import { freePort, type Row, type ServerKind, supervise } from "../servers/mod.ts";
import type { SupervisedProcess } from "../servers/mod.ts";
import { serverProgram } from "../servers/programs.ts";

const START_MS_MAX = 60_000;

/** A server on loopback. */
export class ClusterNode implements AsyncDisposable {
  readonly kind: ServerKind;
  readonly port: number;
  readonly folder: string;
  #process: SupervisedProcess | undefined;
  #control: Connection | undefined;
  #frozen = false;
  readonly #discarded: (() => Promise<void>)[] = [];

  private constructor(kind: ServerKind, port: number, folder: string) {
    this.kind = kind;
    this.port = port;
    this.folder = folder;
  }

  /**
   * Makes a node's folder and starts the server.
   *
   * @param config Lines for [mysqld].
   * @param prepare Told the data folder before the server starts.
   */
  static async create(
    kind: ServerKind,
    config: readonly string[] | ((port: number) => readonly string[]),
    prepare: (dataFolder: string) => void = () => {},
  ): Promise<ClusterNode> {
    const data = await initialData(kind);
    const folder = mkdtempSync(join(tmpdir(), "mp-"));
    chmodSync(folder, 0o700);
    await Bun.$`cp -a --reflink=auto ${data} ${join(folder, "data")}`.quiet();
    const node = new ClusterNode(kind, freePort(), folder);
    const lines = typeof config === "function" ? config(node.port) : config;
    writeFileSync(join(folder, "my.cnf"), node.#optionFile(lines));
    prepare(join(folder, "data"));
    await node.start();
    return node;
  }

  /** `127.0.0.1:port`. */
  get name(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error(`Server ${this.name} was never started`);
    return this.#process.pid;
  }

  /** Starts the server, for the first time or again. @param args More arguments of its own. */
  async start(args: readonly string[] = []): Promise<void> {
    const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];
    const child = await supervise(this.folder, {
      command: [
        serverProgram(this.kind),
        `--defaults-file=${join(this.folder, "my.cnf")}`,
        ...asRoot,
        ...args,
      ],
    });
    this.#process = child;
    this.#discarded.push(() => child.discard());
    await this.#connect(child);
  }

  /** Runs a statement as root over the unix socket; the rows, or [] where there are none. */
  async sql(statement: string): Promise<Row[]> {
    if (this.#control === undefined) throw new Error(`Server ${this.name} is not running`);
    const [rows] = await this.#control.query(statement);
    return Array.isArray(rows) ? rows as Row[] : [];
  }

  /** A statement's only value. */
  async value(statement: string): Promise<unknown> {
    return Object.values((await this.sql(statement))[0] ?? {})[0];
  }

  /** Kills the server and waits until it is gone. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    this.#control?.destroy();
    this.#control = undefined;
    process.kill(this.pid, signal);
    if (signal === "SIGKILL") this.#frozen = false; // it goes, stopped or not
    await this.#process?.exited;
  }

  /** Stops the server in its tracks: it keeps its connections and answers nothing. */
  freeze(): void {
    process.kill(this.pid, "SIGSTOP");
    this.#frozen = true;
  }

  /** Lets it go on, if it was stopped. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    process.kill(this.pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    this.#control?.destroy();
    for (const discard of this.#discarded) await discard();
  }

  #optionFile(lines: readonly string[]): string {
    const { folder, port, kind } = this;
    return [
      "[mysqld]",
      `port = ${port}`,
      "bind_address = 127.0.0.1",
      `datadir = ${folder}/data`,
      `socket = ${folder}/sock`,
      `pid_file = ${folder}/pid`,
      `log_error = ${folder}/error.log`,
      `tmpdir = ${folder}`,
      "secure_file_priv =",
      "skip_name_resolve = ON",
      `server_id = ${port}`,
      "report_host = 127.0.0.1",
      `report_port = ${port}`,
      "performance_schema = ON",
      "innodb_buffer_pool_size = 64M",
      // What is committed outlives the process, if not the machine: a replica that lost a second of it,
      // but not of its binary log, would replicate no more.
      "innodb_flush_log_at_trx_commit = 2",
      "sync_binlog = 0",
      "log_bin = binlog",
      "relay_log = relay",
      "event_scheduler = OFF",
      ...(kind === "mariadb"
        ? [
          "innodb_log_file_size = 96M",
          "binlog_format = ROW",
          "log_slave_updates = ON",
          "gtid_strict_mode = ON",
          "plugin_load_add = auth_ed25519",
        ]
        : [
          "mysqlx = OFF",
          "innodb_redo_log_capacity = 192M",
          "gtid_mode = ON",
          "enforce_gtid_consistency = ON",
          "skip_replica_start = ON",
        ]),
      ...lines,
      "",
    ].join("\n");
  }

  async #connect(child: SupervisedProcess): Promise<void> {
    const deadline = Date.now() + START_MS_MAX;
    let ended = false;
    child.exited.then(() => ended = true);
    for (;;) {
      try {
        this.#control = await createConnection({
          socketPath: join(this.folder, "sock"),
          user: "root",
          multipleStatements: true,
          supportBigNumbers: true,
        });
        this.#control.on("error", () => {});
        return;
      } catch (error) {
        if (ended || Date.now() > deadline) throw new Error(this.#lastWords(), { cause: error });
      }
      await Bun.sleep(20);
    }
  }

  #lastWords(): string {
    const log = join(this.folder, "error.log");
    const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    return `Cannot start ${this.kind} on ${this.name}: ${lines.slice(-5).join("\n")}`;
  }
}
