// The watch over the servers, as long as the configuration has an account for it. Another account, or
// another way to watch, is another watch, which takes over when it has looked at every server.

import { isDeepStrictEqual } from "node:util";
import { connectAsOwn } from "../auth/mod.ts";
import { NO_TOPOLOGY, NOT_WATCHED } from "../cluster/mod.ts";
import type { Config } from "../config/mod.ts";
import type { Log } from "../observe/mod.ts";
import type { DataPlane, RunningCluster } from "./cluster.ts";
import { ownEndpoint } from "./credentials.ts";
import { primaryAddress } from "./stored_code.ts";
import type { Watcher } from "./watcher.ts";

/** A new account is to log in within this time, in milliseconds, or is believed. */
const LOGIN_MS = 2000;
/** ER_ACCESS_DENIED_ERROR, and MariaDB's where the account has no way to log in. */
const DENIED: ReadonlySet<unknown> = new Set([1045, 1698]);

/** Who watches the servers now. */
export class ClusterWatch implements Watcher {
  /** Undefined while the configuration has no account for it. */
  current: RunningCluster | undefined;
  readonly #log: Log;
  readonly #dataPlane: DataPlane;
  #config: Config;
  /** Counts up with each that is started: an older one is not waited for any more. */
  #starts = 0;
  #next: RunningCluster | undefined;

  constructor(config: Config, log: Log, dataPlane: DataPlane) {
    this.#config = config;
    this.#log = log;
    this.#dataPlane = dataPlane;
  }

  /** Resolves when it has begun. */
  async start(): Promise<void> {
    if (this.#config.account) this.current = await this.#startOne();
  }

  answer(statement: Parameters<Watcher["answer"]>[0]): ReturnType<Watcher["answer"]> {
    return this.current?.answer(statement) ?? NOT_WATCHED;
  }

  report(report: Parameters<Watcher["report"]>[0]): void {
    this.current?.report(report);
  }

  noteDefinition(): void {
    this.current?.noteDefinition();
  }

  /** Why a configuration cannot be put in force; undefined: it can. */
  async reasonAgainst(config: Config): Promise<string | undefined> {
    const { current } = this;
    const reason = config.account && current?.reasonAgainst(config);
    if (reason !== undefined) return reason;
    if (current?.isSwitching && this.#isOther(config)) {
      return "account, cluster.flavor and cluster.state_dir cannot change during a switchover";
    }
    return await this.#reasonAgainstAccount(config);
  }

  /** A password with a mistake would leave the servers unwatched. */
  async #reasonAgainstAccount(config: Config): Promise<string | undefined> {
    if (!config.account || isDeepStrictEqual(config.account, this.#config.account)) {
      return undefined;
    }
    const address = this.current && primaryAddress(this.current.topology);
    try {
      const endpoint = ownEndpoint(config, address ?? config.backends[0]!);
      (await connectAsOwn(endpoint, LOGIN_MS)).destroy();
    } catch (error) {
      const { errno, message } = error as Error & { readonly errno?: number };
      if (DENIED.has(errno)) return `account: ${message}`;
    }
    return undefined;
  }

  /** Watches as a configuration says; resolves when somebody does, who may be replaced later. */
  async reconfigure(config: Config): Promise<void> {
    const isOther = this.#isOther(config);
    this.#config = config;
    if (isOther) {
      await this.#replace();
      return;
    }
    this.current?.reconfigure(config);
    this.#next?.reconfigure(config);
  }

  /** Resolves when what is to be kept is written. */
  async stop(): Promise<void> {
    this.#starts++;
    await Promise.all([this.current?.stop(), this.#next?.stop()]);
  }

  #isOther({ account, cluster }: Config): boolean {
    const before = this.#config;
    const watch = ({ flavor, stateDirPath }: Config["cluster"]) => [flavor, stateDirPath];
    return !isDeepStrictEqual(
      [before.account, ...watch(before.cluster)],
      [account, ...watch(cluster)],
    );
  }

  async #replace(): Promise<void> {
    const number = ++this.#starts;
    const before = this.current;
    const given = this.#next;
    this.#next = undefined;
    await given?.stop();
    if (!this.#config.account) {
      this.current = undefined;
      await before?.stop();
      this.#dataPlane.publish(NO_TOPOLOGY);
      return;
    }
    const next = await this.#startOne(before);
    if (number !== this.#starts) await next.stop();
    else if (before === undefined) this.current = next;
    else {
      this.#next = next;
      void next.ready.then(async () => {
        if (number === this.#starts) await this.#takeOver(next, before);
      });
    }
  }

  async #takeOver(next: RunningCluster, before: RunningCluster): Promise<void> {
    this.#next = undefined;
    this.current = next;
    await before.stop();
    next.begin();
    this.#log.info("the servers are watched anew");
  }

  /** Loaded only where servers are watched: the proxy starts sooner without. */
  async #startOne(before?: RunningCluster): Promise<RunningCluster> {
    const { startCluster } = await import("./cluster.ts");
    return await startCluster(this.#config, this.#log, {
      dataPlane: this.#dataPlane,
      before: before?.knowledge,
    });
  }
}
