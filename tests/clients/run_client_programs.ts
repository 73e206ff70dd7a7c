// Runs mariadb-client-test's programs, those named or all, and prints the results.
// Usage: bun tests/clients/run_client_programs.ts [NAME ...] [--port P [--host H]]
//
// With a port they run there. Without one it starts two MariaDB servers, one with the proxy before
// it, runs each program at both, and tells what differs.

import { parseArgs } from "node:util";
import { startProxy, WITHOUT_LOGIN_THROTTLE } from "../proxy_process.ts";
import { startMariadb } from "../servers/mod.ts";
import { CLIENT_TEST_CONFIG, clientTestNames, runClientTest } from "./client_test_program.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { port: { type: "string" }, host: { type: "string", default: "127.0.0.1" } },
});

const names = positionals.length > 0 ? positionals : await clientTestNames();
if (values.port !== undefined) {
  await runAt({ host: values.host, port: Number(values.port) });
} else {
  const extraConfig = CLIENT_TEST_CONFIG;
  await using direct = await startMariadb({ extraConfig });
  await using behind = await startMariadb({ extraConfig });
  await using proxy = await startProxy({ backends: [behind], config: WITHOUT_LOGIN_THROTTLE });
  await compare(direct, proxy);
  console.log(proxy.log());
}

async function runAt(address: Address): Promise<void> {
  let passed = 0;
  for (const name of names) {
    const result = await runClientTest(name, address);
    if (result.passed) passed++;
    else console.log(`does not pass: ${name}`);
    if (positionals.length > 0) console.log(result.output);
  }
  console.log(`${passed} of ${names.length} pass`);
}

async function compare(direct: Address, proxy: Address): Promise<void> {
  let same = 0;
  for (const name of names) {
    const [alone, proxied] = await Promise.all([
      runClientTest(name, direct),
      runClientTest(name, proxy),
    ]);
    if (alone.passed === proxied.passed) same++;
    if (!alone.passed && !proxied.passed) console.log(`direct too: ${name}`);
    else if (!proxied.passed) console.log(`through the proxy only: ${name}\n${proxied.output}`);
    else if (!alone.passed) console.log(`direct only: ${name}`);
  }
  console.log(`${same} of ${names.length} end alike`);
}
