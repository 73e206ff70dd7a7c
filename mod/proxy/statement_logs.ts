// Opens the audit log and the slow log of a worker.

import { isDeepStrictEqual } from "node:util";
import {
  type AuditSettings,
  type Config,
  type StatementLogSettings,
  version,
  workerCount,
} from "../config/mod.ts";
import {
  AuditLog,
  type DigestNames,
  type Log,
  LogFile,
  SlowLog,
  slowLogHead,
} from "../observe/mod.ts";
import { StartError } from "./start_error.ts";

/** The exit status for a file that cannot be written; see docs/exit-status.md. */
const CONFIGURATION_STATUS = 3;

/** Those that are on. */
export interface StatementLogs {
  readonly audit: AuditLog | undefined;
  readonly slowLog: SlowLog | undefined;
}

/**
 * Opens those of a worker.
 *
 * @throws {StartError} If a file cannot be opened.
 */
export function openStatementLogs(config: Config, { number: worker, log, names }: {
  readonly number: number;
  readonly log: Log;
  /** How servers call digests. */
  readonly names: DigestNames;
}): StatementLogs {
  const { audit, slowLog } = config;
  // One that is to go has its own file, however many stay.
  const several = workerCount(config) > 1 || worker > 0;
  const open = (settings: StatementLogSettings, head?: string) =>
    openFile(several ? `${settings.filePath}.${worker}` : settings.filePath, {
      settings,
      log,
      ...(head === undefined ? {} : { head }),
    });
  return {
    audit: audit.filePath === "" ? undefined : new AuditLog(open(audit), {
      users: audit.users,
      exceptUsers: audit.exceptUsers,
      samplePercent: audit.sample,
      textMaxBytes: audit.textMaxBytes,
    }, names),
    slowLog: slowLog.filePath === ""
      ? undefined
      : new SlowLog(open(slowLog, slowLogHead(version)), {
        thresholdUs: slowLog.thresholdMs * 1000,
        textMaxBytes: slowLog.textMaxBytes,
      }),
  };
}

/** The audit log of the admin port, as the configuration in force has it: a file beside the workers'. */
export class AdminAudit {
  readonly #config: () => Config;
  readonly #log: Log;
  #settings: AuditSettings;
  #open: AuditLog | undefined;

  /** @throws {StartError} If it cannot be opened. */
  constructor(config: () => Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#settings = config().audit;
    this.#open = openAdminAudit(config(), log);
  }

  /** The one in force; undefined: it is off. What cannot be opened is said, and leaves the one before. */
  get current(): AuditLog | undefined {
    const config = this.#config();
    if (config.audit === this.#settings) return this.#open;
    const isSame = isDeepStrictEqual(config.audit, this.#settings);
    this.#settings = config.audit;
    if (isSame) return this.#open;
    try {
      const next = openAdminAudit(config, this.#log);
      void this.#open?.close();
      this.#open = next;
    } catch (error) {
      this.#log.error("log of statements not written", { reason: (error as Error).message });
    }
    return this.#open;
  }

  close(): void {
    void this.#open?.close();
  }
}

function openAdminAudit({ audit }: Config, log: Log): AuditLog | undefined {
  if (audit.filePath === "") return undefined;
  return new AuditLog(openFile(`${audit.filePath}.admin`, { settings: audit, log }), {
    users: [],
    exceptUsers: [],
    samplePercent: 100,
    textMaxBytes: audit.textMaxBytes,
  });
}

function openFile(path: string, { settings, log, head }: {
  readonly settings: StatementLogSettings;
  readonly log: Log;
  readonly head?: string;
}): LogFile {
  const { sizeMaxBytes, ageMaxMs, keep, bufferMaxBytes, overflow } = settings;
  try {
    return new LogFile({
      ...{ path, sizeMaxBytes, ageMaxMs, keep, bufferMaxBytes, overflow },
      ...(head === undefined ? {} : { head }),
      onError: (reason) => log.error("log of statements not written", { path, reason }),
    });
  } catch (error) {
    throw new StartError(
      `Cannot write to "${path}": ${(error as Error).message}`,
      CONFIGURATION_STATUS,
    );
  }
}
