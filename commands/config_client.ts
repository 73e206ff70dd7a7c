// `config diff`, `apply` and `rollback`: asks a proxy that runs, over its admin port.

import { readFileSync } from "node:fs";
import { UNNAMED_TEXT } from "../mod/config/mod.ts";
import type { AdminClient, AdminTls } from "../mod/admin/mod.ts";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";

const TIMEOUT_MS = 10_000;

/** How to reach the proxy. */
export interface ProxyAccess {
  /** As in `--admin`; undefined: the one unix socket on this machine. */
  readonly via?: string | undefined;
  readonly user: string;
  readonly password: string;
  /** TLS to it; undefined for none. Without effect on unix sockets. */
  readonly tls: AdminTls | undefined;
}

/**
 * Asks, prints what would change or has changed, and gives the exit status.
 *
 * @param order Without a file: a rollback, to a revision where one is named.
 */
export async function askProxy(
  access: ProxyAccess,
  order: { readonly kind: "diff" | "apply"; readonly file: string } | {
    readonly kind: "rollback";
    readonly revision: number | undefined;
  },
): Promise<number> {
  const statement = order.kind === "rollback"
    ? `CONFIG ROLLBACK ${order.revision ?? ""}`
    : `CONFIG ${order.kind.toUpperCase()} '${quoted(textOf(order.file))}'`;
  await using client = await connect(access);
  let rows: readonly Readonly<Record<string, unknown>>[];
  try {
    rows = await client.query(statement);
  } catch (error) {
    const { message } = error as Error;
    const named = order.kind === "rollback"
      ? message
      : message.replaceAll(new RegExp(`^${UNNAMED_TEXT}(?=:)`, "gm"), () => order.file);
    console.error(named);
    return exitStatus.configuration;
  }
  if (rows.length === 0) console.log("nothing differs");
  for (const { key, before, after, takes_effect: when, source } of rows) {
    const from = source === "overlay" ? " (overlay)" : "";
    const change = `${key}: ${before ?? "nothing"} -> ${after ?? "nothing"}${from}`;
    console.log(when === "at once" ? change : `${change} (takes a restart)`);
  }
  return exitStatus.ok;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(
      `cannot read "${file}": ${(error as Error).message}`,
      exitStatus.configuration,
    );
  }
}

function quoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "''");
}

async function connect({ via, ...login }: ProxyAccess): Promise<AdminClient> {
  const { AdminClient, localSockets } = await import("../mod/admin/mod.ts");
  const account = { ...login, timeoutMs: TIMEOUT_MS };
  const addresses = via === undefined ? localSockets().map((path) => `unix:${path}`) : [via];
  const reached: AdminClient[] = [];
  let failure = "there is no proxy of this user on this machine; --via names one";
  for (const address of addresses) {
    try {
      reached.push(await AdminClient.connect(address, account));
    } catch (error) {
      if (via !== undefined) failure = `cannot ask ${address}: ${(error as Error).message}`;
    }
  }
  const [only, ...others] = reached;
  if (others.length > 0) {
    const told = "several proxies run on this machine; say which one:";
    failure = [told, ...addresses].join("\n  --via ");
    for (const each of reached) await each[Symbol.asyncDispose]();
  }
  if (only === undefined || others.length > 0) throw new CommandError(failure, exitStatus.failure);
  return only;
}
