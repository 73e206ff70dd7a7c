// A new configuration in a worker: first all that can fail, then all at once.

import { BlockList } from "node:net";
import type { Server } from "../backend/mod.ts";
import { type Config, workerCount } from "../config/mod.ts";
import type { LeveledLog, Log } from "../observe/mod.ts";
import { AuditChoice, type SessionContext } from "../session/mod.ts";
import { logSettings } from "./log_settings.ts";
import { connectSettings, ownAccount, poolLimits } from "./server_settings.ts";
import { sharesConnections } from "./shares_connections.ts";
import { openStatementLogs } from "./statement_logs.ts";
import { clientTlsContext, type MadeCertificate } from "./tls_context.ts";

/** A configuration that can be put in force, or be given up; one of them is to be called. */
export interface PreparedConfig {
  commit(): void;
  drop(): void;
}

/**
 * Does all that can fail, and changes nothing yet.
 *
 * @throws {StartError} If a file cannot be read or written.
 */
export async function prepareConfig(config: Config, context: SessionContext, options: {
  readonly log: Log;
  readonly configureLog?: LeveledLog["configure"];
  readonly number: number;
  /** How many workers share the pools. */
  readonly workers: number;
  readonly certificate?: MadeCertificate | undefined;
}): Promise<PreparedConfig> {
  const before = context.config;
  const tls = await newTls(config, context, options.certificate);
  const settings = new Map<Server, Server["settings"]>();
  for (const server of context.servers.all()) {
    settings.set(server, connectSettings(config, server.settings.address));
  }
  const logsOf = (each: Config) => [each.audit, each.slowLog, workerCount(each) > 1];
  const newLogs = isSame(logsOf(before), logsOf(config))
    ? undefined
    : openStatementLogs(config, { ...options, names: context.digestNames });
  return {
    commit() {
      context.config = config;
      Object.assign(context, tls);
      const shares = sharesConnections(config);
      const isOtherAccount = !isSame(before.account, config.account);
      for (const [server, setting] of settings) {
        server.settings = setting;
        server.pool.setLimits(config.pool);
        server.pools?.setLimits(poolLimits(config, options.workers));
        // What is idle was kept for sessions of the other sort.
        if (server.shares !== shares) server.pool.close();
        server.shares = shares;
        if (isOtherAccount) server.account = ownAccount(config);
      }
      context.routing?.reconfigure(config);
      if (isOtherAccount) context.routing?.reconnect();
      context.credentials.learned.lifetimeMs = config.auth.learnedTtlMs;
      context.gate.reconfigure(config.failover);
      context.throttle.setLimits(throttleLimits(config));
      context.trustedProxies = trustedProxies(config);
      options.configureLog?.(logSettings(config));
      if (newLogs) {
        void context.audit?.close();
        void context.slowLog?.close();
        Object.assign(context, newLogs);
      }
      context.auditChoice = AuditChoice.from(config);
      context.metrics.enabled = config.metrics.statements || context.audit !== undefined ||
        context.slowLog !== undefined;
    },
    drop() {
      void newLogs?.audit?.close();
      void newLogs?.slowLog?.close();
    },
  };
}

/** A certificate of the proxy's own making stays: clients may have learned it. */
async function newTls(
  config: Config,
  context: SessionContext,
  certificate: MadeCertificate | undefined,
): Promise<Partial<SessionContext>> {
  const isOwn = config.clientTls.certPath === "" && context.clientTls !== undefined;
  if (isOwn && isSame(config.clientTls, context.config.clientTls)) return {};
  return await clientTlsContext(config.clientTls, certificate);
}

/** The limits of failed logins. */
export function throttleLimits({ auth }: Config) {
  return {
    failuresMax: auth.failuresMax,
    windowMs: auth.failureWindowMs,
    delayMs: auth.failureDelayMs,
    addressesMax: auth.addressesMax,
  };
}

/** Networks whose PROXY headers are believed; undefined: none. */
export function trustedProxies(config: Config): BlockList | undefined {
  const { trusted } = config.proxyProtocol;
  if (trusted.length === 0) return undefined;
  const list = new BlockList();
  for (const network of trusted) {
    list.addSubnet(network.address, network.prefixLength, network.family);
  }
  return list;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
