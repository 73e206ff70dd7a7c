// A worker as a process of its own: starts on the supervisor's word, ends with the supervisor.

import { CredentialStore, LearnedPasswords, unpackSnapshot } from "../auth/mod.ts";
import { NO_TOPOLOGY, NOT_WATCHED, type Topology } from "../cluster/mod.ts";
import type { Config } from "../config/mod.ts";
import { createLog, type LogLine } from "../observe/mod.ts";
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
import { LEARNED_MAX } from "./credentials.ts";
import type { Answer, CredentialState, FromWorker, Question, ToWorker } from "./messages.ts";
import { logSettings } from "./log_settings.ts";
import { reportFaults } from "./faults.ts";
import { aimHeldElsewhere, RemoteKills } from "./remote_kills.ts";
import { StartError } from "./start_error.ts";
import { REPLACED_SIGNAL } from "./takeover.ts";
import { startWorker, type Worker } from "./worker.ts";

/** How often counters are told, in milliseconds. */
const REPORT_MS = 250;
/** How often measurements are, in milliseconds. */
const METRICS_MS = 1000;

/** Runs the worker; resolves with its exit status. */
export async function runWorkerProcess(): Promise<number> {
  if (!process.send) {
    throw new StartError("This command is started by the proxy itself", 2);
  }
  // The terminal sends its signals to all processes; the supervisor says what they mean.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("SIGHUP", () => {});
  // Who takes over knows only who listens.
  process.on(REPLACED_SIGNAL, () => {
    if (process.ppid > 1) process.kill(process.ppid, REPLACED_SIGNAL);
  });
  const ended = Promise.withResolvers<number>();
  process.on("disconnect", () => ended.resolve(1));
  const link = new Link();
  process.on("message", (message: ToWorker) => {
    link.onMessage(message, ended).catch((error: Error) => {
      const status = error instanceof StartError ? error.status : 1;
      tell({ kind: "failed", message: error.message, status });
      ended.resolve(status);
    });
  });
  return await ended.promise;
}

function tell(message: FromWorker): void {
  process.send!(message);
}

/** Lines that a worker tells in a second at most: a storm of them is for standard error alone. */
const LINES_PER_SECOND_MAX = 50;

/** Tells the supervisor of the log's lines. */
function logTeller(): (line: LogLine) => void {
  let second = 0;
  let told = 0;
  return (line) => {
    const now = Math.floor(line.atMs / 1000);
    if (now !== second) {
      second = now;
      told = 0;
    }
    if (told++ < LINES_PER_SECOND_MAX) tell({ kind: "logged", line });
  };
}

/** The worker's end of the channel; also how it asks the other workers. */
class Link implements Peers {
  clients = 0;
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

  async onMessage(message: ToWorker, ended: PromiseWithResolvers<number>): Promise<void> {
    switch (message.kind) {
      case "start":
        await this.#start(message);
        void this.#worker!.drained().then(() => ended.resolve(0));
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
      case "peers":
        this.clients = message.clients;
        return;
      case "ask":
        tell({
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
        tell({ kind: "reloaded", failure: await this.#reload() });
        return;
      case "steer":
        this.#worker?.takeStep(message.step, message.before);
        tell({ kind: "steered" });
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
    const { config, number, copies, replace, certificate, credentials } = message;
    this.#store = credentialStore(config, credentials);
    const log = createLog({ ...logSettings(config), module: "proxy", onLine: logTeller() });
    process.on("exit", () => log.flush());
    reportFaults(log);
    this.#worker = await startWorker(config, {
      log,
      configureLog: log.configure,
      number,
      reusePort: true,
      copies,
      replace,
      peers: this,
      certificate,
      credentials: {
        store: this.#store,
        refresh: config.account
          ? async () => void await this.#ask({ kind: "accounts" })
          : undefined,
        readAt() {},
        setUsers() {}, // the supervisor tells of accounts
        stop() {},
      },
    });
    this.#worker.publish(this.#topology);
    if (this.#code) this.#worker.learn(this.#code);
    if (config.account) {
      this.#worker.attach({
        answer: async (statement) =>
          (await this.#ask({ kind: "cluster", statement })).cluster ?? NOT_WATCHED,
        report: (report) => tell({ kind: "trouble", report }),
        noteDefinition: () => tell({ kind: "defined" }),
      });
    }
    tell({ kind: "listening", addresses: this.#worker.addresses });
    const { context } = this.#worker;
    const { counters, metrics } = context;
    // Who cannot be reached now is reached by the first client that comes when it is back.
    context.server.identify().catch(() => {});
    let reached = false;
    let told = "";
    setInterval(() => {
      this.#kills.sweep();
      if (!reached && context.server.identity) {
        reached = true;
        tell({ kind: "reached" });
      }
      const message = {
        kind: "counters",
        counters: { ...counters },
        pools: this.#worker!.pools(),
      } as const;
      const text = JSON.stringify(message);
      if (text === told) return;
      told = text;
      tell(message);
    }, REPORT_MS).unref();
    setInterval(() => {
      const delta = metrics.take();
      const { stages, digests, errors } = delta;
      if (stages.length + digests.length + errors.length > 0) {
        tell({ kind: "metrics", metrics: delta });
      }
    }, METRICS_MS).unref();
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
      case "pools":
        return { pools: await this.#worker!.managePools(question.order) };
      case "pause":
        return { failure: await this.#worker!.pause(question.isPaused) ?? "" };
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
      tell({ kind: "ask", ticket, question });
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
  const store = new CredentialStore({ mode: state.mode, reason: state.reason }, learned);
  apply(store, state);
  return store;
}

function apply(store: CredentialStore | undefined, state: CredentialState): void {
  if (!store) return;
  store.setMode({ mode: state.mode, reason: state.reason });
  if (state.snapshot) store.setSnapshot(unpackSnapshot(state.snapshot));
}
