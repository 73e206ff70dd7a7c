// What signals mean to a proxy that serves.

import type { Log } from "../observe/mod.ts";
import { notifyService } from "./notify_service.ts";
import type { Running } from "./running.ts";
import { REPLACED_SIGNAL } from "./takeover.ts";

/** Listens from before the start, so that no signal is lost in between. */
export class Signals {
  readonly #log: Log;
  #running: Running | undefined;
  #closePorts: () => void = () => {};
  #apply: (() => Promise<void>) | undefined;
  #ends = 0;
  #isReplaced = false;

  constructor(log: Log) {
    this.#log = log;
    process.on("SIGTERM", () => this.#onEnd("SIGTERM"));
    process.on("SIGINT", () => this.#onEnd("SIGINT"));
    process.on("SIGHUP", () => void this.#reload());
    process.on(REPLACED_SIGNAL, () => this.#onReplaced());
  }

  /** @param closePorts Closes the ports of the proxy's own, if they are open. */
  leadTo(running: Running, closePorts: () => void): void {
    this.#running = running;
    this.#closePorts = closePorts;
    if (this.#ends > 0) running.stop();
    else if (this.#isReplaced) running.retire();
  }

  /** SIGHUP means more than certificates: the whole configuration is read again. */
  reloadWith(apply: () => Promise<void>): void {
    this.#apply = apply;
  }

  /** The first signal drains, the second one ends all sessions. */
  #onEnd(signal: string): void {
    this.#ends++;
    this.#log.info(this.#ends === 1 ? "draining" : "stopping", { signal });
    notifyService(["STOPPING=1"]);
    if (this.#ends > 1) this.#running?.stop();
    else this.#drain();
  }

  #drain(): void {
    const running = this.#running;
    if (!running) return;
    running.drain();
    setTimeout(() => running.stop(), running.config.drain.timeoutMs).unref();
  }

  #onReplaced(): void {
    if (this.#isReplaced || this.#ends > 0) return;
    this.#isReplaced = true;
    this.#log.info("replaced: no new clients", { signal: REPLACED_SIGNAL });
    notifyService(["STOPPING=1"]);
    const running = this.#running;
    if (!running) return;
    // Its successor is to have them.
    this.#closePorts();
    running.retire();
    setTimeout(() => {
      if (this.#ends > 0) return;
      this.#log.info("draining", { reason: "clients have stayed for drain.takeover_timeout" });
      this.#drain();
    }, running.config.drain.takeoverTimeoutMs).unref();
  }

  async #reload(): Promise<void> {
    // The clock that runs from the machine's start, as the manager has it.
    const micros = process.hrtime.bigint() / 1000n;
    notifyService(["RELOADING=1", `MONOTONIC_USEC=${micros}`]);
    await this.#reopenLogs();
    try {
      await (this.#apply ? this.#apply() : this.#running?.reload());
      this.#log.info("certificates read again");
    } catch (error) {
      this.#log.error("certificates not read again, the old ones stay", {
        reason: (error as Error).message,
      });
    }
    notifyService(["READY=1"]);
  }

  /** Whatever becomes of the configuration: who has moved a file must know that it is his now. */
  async #reopenLogs(): Promise<void> {
    const failure = await this.#running?.reopenLogs();
    if (failure === undefined) this.#log.info("log files opened again");
    else this.#log.error("log files not opened again, the old ones stay", { reason: failure });
  }
}
