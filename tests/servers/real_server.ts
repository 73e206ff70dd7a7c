// Starts real MariaDB and MySQL servers on loopback, each in a temporary folder of its own, on a
// copy of initial data that is made once per server version.

import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import { type Accounts, accountsOf, type ServerKind } from "./accounts.ts";
import { certificates } from "./certificates.ts";
import { initialData } from "./initial_data.ts";
import { freePort, supervise, type SupervisedProcess } from "./process.ts";
import { serverProgram, serverVersion } from "./programs.ts";

/** How a server under test is started. */
export interface ServerOptions {
  /** Start as a replica of the server, or proxy, on this loopback port. */
  readonly replicaOf?: { readonly port: number };
  /** Lines added to the option file's [mysqld] group. */
  readonly extraConfig?: readonly string[];
  /** @default {true} */
  readonly tls?: boolean;
  /** @default {500} */
  readonly maxConnections?: number;
}

/** A row as the control connection returns it. */
export type Row = Record<string, unknown>;

/** A running server. `await using` or `stop()` ends it; so does the end of the test run. */
export interface RealServer extends AsyncDisposable {
  readonly kind: ServerKind;
  readonly version: string;
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly socket: string;
  readonly pid: number;
  readonly accounts: Accounts;
  /** PEM file of the certificate authority that signed the server's certificate. */
  readonly certificateAuthority: string;
  /** The server's folder: data/, error.log, option file. */
  readonly folder: string;
  /** Runs one statement as root over the unix socket; the rows, or [] where there are none. */
  sql(statement: string): Promise<Row[]>;
  stop(): Promise<void>;
}

const START_MS_MAX = 60_000;
const START_TRIES = 3;

/** Starts a MariaDB server. Throws an Error with the end of its log if it does not start. */
export function startMariadb(options: ServerOptions = {}): Promise<RealServer> {
  return startServer("mariadb", options);
}

/** Starts a MySQL server. Throws an Error with the end of its log if it does not start. */
export function startMysql(options: ServerOptions = {}): Promise<RealServer> {
  return startServer("mysql", options);
}

/** Starts a server of either kind. */
export async function startServer(
  kind: ServerKind,
  options: ServerOptions = {},
): Promise<RealServer> {
  const data = await initialData(kind);
  let server: RealServer | undefined;
  for (let tries = 1; server === undefined; tries++) {
    // A unix socket's path may have 107 bytes: hence the short names.
    const folder = mkdtempSync(join(tmpdir(), "mp-"));
    chmodSync(folder, 0o700);
    await Bun.$`cp -a --reflink=auto ${data} ${join(folder, "data")}`.quiet();
    server = await launch(kind, { folder, options }).catch((error: Error) => {
      // Somebody else may have taken the port that was free.
      if (tries < START_TRIES && error.message.includes("Address already in use")) return undefined;
      throw error;
    });
  }
  if (options.replicaOf !== undefined) await replicate(server, options.replicaOf.port);
  return server;
}

