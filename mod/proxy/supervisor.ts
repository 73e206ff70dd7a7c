// The control plane of several workers: starts them, restarts the dead, carries their questions,
// reads accounts once for all.

import { packSnapshot } from "../auth/mod.ts";
import { addPoolStatuses } from "../backend/mod.ts";
import { NO_TOPOLOGY, NOT_WATCHED } from "../cluster/mod.ts";
import type { Config, ListenAddress } from "../config/mod.ts";
import { type ListeningSocket, selfSignedCertificate } from "../net/mod.ts";
import {
  addCounters,
  Counters,
  type CounterValues,
  type Log,
  type LogLines,
} from "../observe/mod.ts";
import { addRoutes } from "../route/mod.ts";
import { workerOf } from "../session/mod.ts";
import { configureWorkers } from "./configure_workers.ts";
import { type Credentials, startCredentials } from "./credentials.ts";
import type { Fleet } from "./fleet.ts";
import type { Answer, CredentialState, FromWorker, Question, ToWorker } from "./messages.ts";
import { pausedAfter } from "./paused_pools.ts";
import { addPoolUses, type PoolUses } from "./pool_use.ts";
import type { Running } from "./running.ts";
import { makeTotals } from "./server_digests.ts";
import { StartError } from "./start_error.ts";
import type { TakeoverStep } from "./takeover.ts";
import { clientTlsContext } from "./tls_context.ts";
import { workerCount } from "./worker_count.ts";

/** The hidden command that a worker process runs. */
export const WORKER_COMMAND = "worker";
/** A worker that died soon after its start waits this long, so that a fault at start does not spin. */
const RESTART_MS = 1000;
/** How long workers may take to answer a question of another one. */
const ANSWER_MS = 1000;

/**
 * Starts the workers and resolves when all listen.
 *
 * @throws {StartError} If the first one cannot start.
 */
export async function startSupervisor(
  config: Config,
  log: Log,
  { lines, copies = 1, replace = false }: {
    /** Gets the lines of the workers' logs. */
    readonly lines: LogLines;
    readonly copies?: number;
    readonly replace?: boolean;
  },
): Promise<Running> {
  const workers: WorkerHandle[] = [];
  const credentials = startCredentials(config, log, {
    onChange: () => workers.forEach((worker) => worker.credentials()),
  });
  await Promise.race([credentials.ready, Bun.sleep(ANSWER_MS)]);
  const certificate = config.clientTls.mode !== "disabled" && config.clientTls.certPath === ""
    ? await selfSignedCertificate({ commonName: "mysqlproxy", days: 3650 })
    : undefined;
  let tls = await clientTlsContext(config.clientTls, certificate);
  const fleet: Fleet = {
    config,
    log,
    lines,
    credentials,
    certificate,
    copies,
    replace,
    workers,
    topology: NO_TOPOLOGY,
    code: undefined,
    watcher: undefined,
    isPaused: false,
    paused: [],
    totals: makeTotals(config),
    ending: false,
  };
  for (let number = 0; number < workerCount(config); number++) {
    const worker = new WorkerHandle(number, fleet);
    workers.push(worker);
    try {
      // The first one finds out which port an address with port 0 gets.
      const addresses = await worker.start();
      if (number === 0) fleet.config = { ...config, listen: addresses };
    } catch (error) {
      fleet.ending = true;
      for (const started of workers) started.send({ kind: "stop" });
      credentials.stop();
      throw error;
    }
  }
  const all = (kind: "retire" | "drain" | "stop") => {
    for (const worker of workers) worker.send({ kind });
  };
  return {
    get config() {
      return fleet.config;
    },
    credentials,
    addresses: fleet.config.listen,
    clientTls: () => tls.clientTls,
    counters: () => addCounters(workers.map((worker) => worker.counters)),
    pools: () => addPoolUses(workers.map((worker) => worker.pools)),
    async managePools(order) {
      if (order) fleet.paused = pausedAfter(fleet.paused, order);
      const answers = await Promise.all(
        workers.map((worker) => worker.ask({ kind: "pools", order })),
      );
      return addPoolStatuses(answers.flatMap(({ pools }) => pools ?? []));
    },
    metrics: () => fleet.totals,
    async kill(command) {
      const worker = workers[workerOf(command.id) ?? workers.length];
      if (worker === undefined) return "unknown";
      return (await worker.ask({ kind: "kill", command })).outcome ?? "failed";
    },
    async routes() {
      const answers = await Promise.all(workers.map((worker) => worker.ask({ kind: "routes" })));
      return addRoutes(answers.map(({ routes }) => routes ?? []));
    },
    async explainRoute(statement) {
      return (await workers[0]!.ask({ kind: "explain", statement })).explained;
    },
    async survey() {
      const answers = await Promise.all(workers.map((worker) => worker.ask({ kind: "survey" })));
      return answers.flatMap(({ survey }) => survey ?? []);
    },
    attach: (watcher) => void (fleet.watcher = watcher),
    learn(code) {
      fleet.code = code;
      for (const worker of workers) worker.send({ kind: "code", code });
    },
    publish(topology) {
      fleet.topology = topology;
      for (const worker of workers) worker.send({ kind: "topology", topology });
    },
    configure: (next) =>
      configureWorkers(
        next,
        (question) => Promise.all(workers.map((worker) => worker.ask(question))),
        async () => {
          const isOwn = next.clientTls.certPath === "" && tls.clientTls !== undefined;
          if (!isOwn) tls = await clientTlsContext(next.clientTls, certificate);
          fleet.config = { ...next, listen: fleet.config.listen };
        },
      ),
    draining: () => fleet.ending,
    paused: () => fleet.isPaused,
    async pause(isPaused) {
      fleet.isPaused = isPaused;
      const answers = await Promise.all(
        workers.map((worker) => worker.ask({ kind: "pause", isPaused })),
      );
      return answers.map(({ failure }) => failure ?? "A worker does not answer")
        .find((failure) => failure !== "");
    },
    ready: () => !fleet.ending && workers.some((worker) => worker.reached),
    async reload() {
      const failures = await Promise.all(workers.map((worker) => worker.reload()));
      const failure = failures.find((reason) => reason !== undefined);
      if (failure !== undefined) throw new Error(failure);
      tls = await clientTlsContext(config.clientTls, certificate);
    },
    takeStep: (step, before) => workers[0]!.takeStep(step, before),
    retire() {
      fleet.ending = true;
      all("retire");
    },
    drain() {
      fleet.ending = true;
      all("drain");
    },
    stop() {
      fleet.ending = true;
      all("stop");
    },
    async drained() {
      await Promise.all(workers.map((worker) => worker.ended));
      credentials.stop();
    },
  };
}

