// What sessions of a worker see of servers that are not what they were, for whoever watches them.

import { isTopologyError, type TroubleReport } from "../cluster/mod.ts";

/** Reports of one worker are at least this far apart, in milliseconds. */
const REPORT_MS = 50;

/** What sessions see of each server. */
export class Troubles {
  readonly #tell: (report: TroubleReport) => void;
  readonly #reporters = new Map<string, TroubleReporter>();

  constructor(tell: (report: TroubleReport) => void) {
    this.#tell = tell;
  }

  /**
   * A statement has failed, or with 0: a connection was refused or has ended.
   *
   * @param server The server's name.
   * @param code Its error number.
   */
  report(server: string, code: number): void {
    let reporter = this.#reporters.get(server);
    if (reporter === undefined) {
      reporter = new TroubleReporter(server, this.#tell);
      this.#reporters.set(server, reporter);
    }
    reporter.report(code);
  }

  /** A server owes answers and gives none. */
  reportSilence(server: string): void {
    this.#tell({ server, code: 0, isSilent: true });
  }
}

/** Tells the first trouble at once; of a burst that follows only that there was one. */
export class TroubleReporter {
  readonly #server: string;
  readonly #tell: (report: TroubleReport) => void;
  #restsUntil = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param server The server's name. */
  constructor(server: string, tell: (report: TroubleReport) => void) {
    this.#server = server;
    this.#tell = tell;
  }

  /**
   * A statement has failed, or with 0: a connection was refused or has ended. Most errors say
   * nothing about the server.
   *
   * @param code The server's error number.
   */
  report(code: number): void {
    if (code !== 0 && !isTopologyError(code)) return;
    const now = performance.now();
    if (now < this.#restsUntil) {
      this.#timer ??= setTimeout(() => this.#send(code), this.#restsUntil - now).unref();
    } else if (this.#timer === undefined) this.#send(code);
  }

  #send(code: number): void {
    this.#timer = undefined;
    this.#restsUntil = performance.now() + REPORT_MS;
    this.#tell({ server: this.#server, code });
  }
}
