// A worker's end of the channel to the supervisor: takes its word, answers its questions, asks others.

import { CredentialStore, LearnedPasswords, type ModeChoice, unpackSnapshot } from "../auth/mod.ts";
import { NO_TOPOLOGY, NOT_WATCHED, type Topology } from "../cluster/mod.ts";
import type { Config } from "../config/mod.ts";
import type { LeveledLog } from "../observe/mod.ts";
import type { RouteCount } from "../route/mod.ts";
import {
  type KillAim,
  type KillOrder,
  type Peers,
  type Presence,
  presenceOf,
  type StoredCode,
} from "../session/mod.ts";
import type { PreparedConfig } from "./apply_config.ts";
import { type Credentials, LEARNED_MAX } from "./credentials.ts";
import type { Answer, CredentialState, FromWorker, Question, ToWorker } from "./messages.ts";
import { aimHeldElsewhere, RemoteKills } from "./remote_kills.ts";
import { StartError } from "./start_error.ts";
import { isUnused, takeUsage } from "./usage.ts";
import { startWorker, type Worker } from "./worker.ts";

/** How often counters are told, in milliseconds. */
const REPORT_MS = 250;
/** How often measurements are, in milliseconds. */
const METRICS_MS = 1000;

/** How a worker is reached, and what it shares with the supervisor where both are one process. */
export interface LinkOptions {
  /** Tells the supervisor. */
  readonly tell: (message: FromWorker) => void;
  /** Makes the log of a worker; called once. */
  readonly log: (config: Config) => LeveledLog;
  /** Who decides about logins; undefined: the supervisor tells of it. */
  readonly credentials?: Credentials;
}

