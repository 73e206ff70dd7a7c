// Two servers with the same data, one to be reached directly and one behind proxies, and the lanes
// in which programs are played side by side.

import { Capability, Expect } from "../../mod/wire/mod.ts";
import { type ProxyProcess, startProxy, WITHOUT_LOGIN_THROTTLE } from "../proxy_process.ts";
import { type RealServer, type ServerKind, startServer } from "../servers/mod.ts";
import { encodeQuery } from "./parameter_encoding.ts";
import { type Program, sessionsOf, textOf } from "./program.ts";
import { changesTables, freshStatements, laneStatements, rowStatements } from "./schema.ts";
import { type Answer, SessionClient } from "./session_client.ts";
import { type Stage, type StageNames, stageNames } from "./stage.ts";

/** What stands before the second server. */
export type Against = "transaction" | "session" | "direct";

/** How an arena is made. */
export interface ArenaOptions {
  readonly kind: ServerKind;
  readonly against: Against;
  /** Programs played at the same time. Lanes take turns in having one or two server connections. */
  readonly lanes: number;
}

/** A place for one program at a time. */
export interface Lane {
  readonly direct: Stage;
  readonly proxied: Stage;
  /** Server connections that its sessions have together. */
  readonly connections: number;
  /** Makes both servers ready for a program, after another one. */
  prepare(program: Program, options?: { readonly fresh: boolean }): Promise<void>;
}

/** Servers, proxies and lanes. `await using` ends them. */
export interface Arena extends AsyncDisposable {
  readonly kind: ServerKind;
  readonly lanes: readonly Lane[];
  /** What the proxies have logged. */
  logs(): string[];
}

/** Connections of a lane by its number. */
function connectionsOf(lane: number): number {
  return 2 - lane % 2;
}

