// One worker as the supervisor sees it: starts it, restarts it if it dies, carries its questions.

import { packSnapshot } from "../auth/mod.ts";
import { NOT_WATCHED } from "../cluster/mod.ts";
import type { Config, ListenAddress } from "../config/mod.ts";
import type { ListeningSocket } from "../net/mod.ts";
import {
  addCounters,
  Counters,
  type CounterValues,
  type DigestName,
  type Log,
} from "../observe/mod.ts";
import { addRoutes } from "../route/mod.ts";
import { workerOf } from "../session/mod.ts";
import type { Credentials } from "./credentials.ts";
import type { Fleet } from "./fleet.ts";
import type {
  Answer,
  CredentialState,
  FromWorker,
  Question,
  ToWorker,
  UserSessions,
} from "./messages.ts";
import type { PoolUses } from "./pool_use.ts";
import { StartError } from "./start_error.ts";
import type { TakeoverStep } from "./takeover.ts";
import { takeUsage, type UsageDelta } from "./usage.ts";
import {
  localWorker,
  spawnWorker,
  type WorkerChannel,
  type WorkerEvents,
} from "./worker_channel.ts";

/** A worker that died soon after its start waits this long, so that a fault at start does not spin. */
const RESTART_MS = 1000;
/** How long workers may take to answer a question of another one. */
export const ANSWER_MS = 1000;
/** How much longer to do what it is told: on a busy machine better late than in some of them alone. */
const CHANGE_MORE_MS = 9000;

/** One worker's place: a process, and another one after it if it dies. */
export class WorkerHandle {
  /** From 0 to 255; the ids of its sessions tell it. */
  readonly number: number;
  /** It is one too many: it ends when its clients have left, and no other one follows. */
  isLeaving = false;
  readonly #fleet: Fleet;
  readonly #isLocal: boolean;
  #channel: WorkerChannel | undefined;
  #hasReached = false;
  /** It listens, and answers. */
  #isThere = false;
  /** Its connections to servers, as last told. */
  #pools: PoolUses = {};
  /** The counters as last told, and those of processes that have died in this place. */
  #counters: CounterValues = new Counters();
  #buried: CounterValues = new Counters();
  #users: UserSessions = [];
  /** What it was told last of what the others have. */
  #toldOfOthers = "";
  #startedAt = 0;
  #hasStarted = false;
  #steered: () => void = () => {};
  #reloaded: (failure: string | undefined) => void = () => {};
  #tickets = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  /** @param isLocal It is in the supervisor's process. */
  constructor(number: number, fleet: Fleet, isLocal: boolean) {
    this.number = number;
    this.#fleet = fleet;
    this.#isLocal = isLocal;
  }

  /** The process that it is in; undefined: it has not started. */
  get pid(): number | undefined {
    return this.#channel?.pid;
  }

  send(message: ToWorker): void {
    this.#channel?.send(message);
  }

  /** It listens, and answers questions. One that is not is told what it has to know when it is. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** The worker has reached a server. */
  get reached(): boolean {
    const worker = this.#channel?.worker;
    return worker === undefined ? this.#hasReached : worker.context.server.identity !== undefined;
  }

  /** Its connections to servers; of another process as last told. */
  get pools(): PoolUses {
    return this.#channel?.worker?.pools() ?? this.#pools;
  }

  /** What has happened in this place since the start; in another process as last told. */
  get counters(): CounterValues {
    const now = this.#channel?.worker?.counters() ?? this.#counters;
    return addCounters([this.#buried, now]);
  }

  /** Has the fleet's sums take in what was measured; another process tells it by itself. */
  collectMetrics(): void {
    const context = this.#channel?.worker?.context;
    if (context === undefined) return;
    this.#fleet.totals.add(context.metrics.take(), Date.now());
    this.#addUsage(takeUsage(context));
  }

  #addUsage(usage: UsageDelta): void {
    const { number: worker } = this;
    this.#fleet.usage.add(usage, { worker, config: this.#fleet.config });
  }

  /** Accepts no more, and ends when its clients have left, or have stayed for too long. */
  leave(): void {
    this.isLeaving = true;
    this.send({ kind: "retire" });
    const { takeoverTimeoutMs, timeoutMs } = this.#fleet.config.drain;
    setTimeout(() => {
      this.send({ kind: "drain" });
      setTimeout(() => this.send({ kind: "stop" }), timeoutMs).unref();
    }, takeoverTimeoutMs).unref();
  }

  /** Tells the worker how logins are decided now. */
  credentials(): void {
    this.send({ kind: "credentials", credentials: credentialState(this.#fleet.credentials) });
  }

  /** Tells it what servers call digests, where it writes them. */
  tellDigests(names: readonly DigestName[]): void {
    const isWritten = this.#fleet.config.audit.filePath !== "";
    if (isWritten && names.length > 0) this.send({ kind: "digests", names });
  }

  /** Has certificates read again; gives why that failed, or undefined. */
  reload(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => resolve(`Worker ${this.number} does not answer`),
        ANSWER_MS + CHANGE_MORE_MS,
      );
      this.#reloaded = (failure) => {
        clearTimeout(timer);
        resolve(failure);
      };
      this.send({ kind: "reload" });
    });
  }

