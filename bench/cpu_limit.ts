// Gives processes a share of one processor core, so that servers are what limits a run even on a
// machine that clients and proxy share with them. Linux's control groups, version 1 or 2; root only.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const VERSION_1 = "/sys/fs/cgroup/cpu";
const VERSION_2 = "/sys/fs/cgroup";
/** Short, so that a limited server answers evenly. */
const PERIOD_MICROS = 10_000;

let groups = 0;

/** Control groups can be made here. */
export function canLimitCpu(): boolean {
  try {
    new CpuLimit([], 1)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/** A limit in force until it is disposed of. */
export class CpuLimit implements Disposable {
  readonly #folders: string[] = [];
  readonly #parent: string;
  readonly #pids: readonly number[];

  /**
   * Limits each of the processes.
   *
   * @param share Of one core.
   * @throws {Error} If the system does not allow that.
   */
  constructor(pids: readonly number[], share: number) {
    this.#pids = pids;
    const isFirst = existsSync(join(VERSION_1, "cpu.cfs_period_us")) ||
      existsSync(join(VERSION_1, "cpu.shares"));
    this.#parent = isFirst ? VERSION_1 : VERSION_2;
    const quota = Math.round(share * PERIOD_MICROS);
    try {
      // At least one, to see whether it can be done.
      for (const pid of pids.length === 0 ? [undefined] : pids) {
        const folder = join(this.#parent, `mysqlproxy-bench-${process.pid}-${++groups}`);
        mkdirSync(folder);
        this.#folders.push(folder);
        if (isFirst) {
          writeFileSync(join(folder, "cpu.cfs_period_us"), String(PERIOD_MICROS));
          writeFileSync(join(folder, "cpu.cfs_quota_us"), String(quota));
        } else writeFileSync(join(folder, "cpu.max"), `${quota} ${PERIOD_MICROS}`);
        if (pid !== undefined) writeFileSync(join(folder, "cgroup.procs"), String(pid));
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const pid of this.#pids) {
      try {
        writeFileSync(join(this.#parent, "cgroup.procs"), String(pid));
      } catch {
        // It has ended meanwhile.
      }
    }
    for (const folder of this.#folders) rmdirSync(folder);
  }
}
