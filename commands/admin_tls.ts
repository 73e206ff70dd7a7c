// The flags for TLS to an admin port, the same wherever a command speaks to one.

import { readFileSync } from "node:fs";
import { Option } from "commander";
import type { AdminTls } from "../mod/admin/mod.ts";
import { exitStatus } from "./exit_status.ts";
import { CommandError } from "./failure.ts";

const TLS_MODES = ["disabled", "preferred", "required", "verify-ca", "verify-identity"] as const;

/** What commander has read of these flags. */
export interface AdminTlsFlags {
  readonly tls: typeof TLS_MODES[number];
  readonly tlsCa?: string;
}

/** `--tls` and `--tls-ca`. */
export function adminTlsOptions(): readonly [tls: Option, tlsCa: Option] {
  return [
    new Option("--tls <mode>", "TLS to it").choices(TLS_MODES).default("preferred"),
    new Option("--tls-ca <file>", "certificates that its own is checked against"),
  ];
}

/**
 * How TLS is used; undefined: it is not.
 *
 * @throws {CommandError} If the file of authorities cannot be read.
 */
export function adminTlsOf({ tls, tlsCa }: AdminTlsFlags): AdminTls | undefined {
  if (tls === "disabled") return undefined;
  return {
    ...(tlsCa === undefined ? {} : { ca: textOf(tlsCa) }),
    rejectUnauthorized: tls === "verify-ca" || tls === "verify-identity",
    verifyIdentity: tls === "verify-identity",
    optional: tls === "preferred",
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(
      `--tls-ca: cannot read ${file}: ${(error as Error).message}`,
      exitStatus.failure,
    );
  }
}