/** The worker's end of the channel; also how it asks the other workers. */
export class Link implements Peers {
  clients = 0;
  unauthenticated = 0;
  #users: ReadonlyMap<string, number> = new Map();
  readonly #options: LinkOptions;
  readonly #tell: (message: FromWorker) => void;
  readonly #ended = Promise.withResolvers<number>();
  #worker: Worker | undefined;
  #store: CredentialStore | undefined;
  /** What is told while the worker starts is not lost. */
  #topology: Topology = NO_TOPOLOGY;
  #code: StoredCode | undefined;
  #tickets = 0;
  /** A configuration that waits for the other workers. */
  #prepared: PreparedConfig | undefined;
  readonly #kills = new RemoteKills(() => performance.now());
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#tell = options.tell;
  }

  clientsOf(user: string): number {
    return this.#users.get(user) ?? 0;
  }

  /** The worker, once it has started. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  /** Resolves with an exit status when the worker has ended, or could not start. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** Takes what the supervisor says. */
  onMessage(message: ToWorker): void {
    this.#take(message).catch((error: Error) => {
      const status = error instanceof StartError ? error.status : 1;
      this.#tell({ kind: "failed", message: error.message, status });
      this.#ended.resolve(status);
    });
  }

  async #take(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case "start":
        await this.#start(message);
        void this.#worker!.drained().then(() => this.#ended.resolve(0));
        return;
      case "credentials":
        apply(this.#store, message.credentials);
        return;
      case "topology":
        this.#topology = message.topology;
        this.#worker?.publish(message.topology);
        return;
      case "code":
        this.#code = message.code;
        this.#worker?.learn(message.code);
        return;
      case "digests":
        this.#worker?.learnDigests(message.names);
        return;
      case "peers":
        this.clients = message.clients;
        this.unauthenticated = message.unauthenticated;
        this.#users = new Map(message.users);
        return;
      case "ask":
        this.#tell({
          kind: "answered",
          ticket: message.ticket,
          answer: await this.#answer(message.question),
        });
        return;
      case "answered":
        this.#waiting.get(message.ticket)?.(message.answer);
        this.#waiting.delete(message.ticket);
        return;
      case "reload":
        this.#tell({ kind: "reloaded", failure: await this.#reload() });
        return;
      case "steer":
        this.#worker?.takeStep(message.step, message.before);
        this.#tell({ kind: "steered" });
        return;
      case "share":
        this.#worker?.share(message.workers);
        return;
      case "retire":
        this.#worker?.retire();
        return;
      case "drain":
        this.#worker?.drain();
        return;
      case "stop":
        this.#worker?.stop();
    }
  }

  async #start(message: Extract<ToWorker, { kind: "start" }>): Promise<void> {
    const { config, number, workers, copies, replace, certificate, credentials } = message;
    const log = this.#options.log(config);
    this.#worker = await startWorker(config, {
      log,
      configureLog: log.configure,
      number,
      reusePort: true,
      copies,
      replace,
      peers: this,
      certificate,
      workers,
      credentials: this.#options.credentials ?? this.#credentials(config, credentials),
    });
    this.#worker.publish(this.#topology);
    if (this.#code) this.#worker.learn(this.#code);
    this.#worker.attach({
      answer: async (statement) =>
        (await this.#ask({ kind: "cluster", statement })).cluster ?? NOT_WATCHED,
      report: (report) => this.#tell({ kind: "trouble", report }),
      noteDefinition: () => this.#tell({ kind: "defined" }),
    });
    this.#tell({ kind: "listening", addresses: this.#worker.addresses });
    const { context } = this.#worker;
    const { counters, metrics } = context;
    // Who cannot be reached now is reached by the first client that comes when it is back.
    context.server.identify().catch((error: Error) => {
      if (number > 0) return; // one says it for all
      const { name } = context.server;
      log.warn("server cannot be reached yet", { server: name, reason: error.message });
    });
    let reached = false;
    let told = "";
    setInterval(() => {
      this.#kills.sweep();
      if (!reached && context.server.identity) {
        reached = true;
        this.#tell({ kind: "reached" });
      }
      const message = {
        kind: "counters",
        counters: { ...counters },
        pools: this.#worker!.pools(),
        users: context.config.limits.clientsPerUserMax > 0 ? context.usersConnected.all() : [],
      } as const;
      const text = JSON.stringify(message);
      if (text === told) return;
      told = text;
      this.#tell(message);
    }, REPORT_MS).unref();
    setInterval(() => {
      const delta = metrics.take();
      const { stages, digests, errors } = delta;
      if (stages.length + digests.length + errors.length > 0) {
        this.#tell({ kind: "metrics", metrics: delta });
      }
      const usage = takeUsage(context);
      if (!isUnused(usage)) this.#tell({ kind: "usage", usage });
    }, METRICS_MS).unref();
  }

  /** The supervisor tells of accounts. */
  #credentials(config: Config, state: CredentialState): Credentials {
    this.#store = credentialStore(config, state);
    return {
      store: this.#store,
      refresh: async () => void await this.#ask({ kind: "accounts" }),
      readAt() {},
      reconfigure() {},
      stop() {},
    };
  }

  /** Why certificates were not read again; undefined where they were. */
  async #reload(): Promise<string | undefined> {
    try {
      await this.#worker?.reload();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #answer(question: Question): Promise<Answer> {
    const context = this.#worker?.context;
    if (!context) return {};
    switch (question.kind) {
      case "aim":
        return { aim: await this.#kills.aim(question.order, context) };
      case "settle":
        this.#kills.settle(question.ticket, question.verdict);
        return {};
      case "presence":
        return { presences: [presenceOf(context)] };
      case "logins":
        context.servers.forgetLogins();
        return {};
      case "login":
        if (question.hasSucceeded) context.throttle.succeeded(question.address);
        else context.throttle.failed(question.address);
        return {};
      case "pools":
        return { pools: await this.#worker!.managePools(question.order) };
      case "pause":
        return { failure: await this.#worker!.pause(question.isPaused) ?? "" };
      case "reopenLogs":
        return { failure: await this.#worker!.reopenLogs() ?? "" };
      case "renew":
        return { failure: await this.#worker!.renew(question.copies) ?? "" };
      case "settleDown":
        this.#worker!.settleDown();
        return { failure: "" };
      case "prepare":
        return await this.#prepare(question.config);
      case "commit":
      case "drop":
        this.#prepared?.[question.kind]();
        this.#prepared = undefined;
        return { failure: "" };
      case "kill":
        return { outcome: await this.#worker!.kill(question.command) };
      case "routes":
        return { routes: await this.#worker!.routes() };
      case "explain":
        return { explained: await this.#worker!.explainRoute(question.statement) };
      case "survey":
        return { survey: (await this.#worker!.survey())[0]! };
      case "details":
        return { details: (await this.#worker!.details())[0]! };
      case "accounts":
      case "cluster":
        return {}; // the supervisor's to answer
    }
  }

  async #prepare(config: Config): Promise<Answer> {
    try {
      // Where it accepts clients stays: the supervisor knows ports that the system gave.
      const { listen } = this.#worker!.config;
      this.#prepared = await this.#worker!.prepare({ ...config, listen });
      return { failure: "" };
    } catch (error) {
      return { failure: (error as Error).message };
    }
  }

  #ask(question: Question): Promise<Answer> {
    const ticket = ++this.#tickets;
    return new Promise((resolve) => {
      this.#waiting.set(ticket, resolve);
      this.#tell({ kind: "ask", ticket, question });
    });
  }

  async aim(order: KillOrder): Promise<KillAim> {
    const { aim } = await this.#ask({ kind: "aim", order });
    if (!aim) return { kind: "nobody" };
    return aimHeldElsewhere(aim, (ticket, verdict) => {
      void this.#ask({ kind: "settle", id: order.id, ticket, verdict });
    });
  }

  async routes(): Promise<readonly RouteCount[]> {
    return (await this.#ask({ kind: "routes" })).routes ?? [];
  }

  forgetLogins(): void {
    void this.#ask({ kind: "logins" });
  }

  tellOfLogin(address: string, hasSucceeded: boolean): void {
    void this.#ask({ kind: "login", address, hasSucceeded });
  }

  async presence(): Promise<Presence> {
    const { presences } = await this.#ask({ kind: "presence" });
    return {
      labels: (presences ?? []).flatMap(({ labels }) => labels),
      unused: (presences ?? []).flatMap(({ unused }) => unused),
    };
  }
}

function credentialStore(config: Config, state: CredentialState): CredentialStore {
  const learned = new LearnedPasswords({
    lifetimeMs: config.auth.learnedTtlMs,
    entriesMax: LEARNED_MAX,
    now: () => performance.now(),
  });
  const store = new CredentialStore(choiceOf(state), learned);
  apply(store, state);
  return store;
}

/** Without the accounts, which are kept in another form. */
function choiceOf({ mode, reason, isProvisional }: CredentialState): ModeChoice {
  return { mode, reason, isProvisional };
}

function apply(store: CredentialStore | undefined, state: CredentialState): void {
  if (!store) return;
  store.setMode(choiceOf(state));
  if (state.snapshot) store.setSnapshot(unpackSnapshot(state.snapshot));
  else store.forget();
}
