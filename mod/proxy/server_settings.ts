// What a configuration says of connections to a server, and of the bounds of its pools.

import type { AccountPoolLimits, Server } from "../backend/mod.ts";
import type { Config, ServerAddress } from "../config/mod.ts";
import { backendTlsContext } from "./tls_context.ts";
import { workerCount } from "./worker_count.ts";

/**
 * How connections to a server are made.
 *
 * @throws {StartError} If a certificate cannot be read.
 */
export function connectSettings(config: Config, address: ServerAddress): Server["settings"] {
  const { backend, zstdLevel } = config.compression;
  return {
    address,
    timeoutMs: config.pool.connectTimeoutMs,
    tlsMode: config.backendTls.mode,
    tls: backendTlsContext(config.backendTls, address),
    compression: backend === "off" ? undefined : { method: backend, level: zstdLevel },
    tcp: config.tcp,
  };
}

/** The bounds of the shared pools of one worker. */
export function poolLimits(config: Config): AccountPoolLimits {
  const { pool } = config;
  const workers = workerCount(config);
  return {
    connectionsMax: Math.max(1, Math.floor(pool.connectionsMax / workers)),
    connectionsMin: Math.ceil(pool.connectionsMin / workers),
    pipeline: pool.pipeline === "off" ? undefined : pool.pipeline,
    workers,
    loginTrustMs: config.auth.syncIntervalMs,
    maxAgeMs: pool.maxAgeMs,
    pingTimeoutMs: pool.connectTimeoutMs,
    waitTimeoutMs: pool.waitTimeoutMs,
    idleTimeoutMs: pool.idleTimeoutMs,
  };
}
