// A connection of the control plane's own: an ordinary MySQL client with the proxy's account.

import type { Connection, ConnectionOptions, SslOptions } from "mysql2/promise";
import type { Credential } from "./credential.ts";
import { ed25519Sign } from "./ed25519_keys.ts";

/** Where to connect and as whom. */
export interface OwnEndpoint {
  readonly user: string;
  /** A credential of kind "password". */
  readonly credential: Credential;
  /** Either `host` and `port` or `socketPath`. */
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  /** TLS towards the server; absent for none. */
  readonly ssl?: SslOptions;
  /** A server that does not offer TLS is read without. @default {false} */
  readonly sslOptional?: boolean;
  /** One text may hold several statements. @default {false} */
  readonly multipleStatements?: boolean;
}

/**
 * Connects.
 *
 * @param timeoutMs How long connecting may take, each time that it is tried.
 * @throws {Error} With the system's or the server's `code` and `errno`.
 */
export async function connectAsOwn(endpoint: OwnEndpoint, timeoutMs: number): Promise<Connection> {
  // Loaded at first use: a proxy without an account of its own starts without a client library.
  const { createConnection } = await import("mysql2/promise");
  const connection = await createConnection(connectionOptions(endpoint, timeoutMs)).catch(
    (error: unknown) => {
      const { code } = error as { code?: unknown };
      if (!endpoint.sslOptional || code !== "HANDSHAKE_NO_SSL_SUPPORT") throw error;
      const { ssl: _ssl, ...plain } = endpoint;
      return createConnection(connectionOptions(plain, timeoutMs));
    },
  );
  // Errors between two statements are reported by the next one; without this they would be thrown.
  connection.on("error", () => {});
  return connection;
}

function connectionOptions(endpoint: OwnEndpoint, timeoutMs: number): ConnectionOptions {
  const { user, credential, host, port, socketPath, ssl, multipleStatements = false } = endpoint;
  const password = Buffer.from(credential.reveal());
  return {
    user,
    password: password.toString("utf8"),
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    ...(ssl === undefined ? {} : { ssl }),
    connectTimeout: timeoutMs,
    multipleStatements,
    charset: "utf8mb4",
    // No stack is kept for each statement in case it fails: that took a tenth of a look at a server.
    trace: false,
    // The client library has no ed25519 of its own.
    authPlugins: { client_ed25519: () => (nonce: Buffer) => signNonce(password, nonce) },
  } as ConnectionOptions;
}

function signNonce(password: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(ed25519Sign(password, nonce.subarray(0, 32)));
}
