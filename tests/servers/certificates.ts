// A certificate authority and a server certificate for 127.0.0.1 and localhost, made once with the
// openssl program and kept in the tests' cache.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../setup/cache.ts";

/** Paths of PEM files. */
export interface Certificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

const DAYS_VALID = 3650;

/** The tests' certificates; made now if there are none. Throws an Error if openssl fails. */
export function certificates(): Certificates {
  const folder = join(cacheFolder(), "certificates");
  if (!existsSync(folder)) makeCertificates(folder);
  return {
    authority: join(folder, "ca.pem"),
    certificate: join(folder, "server.pem"),
    key: join(folder, "server-key.pem"),
  };
}

function makeCertificates(folder: string): void {
  const work = `${folder}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { mode: 0o700 });
  writeFileSync(join(work, "names"), "subjectAltName = IP:127.0.0.1, IP:::1, DNS:localhost\n");
  const openssl = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: work });
    if (exitCode !== 0) throw new Error(`Cannot make certificates: ${stderr.toString().trim()}`);
  };
  const days = ["-days", String(DAYS_VALID)];
  const newKey = ["-newkey", "rsa:2048", "-nodes", "-keyout"];
  openssl("req", "-x509", ...newKey, "ca-key.pem", "-out", "ca.pem", ...days, "-subj", "/CN=tests");
  openssl("req", ...newKey, "server-key.pem", "-out", "request.pem", "-subj", "/CN=localhost");
  openssl(
    ...["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem"],
    ...["-CAcreateserial", "-out", "server.pem", "-extfile", "names", ...days],
  );
  try {
    renameSync(work, folder);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    // Another test run may have been quicker.
    if (!existsSync(folder)) throw error;
  }
}
