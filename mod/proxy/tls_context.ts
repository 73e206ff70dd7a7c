// Certificates and keys for both legs, read from files or made; read again on reload.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TLSOptions } from "bun";
import { certificateFingerprint } from "../auth/mod.ts";
import type { BackendTls, ClientTls, ServerAddress } from "../config/mod.ts";
import { selfSignedCertificate } from "../net/mod.ts";
import { StartError } from "./start_error.ts";

/** The exit status for certificates and keys that cannot be read; see docs/exit-status.md. */
const CERTIFICATE_STATUS = 5;

/** TLS towards clients as sessions need it. */
export interface ClientTlsContext {
  /** Undefined where TLS is off. */
  readonly clientTls: TLSOptions | undefined;
  /** SHA-256 of the certificate if it signs itself. */
  readonly certificateFingerprint: Uint8Array | undefined;
}

/** A certificate that the proxy has made itself, in PEM. */
export interface MadeCertificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * TLS towards clients. Without files, a certificate is made now unless one was made before.
 *
 * @throws {StartError} If a file cannot be read.
 */
export async function clientTlsContext(
  settings: ClientTls,
  made?: MadeCertificate,
): Promise<ClientTlsContext> {
  if (settings.mode === "disabled") {
    return { clientTls: undefined, certificateFingerprint: undefined };
  }
  const own = settings.certPath === ""
    ? made ?? await selfSignedCertificate({ commonName: "mysqlproxy", days: 3650 })
    : { cert: readPem(settings.certPath), key: readPem(settings.keyPath) };
  const certificate = parseCertificate(own.cert, settings.certPath);
  const signsItself = certificate.issuer === certificate.subject;
  const clientTls = {
    ...own,
    ...(settings.caPath === "" ? {} : { ca: readPem(settings.caPath), requestCert: true }),
    rejectUnauthorized: false, // the server's account rules decide about certificates
    ...minimumVersion(settings.minVersion),
  };
  return {
    clientTls,
    certificateFingerprint: signsItself ? certificateFingerprint(certificate.raw) : undefined,
  };
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new StartError(`Cannot read "${path}": it is not a certificate`, CERTIFICATE_STATUS);
  }
}

/**
 * TLS towards a server.
 *
 * @throws {StartError} If a file cannot be read.
 */
export function backendTlsContext(settings: BackendTls, address: ServerAddress): TLSOptions {
  const name = address.kind === "tcp" ? address.host : "";
  return {
    ...backendPem(settings),
    ...(settings.mode === "verify-identity" ? { serverName: name } : {}),
    rejectUnauthorized: false, // judged after the handshake, so that the reason can be told
  };
}

/**
 * The authorities and the client certificate for TLS towards servers, as far as files are given.
 *
 * @throws {StartError} If a file cannot be read.
 */
export function backendPem(settings: BackendTls): { ca?: string; cert?: string; key?: string } {
  return {
    ...(settings.caPath === "" ? {} : { ca: readPem(settings.caPath) }),
    ...(settings.certPath === ""
      ? {}
      : { cert: readPem(settings.certPath), key: readPem(settings.keyPath) }),
  };
}

/** SSL_OP_NO_TLSv1_2 and the like are what the runtime knows versions by. */
function minimumVersion(version: "1.2" | "1.3"): TLSOptions {
  const SSL_OP_NO_TLSV1 = 0x04000000;
  const SSL_OP_NO_TLSV1_1 = 0x10000000;
  const SSL_OP_NO_TLSV1_2 = 0x08000000;
  const old = SSL_OP_NO_TLSV1 | SSL_OP_NO_TLSV1_1;
  return { secureOptions: version === "1.3" ? old | SSL_OP_NO_TLSV1_2 : old };
}

function readPem(path: string): string {
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    throw new StartError(`Cannot read "${path}": ${code ?? error}`, CERTIFICATE_STATUS);
  }
  if (!pem.includes("-----BEGIN ")) {
    throw new StartError(`Cannot read "${path}": it is not PEM`, CERTIFICATE_STATUS);
  }
  return pem;
}
