// What a configuration says of connections to a server, and of the bounds of its pools.

import { Credential } from "../auth/mod.ts";
import type { AccountPoolLimits, OwnAccount, Server } from "../backend/mod.ts";
import type { Config, ServerAddress } from "../config/mod.ts";
import { CredentialAuthenticator } from "../session/mod.ts";
import { sharesConnections } from "./shares_connections.ts";
import { backendTlsContext } from "./tls_context.ts";

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

/** The bounds of the shared pools of one worker. @param workers How many workers there are. */
export function poolLimits(config: Config, workers: number): AccountPoolLimits {
  const { pool } = config;
  return {
    connectionsMax: Math.max(1, Math.floor(pool.connectionsMax / workers)),
    // Where sessions do not share, what is left of shared connections is not kept open.
    connectionsMin: sharesConnections(config) ? Math.ceil(pool.connectionsMin / workers) : 0,
    pipeline: pool.pipeline === "off" ? undefined : pool.pipeline,
    workers,
    loginTrustMs: config.auth.syncIntervalMs,
    maxAgeMs: pool.maxAgeMs,
    pingTimeoutMs: pool.connectTimeoutMs,
    waitTimeoutMs: pool.waitTimeoutMs,
    idleTimeoutMs: pool.idleTimeoutMs,
  };
}

/** As whom the proxy itself logs in to servers; undefined: it has no account. */
export function ownAccount({ account }: Config): OwnAccount | undefined {
  if (!account) return undefined;
  const credential = Credential.password(account.password);
  return {
    user: Buffer.from(account.user),
    authenticator: (server) => new CredentialAuthenticator(credential, server),
  };
}
