// Runs one of mariadb-client-test's programs, or all, and prints the results.
// Usage: bun tests/clients/mariadb_client_test.ts [NAME ...] --port P [--host H]
//
// Without --port it starts a MariaDB server with the proxy before it.

import { parseArgs } from "node:util";
import { startProxy, WITHOUT_LOGIN_THROTTLE } from "../proxy_process.ts";
import { startMariadb } from "../servers/mod.ts";
import { CLIENT_TEST_CONFIG, clientTestNames, runClientTest } from "./client_test_program.ts";

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { port: { type: "string" }, host: { type: "string", default: "127.0.0.1" } },
});

const names = positionals.length > 0 ? positionals : await clientTestNames();
if (values.port !== undefined) {
  await runAll({ host: values.host, port: Number(values.port) });
} else {
  await using server = await startMariadb({ extraConfig: CLIENT_TEST_CONFIG });
  await using proxy = await startProxy({
    backends: [server],
    config: WITHOUT_LOGIN_THROTTLE,
  });
  await runAll(proxy);
  console.log(proxy.log());
}

async function runAll(at: { readonly host: string; readonly port: number }): Promise<void> {
  let failed = 0;
  for (const name of names) {
    const { passed, output, ms } = await runClientTest(name, at);
    if (!passed) failed++;
    console.log(`${passed ? "pass" : "FAIL"} ${name} ${ms} ms`);
    if (names.length === 1 || !passed && positionals.length > 0) console.log(output);
  }
  console.log(`${names.length - failed} passed, ${failed} failed`);
}
