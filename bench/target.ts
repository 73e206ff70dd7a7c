// A contender that has been started and lets clients in.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { accountsOf, freePort } from "../tests/servers/mod.ts";
import type { Contender, Endpoint, Wrapper } from "./contenders/mod.ts";
import type { Database } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import type { RunningProcess } from "./processes.ts";
import { type LoginOptions, RawClient } from "./raw_client.ts";

/** A way to the database that is open. */
export interface Target {
  readonly contender: Contender;
  readonly endpoint: Endpoint;
  /** The contender's own. */
  readonly folder: string;
  /** Absent where clients connect to the server itself. */
  readonly process?: RunningProcess;
  readonly stop: () => Promise<void>;
}

/** What contenders are started with. */
export interface TargetOptions {
  readonly database: Database;
  /** Holds a folder for each contender. */
  readonly folder: string;
  readonly clientsMax: number;
  readonly workers: number;
  /** Server connections of a contender that shares them between its clients. */
  readonly poolConnections: number;
  readonly wrapper?: Wrapper;
}

const START_MS_MAX = 15_000;
const RETRY_MS = 20;

/**
 * Starts a contender and waits until one client has logged in through it and left.
 *
 * @throws {Error} If it ends or lets nobody in within 15 s, or as long as its wrapper needs.
 */
export async function openTarget(contender: Contender, options: TargetOptions): Promise<Target> {
  const { database, wrapper } = options;
  const folder = join(options.folder, contender.name);
  mkdirSync(folder, { recursive: true });
  const endpoint = contender.start === undefined
    ? database.endpoint
    : { host: "127.0.0.1", port: freePort() };
  const process = contender.start?.({
    server: database.endpoint,
    replicas: database.replicas ?? [],
    account: database,
    monitor: accountsOf(database.kind).monitor,
    listen: endpoint,
    folder,
    clientsMax: options.clientsMax,
    workers: options.workers,
    poolConnections: options.poolConnections,
    ...(wrapper && { wrapper }),
  });
  const stop = async () => await process?.stop();
  try {
    const msMax = wrapper?.startMsMax ?? START_MS_MAX;
    await awaitLogin(loginOptions(database, endpoint), { process, msMax });
  } catch (error) {
    await stop();
    throw error;
  }
  return { contender, endpoint, folder, stop, ...(process && { process }) };
}

/** How the raw client logs in to the database through `endpoint`. */
export function loginOptions(database: Database, endpoint: Endpoint): LoginOptions {
  return {
    ...endpoint,
    user: database.user,
    password: database.password,
    database: database.name,
  };
}

async function awaitLogin(
  options: LoginOptions,
  { process, msMax }: { readonly process: RunningProcess | undefined; readonly msMax: number },
): Promise<void> {
  const deadline = Date.now() + msMax;
  for (;;) {
    try {
      const left = Math.max(RETRY_MS, deadline - Date.now());
      const client = await withDeadline(RawClient.login(options), { ms: left });
      await client.query("DO 1");
      client.close();
      return;
    } catch (cause) {
      const why = process?.ended();
      if (why !== undefined) throw new Error(why, { cause });
      if (Date.now() >= deadline) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`No login within ${msMax} ms: ${message}`, { cause });
      }
      await Bun.sleep(RETRY_MS);
    }
  }
}