/** One worker's place: a process, and another one after it if it dies. */
export class WorkerHandle {
  readonly #number: number;
  readonly #fleet: Fleet;
  readonly #ended = Promise.withResolvers<void>();
  #process: Bun.Subprocess | undefined;
  /** The worker has reached a server. */
  reached = false;
  /** Its connections to servers, as last told. */
  pools: PoolUses = {};
  /** The counters as last told, and those of processes that have died in this place. */
  #counters: CounterValues = new Counters();
  #buried: CounterValues = new Counters();
  #startedAt = 0;
  #hasStarted = false;
  #steered: () => void = () => {};
  #reloaded: (failure: string | undefined) => void = () => {};
  #tickets = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  constructor(number: number, fleet: Fleet) {
    this.#number = number;
    this.#fleet = fleet;
  }

  /** Resolves when the worker has ended and no other one will follow. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  send(message: ToWorker): void {
    try {
      this.#process?.send(message);
    } catch {
      // It has just died: its end is seen by onExit.
    }
  }

  /** What has happened in this place since the start. */
  get counters(): CounterValues {
    return addCounters([this.#buried, this.#counters]);
  }

  /** Tells the worker how logins are decided now. */
  credentials(): void {
    this.send({ kind: "credentials", credentials: credentialState(this.#fleet.credentials) });
  }

  /** Has certificates read again; gives why that failed, or undefined. */
  reload(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(`Worker ${this.#number} does not answer`), ANSWER_MS);
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
    const { config, certificate, credentials, log } = this.#fleet;
    this.#startedAt = performance.now();
    let failure = new StartError(`Worker ${this.#number} ended at its start`, 1);
    this.#process = Bun.spawn({
      cmd: [process.execPath, ...scriptArguments(), WORKER_COMMAND],
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "json",
      ipc: (message: FromWorker) => {
        if (message.kind === "listening") {
          this.#hasStarted = true;
          started.resolve(message.addresses);
        } else if (message.kind === "failed") {
          failure = new StartError(message.message, message.status);
        } else this.#onMessage(message);
      },
      onExit: (process, status) => {
        if (process !== this.#process) return;
        started.reject(failure);
        this.#onExit(status, log);
      },
    });
    this.send({
      kind: "start",
      config: { ...config, listen: this.#listen(config.listen) },
      number: this.#number,
      copies: this.#fleet.copies,
      replace: this.#fleet.replace && !this.#hasStarted,
      credentials: credentialState(credentials),
      certificate,
    });
    this.send({ kind: "topology", topology: this.#fleet.topology });
    if (this.#fleet.code) this.send({ kind: "code", code: this.#fleet.code });
    for (const order of this.#fleet.paused) void this.ask({ kind: "pools", order });
    if (this.#fleet.isPaused) void this.ask({ kind: "pause", isPaused: true });
    return started.promise;
  }

  /** A unix socket cannot be shared: the first worker has it. */
  #listen(addresses: readonly ListenAddress[]): readonly ListenAddress[] {
    if (this.#number === 0) return addresses;
    return addresses.filter((address) => address.kind === "tcp");
  }

  #onExit(status: number | null, log: Log): void {
    const { clients: _clients, clientsUnauthenticated: _unauthenticated, ...lasting } =
      this.#counters;
    this.#buried = addCounters([this.#buried, {
      ...lasting,
      clients: 0,
      clientsUnauthenticated: 0,
    }]);
    this.#counters = new Counters();
    this.pools = {};
    this.reached = false;
    if (this.#fleet.ending) {
      this.#ended.resolve();
      return;
    }
    log.error("worker died, another one takes its place", {
      worker: this.#number,
      status: status ?? "killed",
    });
    const isSoon = performance.now() - this.#startedAt < RESTART_MS;
    setTimeout(() => {
      if (this.#fleet.ending) this.#ended.resolve();
      else void this.#startAgain(log);
    }, isSoon ? RESTART_MS : 0);
  }

  async #startAgain(log: Log): Promise<void> {
    const since = performance.now();
    try {
      await this.start();
      const tookMs = Math.round(performance.now() - since);
      log.info("worker is back", { worker: this.#number, took_ms: tookMs });
    } catch {
      // Its end is seen by onExit, which tries again.
    }
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case "counters": {
        const before = this.#counters.clients;
        this.#counters = message.counters;
        this.pools = message.pools;
        if (before !== message.counters.clients) this.#tellOthers();
        return;
      }
      case "steered":
        this.#steered();
        return;
      case "metrics":
        this.#fleet.totals.add(message.metrics, Date.now());
        return;
      case "reloaded":
        this.#reloaded(message.failure);
        return;
      case "reached":
        this.reached = true;
        return;
      case "trouble":
        this.#fleet.watcher?.report(message.report);
        return;
      case "logged":
        this.#fleet.lines.add(message.line, this.#number);
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
    const total = workers.reduce((sum, worker) => sum + worker.#counters.clients, 0);
    for (const worker of workers) {
      if (worker === this) continue;
      worker.send({ kind: "peers", clients: total - worker.#counters.clients });
    }
  }

  /** Asks those workers that may know; who does not answer in time knows nothing. */
  async #collect(question: Question): Promise<Answer> {
    if (question.kind === "accounts") {
      await this.#fleet.credentials.refresh?.();
      return {};
    }
    if (question.kind === "cluster") {
      return { cluster: await this.#fleet.watcher?.answer(question.statement) ?? NOT_WATCHED };
    }
    const only = workerAsked(question);
    const asked = this.#fleet.workers.filter((worker) =>
      worker !== this && (only === undefined || only === worker.#number)
    );
    const answers = await Promise.all(asked.map((worker) => worker.ask(question)));
    const presences = answers.flatMap((answer) => answer.presences ?? []);
    const routes = addRoutes(answers.map((answer) => answer.routes ?? []));
    return { presences, routes, ...answers.find(({ aim }) => aim) };
  }

  /** Asks this worker; without an answer in time it has nothing to say. */
  ask(question: Question): Promise<Answer> {
    const ticket = ++this.#tickets;
    // A KILL may have to wait for a server connection of the target's account.
    const waitsForServer = question.kind === "aim" || question.kind === "kill";
    const waitMs = waitsForServer ? this.#fleet.config.pool.waitTimeoutMs : 0;
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
    snapshot: store.snapshot ? packSnapshot(store.snapshot) : undefined,
  };
}

/** Under `bun main.ts` the script must be named again; a compiled executable is all there is. */
function scriptArguments(): string[] {
  return Bun.main.startsWith("/$bunfs/") ? [] : [Bun.main];
}