  /** Does a step of a takeover; resolves when it is done, or the worker does not answer. */
  takeStep(step: TakeoverStep, before: readonly ListeningSocket[]): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS);
      this.#steered = () => {
        clearTimeout(timer);
        resolve();
      };
      this.send({ kind: "steer", step, before });
    });
  }

  /** @throws {StartError} If the worker cannot start. */
  start(): Promise<readonly ListenAddress[]> {
    const started = Promise.withResolvers<readonly ListenAddress[]>();
    const fleet = this.#fleet;
    const { config, credentials, log } = fleet;
    this.#startedAt = performance.now();
    let failure = new StartError(`Worker ${this.number} ended at its start`, 1);
    const events: WorkerEvents = {
      onMessage: (message) => {
        if (message.kind === "listening") {
          this.#onStarted(config);
          started.resolve(message.addresses);
        } else if (message.kind === "failed") {
          failure = new StartError(message.message, message.status);
        } else this.#onMessage(message);
      },
      onEnd: (channel, status) => {
        if (channel !== this.#channel) return;
        started.reject(failure);
        this.#onEnd(status, log);
      },
    };
    this.#channel = this.#isLocal ? localWorker(events, { log, credentials }) : spawnWorker(events);
    this.send({
      kind: "start",
      config: { ...config, listen: this.#listen(config.listen) },
      number: this.number,
      workers: fleet.workers.length,
      copies: fleet.copies,
      replace: fleet.replace && !this.#hasStarted,
      credentials: credentialState(credentials),
      certificate: fleet.certificate,
    });
    this.send({ kind: "topology", topology: fleet.topology });
    if (fleet.code) this.send({ kind: "code", code: fleet.code });
    return started.promise;
  }

  /** Tells it what has changed since it was told to start. @param config The one of then. */
  #onStarted(config: Config): void {
    const fleet = this.#fleet;
    this.#hasStarted = true;
    this.#isThere = true;
    if (fleet.ending) this.send({ kind: "drain" });
    for (const order of fleet.paused) void this.ask({ kind: "pools", order });
    if (fleet.isPaused) void this.ask({ kind: "pause", isPaused: true });
    this.send({ kind: "share", workers: fleet.workers.length });
    this.tellDigests(fleet.totals.names);
    if (fleet.config === config) return;
    void this.ask({ kind: "prepare", config: fleet.config }).then(({ failure }) =>
      this.ask({ kind: failure === "" ? "commit" : "drop" })
    );
  }

  /** A unix socket cannot be shared: the first worker has it. */
  #listen(addresses: readonly ListenAddress[]): readonly ListenAddress[] {
    if (this.number === 0) return addresses;
    return addresses.filter((address) => address.kind === "tcp");
  }

  #onEnd(status: number | null, log: Log): void {
    this.#buried = this.counters;
    this.#buried = { ...this.#buried, clients: 0, clientsUnauthenticated: 0 };
    this.#channel = undefined;
    this.#fleet.usage.end(this.number);
    this.#isThere = false;
    // Who comes in its place is told by itself: nothing stands against what it was asked to do.
    for (const answer of this.#waiting.values()) answer({ failure: "" });
    this.#waiting.clear();
    this.#counters = new Counters();
    this.#users = [];
    this.#toldOfOthers = "";
    this.#pools = {};
    this.#hasReached = false;
    if (this.#fleet.ending || this.isLeaving) {
      this.#fleet.onGone(this);
      return;
    }
    log.error("worker died, another one takes its place", {
      worker: this.number,
      status: status ?? "killed",
    });
    const isSoon = performance.now() - this.#startedAt < RESTART_MS;
    setTimeout(() => {
      if (this.#fleet.ending || this.isLeaving) this.#fleet.onGone(this);
      else void this.#startAgain(log);
    }, isSoon ? RESTART_MS : 0);
  }

  async #startAgain(log: Log): Promise<void> {
    const since = performance.now();
    try {
      await this.start();
      const tookMs = Math.round(performance.now() - since);
      log.info("worker is back", { worker: this.number, took_ms: tookMs });
    } catch {
      // Its end is seen by onEnd, which tries again.
    }
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case "counters": {
        this.#counters = message.counters;
        this.#pools = message.pools;
        this.#users = message.users;
        this.#tellOthers();
        return;
      }
      case "steered":
        this.#steered();
        return;
      case "metrics":
        this.#fleet.totals.add(message.metrics, Date.now());
        return;
      case "usage":
        this.#addUsage(message.usage);
        return;
      case "reloaded":
        this.#reloaded(message.failure);
        return;
      case "reached":
        this.#hasReached = true;
        return;
      case "trouble":
        this.#fleet.watcher?.report(message.report);
        return;
      case "logged":
        this.#fleet.lines.add(message.line, this.number);
        return;
      case "defined":
        this.#fleet.watcher?.noteDefinition();
        return;
      case "ask":
        void this.#collect(message.question).then((answer) =>
          this.send({ kind: "answered", ticket: message.ticket, answer })
        );
        return;
      case "answered":
        this.#waiting.get(message.ticket)?.(message.answer);
        this.#waiting.delete(message.ticket);
    }
  }

  #tellOthers(): void {
    const { workers } = this.#fleet;
    for (const worker of workers) {
      if (worker === this) continue;
      let clients = 0;
      let unauthenticated = 0;
      const users = new Map<string, number>();
      for (const other of workers) {
        if (other === worker) continue;
        clients += other.#counters.clients;
        unauthenticated += other.#counters.clientsUnauthenticated;
        for (const [user, count] of other.#users) users.set(user, (users.get(user) ?? 0) + count);
      }
      const told = JSON.stringify([clients, unauthenticated, ...users]);
      if (told === worker.#toldOfOthers) continue;
      worker.#toldOfOthers = told;
      worker.send({ kind: "peers", clients, unauthenticated, users: [...users] });
    }
  }

  /** Asks those workers that may know; who does not answer in time knows nothing. */
  async #collect(question: Question): Promise<Answer> {
    if (question.kind === "accounts") {
      await this.#fleet.credentials.refresh();
      return {};
    }
    if (question.kind === "cluster") {
      return { cluster: await this.#fleet.watcher?.answer(question.statement) ?? NOT_WATCHED };
    }
    const only = workerAsked(question);
    const asked = this.#fleet.workers.filter((worker) =>
      worker !== this && (only === undefined || only === worker.number)
    );
    const answers = await Promise.all(asked.map((worker) => worker.ask(question)));
    const presences = answers.flatMap((answer) => answer.presences ?? []);
    const routes = addRoutes(answers.map((answer) => answer.routes ?? []));
    return { presences, routes, ...answers.find(({ aim }) => aim) };
  }

  /** Asks this worker; without an answer in time, or while it is not there, it has nothing to say. */
  ask(question: Question): Promise<Answer> {
    if (!this.#isThere) return Promise.resolve({});
    const ticket = ++this.#tickets;
    const waitMs = this.#moreMs(question);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(ticket);
        resolve({});
      }, ANSWER_MS + waitMs);
      this.#waiting.set(ticket, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.send({ kind: "ask", ticket, question });
    });
  }

  /** How much longer than others a question may take, in milliseconds. */
  #moreMs({ kind }: Question): number {
    switch (kind) {
      case "aim":
      case "kill":
        // It may have to wait for a server connection of the target's account.
        return this.#fleet.config.pool.waitTimeoutMs;
      case "prepare":
      case "commit":
      case "drop":
      case "pause":
      case "reopenLogs":
      case "renew":
        return CHANGE_MORE_MS;
      default:
        return 0;
    }
  }
}

/** The worker that alone can answer; undefined where all are asked. */
function workerAsked(question: Question): number | undefined {
  if (question.kind === "aim") return workerOf(question.order.id);
  if (question.kind === "settle") return workerOf(question.id);
  return undefined;
}

function credentialState({ store }: Credentials): CredentialState {
  return {
    mode: store.mode,
    reason: store.reason,
    isProvisional: store.isProvisional,
    snapshot: store.snapshot ? packSnapshot(store.snapshot) : undefined,
  };
}