/** Starts everything. */
export async function openArena(options: ArenaOptions): Promise<Arena> {
  const { kind, against } = options;
  await using stack = new AsyncDisposableStack();
  const servers: RealServer[] = [];
  for (let i = 0; i < 2; i++) servers.push(stack.use(await startTwin(kind)));
  const behind = servers[1]!;
  const names = Array.from({ length: options.lanes }, (_, lane) => stageNames(lane));
  for (const server of servers) {
    for (const each of names) await runAll(server, laneStatements(kind, each));
  }
  const proxies = new Map<number, ProxyProcess>();
  if (against !== "direct") {
    for (const connections of new Set(names.map((_, lane) => connectionsOf(lane)))) {
      const proxy = await startProxy({
        backends: [behind],
        config: proxyConfiguration({ against, connections, names }),
      });
      proxies.set(connections, stack.use(proxy));
    }
  }
  const lanes = await Promise.all(names.map(async (each, lane) => {
    const connections = connectionsOf(lane);
    const port = proxies.get(connections)?.port ?? behind.port;
    const made = await openLane({ kind, servers, names: each, connections, port });
    stack.defer(() => made.close());
    return made;
  }));
  const kept = stack.move();
  return {
    kind,
    lanes,
    logs: () => [...proxies.values()].map((proxy) => proxy.log()),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A server that differs from its twin in nothing a client sees but its port. */
function startTwin(kind: ServerKind): Promise<RealServer> {
  const withoutLog = kind === "mysql"
    ? ["gtid_mode = OFF", "enforce_gtid_consistency = OFF", "log_replica_updates = OFF"]
    : ["log_slave_updates = OFF"];
  return startServer(kind, {
    tls: false,
    extraConfig: [
      "server_id = 1",
      "report_port = 3306",
      "skip_log_bin",
      ...withoutLog,
      "innodb_file_per_table = OFF",
      // A program whose sessions wait for each other's locks is a mistake: it must not last.
      "innodb_lock_wait_timeout = 3",
      "lock_wait_timeout = 5",
      // MariaDB gives new sessions what was left of old ones: FOUND_ROWS(), counters of statements.
      "thread_cache_size = 0",
      "performance_schema_instrument = '%=OFF'",
      "character_set_server = latin1",
    ],
  });
}

function proxyConfiguration(
  { against, connections, names }: {
    readonly against: Against;
    readonly connections: number;
    readonly names: readonly StageNames[];
  },
): string {
  // With accounts of its own the proxy has the passwords it needs for connections of its own.
  const users = names.flatMap(({ first, second }) => [first, second]).map((name) =>
    `[[user]]\nname = "${name}"\npassword = "${name}"\n`
  );
  const pool = against === "transaction"
    ? `[pool]\nmode = "transaction"\nconnections_max = ${connections}\nwait_timeout = "4s"\n`
    : '[pool]\nmode = "session"\n';
  return [
    WITHOUT_LOGIN_THROTTLE + 'mode = "static"\n',
    ...users,
    pool,
    '[client_tls]\nmode = "disabled"\n',
  ].join("\n");
}

async function runAll(server: RealServer, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await server.sql(statement);
}

async function openLane(
  { kind, servers, names, connections, port }: {
    readonly kind: ServerKind;
    readonly servers: readonly RealServer[];
    readonly names: StageNames;
    readonly connections: number;
    readonly port: number;
  },
): Promise<Lane & { close(): Promise<void> }> {
  const controls = await Promise.all(servers.map(openControl));
  let previous: Program | undefined;
  return {
    direct: { port: servers[0]!.port, names },
    proxied: { port, names },
    connections,
    async prepare(program, { fresh } = { fresh: false }) {
      const changed = fresh || previous === undefined ||
        previous.steps.some((step) => changesTables(textOf(step)));
      const concerned = { ...program, steps: [...program.steps, ...previous?.steps ?? []] };
      const sessions = sessionsOf(concerned);
      const statements = changed
        ? freshStatements(kind, { sessions, names })
        : rowStatements(sessions, names);
      previous = program;
      await Promise.all(controls.map(async (control) => {
        if (concerned.steps.some((step) => /\bXA\b/i.test(textOf(step)))) {
          await endTransactions(control, names);
        }
        await runOn(control, statements.join(";"));
      }));
    },
    async close() {
      await Promise.all(controls.map((control) => control.leave("quit")));
    },
  };
}

/** A connection of the test's own. */
async function openControl(server: RealServer): Promise<SessionClient> {
  const { user, password } = server.accounts.app;
  const control = await SessionClient.enter({
    port: server.port,
    user,
    password,
    database: "",
    collation: 45,
    capabilities: Capability.PROTOCOL_41 | Capability.SECURE_CONNECTION | Capability.PLUGIN_AUTH |
      Capability.MULTI_STATEMENTS | Capability.MULTI_RESULTS | Capability.TRANSACTIONS |
      Capability.DEPRECATE_EOF,
    mariadbCapabilities: 0,
    file: new Uint8Array(0),
  });
  await runOn(
    control,
    "SET foreign_key_checks = 0, lock_wait_timeout = 7, innodb_lock_wait_timeout = 7",
  );
  return control;
}

/** Runs statements. Throws an Error with the server's if one fails. */
async function runOn(control: SessionClient, sql: string): Promise<string> {
  const { bytes, ending, errorCode } = await ask(control, sql);
  const text = Buffer.from(bytes).toString("latin1");
  if (ending !== "whole" || errorCode !== 0) {
    throw new Error(`Cannot prepare the tables (${ending}): ${text.slice(-300)}`);
  }
  return text;
}

function ask(control: SessionClient, sql: string): Promise<Answer> {
  return control.command(encodeQuery({ sql, attributes: 0 }, control.capabilities), Expect.RESULT);
}

/** XA transactions that a program left prepared outlive their sessions. */
async function endTransactions(control: SessionClient, { lane }: StageNames): Promise<void> {
  const found = await runOn(control, "XA RECOVER");
  for (const [, name] of found.matchAll(new RegExp(`(${lane}-\\w+)`, "g"))) {
    // One that wrote nothing, or was rolled back by the server, answers with an error and is gone.
    await ask(control, `XA ROLLBACK '${name}'`);
  }
}
