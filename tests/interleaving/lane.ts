// A place for one program at a time: databases and accounts of its own on two servers, and the
// connections that put them right between programs.

import { Capability, Expect } from "../../mod/wire/mod.ts";
import type { RealServer, ServerKind } from "../servers/mod.ts";
import { encodeQuery } from "./parameter_encoding.ts";
import { type Program, type SessionName, SESSIONS, type Step, textOf } from "./program.ts";
import {
  changesTables,
  checksumStatement,
  mayBeRefused,
  renewalStatements,
  repairStatements,
} from "./schema.ts";
import { type Answer, SessionClient } from "./session_client.ts";
import type { Stage, StageNames } from "./stage.ts";

/** How a lane is made. */
export interface LaneOptions {
  /** The one reached directly and the one behind the proxy. */
  readonly servers: readonly RealServer[];
  readonly names: StageNames;
  /** What stands before the second server, by the connections it has for an account. */
  readonly fronts: ReadonlyMap<number, Front>;
  /** Starts another one. */
  readonly startFront: (connections: number) => Promise<Front>;
  /** Clients may keep metadata. */
  readonly cachesMetadata: boolean;
  /** Clients beside each session behind the proxy. */
  readonly crowd: number;
}

/** A proxy, or the server itself where there is none; given up where it is no longer needed. */
export interface Front extends AsyncDisposable {
  readonly port: number;
  /** What its sessions and connections are doing, for people. */
  readonly standing?: () => Promise<string>;
}

/** Stages with the same data. `await using` closes its connections. */
export class Lane implements AsyncDisposable {
  readonly direct: Stage;
  readonly #kind: ServerKind;
  readonly #names: StageNames;
  readonly #cachesMetadata: boolean;
  readonly #crowd: number;
  readonly #fronts: Map<number, Front>;
  /** Fronts of this lane alone. */
  readonly #own = new Set<Front>();
  readonly #startFront: (connections: number) => Promise<Front>;
  readonly #controls: readonly SessionClient[];