async function launch(
  kind: ServerKind,
  { folder, options }: { readonly folder: string; readonly options: ServerOptions },
): Promise<RealServer> {
  const port = freePort();
  const socket = join(folder, "sock");
  const optionFile = join(folder, "my.cnf");
  writeFileSync(optionFile, configuration(kind, { folder, port, options }));
  const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];
  const child = await supervise(folder, {
    command: [serverProgram(kind), `--defaults-file=${optionFile}`, ...asRoot],
  });
  let control: Connection;
  try {
    control = await connectAsRoot(socket, child);
  } catch (cause) {
    const log = logTail(folder);
    await child.discard();
    throw new Error(`Cannot start ${kind}: ${log}`, { cause });
  }
  // A server that a test kills takes this connection with it; that is no failure by itself.
  control.on("error", () => {});
  const stop = async () => {
    control.destroy();
    await child.discard();
  };
  return {
    kind,
    version: serverVersion(kind),
    host: "127.0.0.1",
    port,
    socket,
    pid: child.pid,
    accounts: accountsOf(kind),
    certificateAuthority: kind === "mariadb"
      ? certificates().authority
      : join(folder, "data", "ca.pem"),
    folder,
    async sql(statement) {
      const [rows] = await control.query(statement);
      return Array.isArray(rows) ? (rows as Row[]) : [];
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function connectAsRoot(socket: string, child: SupervisedProcess): Promise<Connection> {
  const deadline = Date.now() + START_MS_MAX;
  let ended = false;
  child.exited.then(() => ended = true);
  for (;;) {
    if (existsSync(socket)) {
      try {
        const connection = await createConnection({
          socketPath: socket,
          user: "root",
          password: "",
          multipleStatements: true,
          supportBigNumbers: true,
        });
        return connection;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
    if (ended) throw new Error("it ended at once");
    if (Date.now() > deadline) throw new Error(`no answer within ${START_MS_MAX} ms`);
    await Bun.sleep(20);
  }
}

function logTail(folder: string): string {
  for (const name of ["error.log", "out.log"]) {
    const file = join(folder, name);
    if (existsSync(file)) {
      const lines = readFileSync(file, "utf8").trim().split("\n");
      const errors = lines.filter((line) => line.includes("[ERROR]"));
      const shown = (errors.length > 0 ? errors : lines).slice(-5).join("\n");
      if (shown !== "") return shown;
    }
  }
  return "no log";
}

function configuration(
  kind: ServerKind,
  { folder, port, options }: {
    readonly folder: string;
    readonly port: number;
    readonly options: ServerOptions;
  },
): string {
  const lines = [
    "[mysqld]",
    `port = ${port}`,
    "bind_address = 127.0.0.1",
    `datadir = ${folder}/data`,
    `socket = ${folder}/sock`,
    `pid_file = ${folder}/pid`,
    `log_error = ${folder}/error.log`,
    `tmpdir = ${folder}`,
    "secure_file_priv =",
    "local_infile = ON",
    "skip_name_resolve = ON",
    `server_id = ${port}`,
    "report_host = 127.0.0.1",
    `report_port = ${port}`,
    "performance_schema = ON",
    "max_allowed_packet = 64M",
    `max_connections = ${options.maxConnections ?? 500}`,
    "innodb_buffer_pool_size = 128M",
    // The data is thrown away: nothing need reach the disk.
    "innodb_flush_log_at_trx_commit = 0",
    "sync_binlog = 0",
    "log_bin = binlog",
    "relay_log = relay",
    // With the scheduler's thread there, a source waits 10 s for its replicas when it stops.
    "event_scheduler = OFF",
  ];
  if (kind === "mariadb") {
    lines.push(
      "innodb_log_file_size = 96M",
      "binlog_format = ROW",
      "log_slave_updates = ON",
      "gtid_strict_mode = ON",
      "plugin_load_add = auth_ed25519",
    );
    if (options.tls !== false) {
      const { authority, certificate, key } = certificates();
      lines.push(`ssl_ca = ${authority}`, `ssl_cert = ${certificate}`, `ssl_key = ${key}`);
    }
  } else {
    lines.push(
      "mysqlx = OFF",
      "innodb_redo_log_capacity = 192M",
      "gtid_mode = ON",
      "enforce_gtid_consistency = ON",
      "skip_replica_start = ON",
    );
    if (options.tls === false) lines.push("tls_version =");
  }
  if (options.replicaOf !== undefined) lines.push("read_only = ON");
  return [...lines, ...(options.extraConfig ?? []), ""].join("\n");
}

async function replicate(server: RealServer, port: number): Promise<void> {
  const { user, password } = server.accounts.repl;
  if (server.kind === "mariadb") {
    await server.sql(
      `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${port}, MASTER_USER='${user}',
       MASTER_PASSWORD='${password}', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1`,
    );
    await server.sql("START SLAVE");
  } else {
    await server.sql(
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${port},
       SOURCE_USER='${user}', SOURCE_PASSWORD='${password}', SOURCE_AUTO_POSITION=1,
       GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1`,
    );
    await server.sql("START REPLICA");
  }
}

/** Both replication threads of `server` run. */
export async function isReplicating(server: RealServer): Promise<boolean> {
  if (server.kind === "mariadb") {
    const [status] = await server.sql("SHOW SLAVE STATUS");
    return status?.["Slave_IO_Running"] === "Yes" && status["Slave_SQL_Running"] === "Yes";
  }
  const [status] = await server.sql("SHOW REPLICA STATUS");
  return status?.["Replica_IO_Running"] === "Yes" && status["Replica_SQL_Running"] === "Yes";
}
