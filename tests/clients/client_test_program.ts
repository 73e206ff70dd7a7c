// Runs Debian's mariadb-client-test, some 300 named C programs over the protocol in one
// executable, one by one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A named program's end. */
export interface ClientTestResult {
  readonly name: string;
  readonly passed: boolean;
  /** What it printed, and how it ended. */
  readonly output: string;
  readonly ms: number;
}

const TEST_MS_MAX = 60_000;
const PROGRAM = "mariadb-client-test";

/**
 * What a server's option file needs for most of them to pass: they come from a time of looser
 * rules.
 */
export const CLIENT_TEST_CONFIG: readonly string[] = [
  "sql_mode = ''",
  "log_bin_trust_function_creators = ON",
  "query_cache_type = ON",
  "query_cache_size = 1M",
  "general_log = ON",
  "log_output = TABLE",
  "max_allowed_packet = 32M",
  "proxy_protocol_networks = *",
];

/** The names of all programs. */
export async function clientTestNames(): Promise<string[]> {
  const child = Bun.spawn([PROGRAM, "--no-defaults", "--show-tests"], { stdout: "pipe" });
  const output = await new Response(child.stdout).text();
  // One has a semicolon at its end, which names it too.
  return output.split("\n").filter((line) => /^\w+;?$/.test(line));
}

/** Runs one by its name. It makes and drops the database client_test_db. */
export async function runClientTest(
  name: string,
  at: { readonly host: string; readonly port: number },
): Promise<ClientTestResult> {
  const folder = mkdtempSync(join(tmpdir(), "mp-client-test-"));
  const start = performance.now();
  try {
    const child = Bun.spawn(
      [
        ...[PROGRAM, "--no-defaults", `--host=${at.host}`, `--port=${at.port}`],
        ...["--user=app", "--password=app", `--vardir=${folder}`, name],
      ],
      {
        cwd: folder,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        timeout: TEST_MS_MAX,
        killSignal: "SIGKILL",
      },
    );
    const [output, errors, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    const end = child.signalCode === null ? `status ${status}` : `signal ${child.signalCode}`;
    return {
      name,
      passed: status === 0,
      output: `${output}${errors}${end}\n`,
      ms: Math.round(performance.now() - start),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
