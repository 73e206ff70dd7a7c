// The files that a configuration names: whether they can be read or written, and are what they have to
// be. Apart from the rest of the checks, which look at the text alone: what is right today can be gone
// tomorrow.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "./config.ts";
import type { ConfigError } from "./errors.ts";
import type { LoadedConfig } from "./load.ts";
import { systemReason } from "./toml.ts";

type Loaded = Extract<LoadedConfig, { readonly config: unknown }>;

/**
 * What is wrong with them, for whoever runs this process, in the order of the sections. Nothing is
 * written.
 *
 * @param inForce What a proxy has open: a log that stays is not opened anew, and a disk that takes
 *   nothing any more is to keep nobody from changing something else.
 */
export function checkNamedFiles(
  { config, placeOf }: Loaded,
  inForce?: Pick<Config, "audit" | "slowLog">,
): readonly ConfigError[] {
  const { clientTls, backendTls, audit, slowLog } = config;
  const errors: ConfigError[] = [];
  const check = (section: string, key: string, look: () => void) => {
    try {
      look();
    } catch (error) {
      const { message } = error as Error;
      errors.push({ ...placeOf([section, key]), key: `${section}.${key}`, message });
    }
  };
  for (const [section, tls] of [["client_tls", clientTls], ["backend_tls", backendTls]] as const) {
    if (tls.mode === "disabled") continue;
    let certificate: X509Certificate | undefined;
    if (tls.certPath !== "") {
      check(section, "cert", () => certificate = certificateIn(tls.certPath));
      check(section, "key", () => checkKey(tls.keyPath, certificate));
    }
    if (tls.caPath !== "") check(section, "ca", () => void certificateIn(tls.caPath));
  }
  const logs = [
    ["audit", audit.filePath, inForce?.audit.filePath],
    ["slow_log", slowLog.filePath, inForce?.slowLog.filePath],
  ] as const;
  for (const [section, path, open] of logs) {
    if (path !== "" && path !== open) check(section, "file", () => checkWritable(path));
  }
  return errors;
}

function certificateIn(path: string): X509Certificate {
  const text = textIn(path);
  try {
    return new X509Certificate(text);
  } catch {
    throw new Error(`"${path}" holds no certificate in PEM`);
  }
}

/** @param certificate What it has to fit; undefined: there is none to be compared with. */
function checkKey(path: string, certificate: X509Certificate | undefined): void {
  const text = textIn(path);
  let key;
  try {
    key = createPrivateKey(text);
  } catch {
    throw new Error(`"${path}" holds no private key in PEM, or one with a passphrase`);
  }
  if (certificate && !certificate.checkPrivateKey(key)) {
    throw new Error(`"${path}" is not the key of the certificate`);
  }
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`cannot read "${path}": ${systemReason(error)}`);
  }
}

/** Workers append to the file, or each to one of its own beside it; missing ones are made. */
function checkWritable(path: string): void {
  try {
    const found = [path, `${path}.0`].find((each) => existsSync(each));
    if (found === undefined) {
      const folder = dirname(path);
      if (!statSync(folder).isDirectory()) throw new Error(`"${folder}" is not a directory`);
      accessSync(folder, constants.W_OK | constants.X_OK);
    } else if (statSync(found).isDirectory()) throw new Error("it is a directory");
    else accessSync(found, constants.W_OK);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT"
      ? `there is no directory "${dirname(path)}"`
      : systemReason(error);
    throw new Error(`cannot write to "${path}": ${reason}`);
  }
}