  private constructor(options: LaneOptions, controls: readonly SessionClient[]) {
    const { servers, names, fronts, startFront } = options;
    this.#cachesMetadata = options.cachesMetadata;
    this.#crowd = options.crowd;
    this.direct = { port: servers[0]!.port, names, cachesMetadata: this.#cachesMetadata, crowd: 0 };
    this.#fronts = new Map(fronts);
    this.#startFront = startFront;
    this.#kind = servers[0]!.kind;
    this.#names = names;
    this.#controls = controls;
  }

  /** Connects to both servers. Throws an Error if that fails. */
  static async open(options: LaneOptions): Promise<Lane> {
    return new Lane(options, await Promise.all(options.servers.map(openControl)));
  }

  /** The stage behind a proxy with so many server connections. */
  proxied({ connections }: Program): Stage {
    const { port, standing } = this.#fronts.get(connections)!;
    return {
      port,
      names: this.#names,
      cachesMetadata: this.#cachesMetadata,
      crowd: this.#crowd,
      onLate: async () => {
        console.log(`an answer is missing, at the proxy:\n${await standing?.()}`);
        console.log(`at the server:\n${await this.threads()}`);
      },
    };
  }

  /**
   * Makes all new for a program: a proxy without any past, all tables; what the lane still has of
   * connections at the servers is ended. Throws an Error if that fails.
   */
  async renew({ connections }: Program): Promise<void> {
    const before = this.#fronts.get(connections)!;
    if (this.#own.delete(before)) await before[Symbol.asyncDispose]();
    const front = await this.#startFront(connections);
    this.#own.add(front);
    this.#fronts.set(connections, front);
    const renewal = renewalStatements(this.#kind, { sessions: SESSIONS, names: this.#names });
    await Promise.all(this.#controls.map(async (control) => {
      await endSessions(control, this.#names);
      await endTransactions(control, this.#names);
      await runOn(control, renewal.join(";"));
    }));
  }

  /**
   * Compares both servers after a program and puts their tables right for the next one. The
   * complaint, if their rows differ or something is still locked though everybody has left.
   */
  async settle(steps: readonly Step[]): Promise<string | undefined> {
    const names = this.#names;
    const taking = new Set(steps.map(({ session }) => session));
    const altering = new Set(
      steps.filter((step) => changesTables(textOf(step))).map(({ session }) => session),
    );
    const sessions = SESSIONS.filter((name) => taking.has(name));
    const changed = SESSIONS.filter((name) => altering.has(name));
    const text = steps.map(textOf).join(";");
    const refused = sessions.filter((name) => mayBeRefused(text, name));
    const repair = repairStatements({ kind: this.#kind, names, sessions, changed, refused })
      .join(";");
    const locks = /_LOCK\(/i.test(text) ? userLocks(sessions, names) : [];
    const sums = await Promise.allSettled(this.#controls.map(async (control) => {
      if (/\bXA\b/i.test(text)) await endTransactions(control, names);
      const sum = checksums(await runOn(control, checksumStatement(sessions, names)), names);
      for (const lock of locks) await free(control, lock);
      await runOn(control, repair);
      return sum;
    }));
    const failure = sums.find((sum) => sum.status === "rejected");
    if (failure !== undefined) return (failure.reason as Error).message;
    const [direct, behind] = sums.map((sum) => sum.status === "fulfilled" ? sum.value : []);
    const other = direct!.findIndex((sum, i) => sum !== behind![i]);
    return other < 0 ? undefined : `other rows in table ${direct![other]!.replace(/ .*/, "")}`;
  }

  /** What the lane's connections behind the proxy are doing, for people: where an answer is missing. */
  async threads(): Promise<string> {
    const columns = "id,user,command,time,IFNULL(state,''),IFNULL(info,'')";
    const found = await runOn(
      this.#controls[1]!,
      `SELECT CONCAT('(',CONCAT_WS(' | ',${columns}),')') FROM information_schema.processlist ` +
        `WHERE user LIKE '${this.#names.lane}\\_%' OR user LIKE '%unauth%'`,
    );
    return [...found.matchAll(/\((\d+ \| [^]*?)\)/g)].map(([, row]) => row).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#controls.map((control) => control.leave("quit")));
    await Promise.all([...this.#own].map((front) => front[Symbol.asyncDispose]()));
  }
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
    "SET foreign_key_checks = 0, lock_wait_timeout = 5, innodb_lock_wait_timeout = 5",
  );
  return control;
}

/** Runs statements. Throws an Error with the server's if one fails. */
async function runOn(control: SessionClient, sql: string): Promise<string> {
  const { bytes, ending, errorCode } = await ask(control, sql);
  const text = Buffer.from(bytes).toString("latin1");
  if (ending !== "whole" || errorCode !== 0) {
    const message = text.slice(text.lastIndexOf("#") + 1);
    throw new Error(`the tables cannot be put right (${ending}): ${message}`);
  }
  return text;
}

function ask(control: SessionClient, sql: string): Promise<Answer> {
  return control.command(encodeQuery({ sql, attributes: 0 }, control.capabilities), Expect.RESULT);
}

/** Each table's name and sum, out of the packets. */
function checksums(text: string, { db }: StageNames): string[] {
  const rows = text.matchAll(new RegExp(`${db}\\.(\\w+)(?:\\xfb|[^](\\d+))`, "g"));
  return [...rows].map(([, table, sum]) => `${table} ${sum}`);
}

/** Names that sessions lock. */
function userLocks(sessions: readonly SessionName[], { lane }: StageNames): string[] {
  return sessions.flatMap((name) => [1, 2, 3].map((number) => `${lane}-${name}-${number}`));
}

/** Throws an Error if a name stays locked. */
async function free(control: SessionClient, lock: string): Promise<void> {
  // A server frees the locks of a session that has left only a moment later.
  const got = await runOn(control, `SELECT IF(GET_LOCK('${lock}', 3), 'free', 'held') AS lock_is`);
  if (got.includes("held")) throw new Error(`user lock ${lock} is still held`);
  await runOn(control, "DO RELEASE_ALL_LOCKS()");
}

/** Ends the lane's sessions at a server. */
async function endSessions(control: SessionClient, { lane }: StageNames): Promise<void> {
  const select = "SELECT CONCAT('(', id, ')') FROM information_schema.processlist WHERE user LIKE";
  const found = await runOn(control, `${select} '${lane}\\_%'`);
  // One that has ended in the meantime makes KILL an error.
  for (const [, id] of found.matchAll(/\((\d+)\)/g)) await ask(control, `KILL ${id}`);
}

/** XA transactions that a program left prepared outlive their sessions. */
async function endTransactions(control: SessionClient, { lane }: StageNames): Promise<void> {
  const found = await runOn(control, "XA RECOVER");
  for (const [, name] of found.matchAll(new RegExp(`(${lane}-\\w+)`, "g"))) {
    // One that wrote nothing, or was rolled back by the server, answers with an error and is gone.
    await ask(control, `XA ROLLBACK '${name}'`);
  }
}
