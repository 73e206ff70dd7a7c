// What the benchmark knows of a contender: how to start it in front of a server.

import type { ServerKind } from "../../tests/servers/mod.ts";
import type { RunningProcess } from "../processes.ts";

/** Where something listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a contender is given to start. */
export interface StartOptions {
  /** The database server to stand in front of. */
  readonly server: Endpoint;
  /** The account of all clients. */
  readonly account: { readonly user: string; readonly password: string; readonly plugin: string };
  /** Servers that follow that one. */
  readonly replicas: readonly Endpoint[];
  /** An account that may watch the servers. */
  readonly monitor: { readonly user: string; readonly password: string };
  /** Where to listen. */
  readonly listen: Endpoint;
  /** A folder of its own for configuration and logs, removed afterwards. */
  readonly folder: string;
  /** Clients it must be able to hold at the same time. */
  readonly clientsMax: number;
  /** Worker processes of the proxy; other contenders say in their name how they run. */
  readonly workers: number;
  /** Server connections of a contender that shares them between its clients. */
  readonly poolConnections: number;
  /** What the program is started through, where its instructions are counted. */
  readonly wrapper?: Wrapper;
}

/** A program that another one is started through. */
export interface Wrapper {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** How long a start may take then. */
  readonly startMsMax: number;
}

/** A way from the client to the server. One file each, listed in mod.ts. */
export interface Contender {
  /** Of one that always has as many; others have what they are started with. */
  readonly workers?: number;
  /** As options and tables name it. */
  readonly name: string;
  /** Whether it takes part where the options do not choose. */
  readonly byDefault: boolean;
  /** Parts it takes part in; all where it is absent. */
  readonly parts?: readonly string[];
  /** Servers it can stand before; all where it is absent. */
  readonly servers?: readonly ServerKind[];
  /** Fetches the program where it is missing. @throws {Error} If that can't be done. */
  readonly install?: () => Promise<void>;
  /** The version to be put down with the figures. */
  readonly version: () => string;
  /**
   * Starts it; absent where clients connect to the server itself. Need not wait until it accepts.
   *
   * @throws {Error} If the program is not there.
   */
  readonly start?: (options: StartOptions) => RunningProcess;
}

/** The first line a program prints when asked for its version; "not installed" if it can't run. */
export function versionLine(command: readonly string[]): string {
  try {
    const { stdout } = Bun.spawnSync([...command], { stdin: "ignore", stderr: "ignore" });
    return stdout.toString().trim().split("\n")[0] ?? "";
  } catch {
    return "not installed";
  }
}
