// Goal: the protocol's corners work through the proxy as they do direct. Method: each of
// mariadb-client-test's programs runs at a MariaDB server; those that pass must pass at others
// through a proxy of each pool.mode. A server for each, as many programs change global state or
// share a database.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ProxyProcess, startProxy, WITHOUT_LOGIN_THROTTLE } from "../proxy_process.ts";
import { type RealServer, startMariadb } from "../servers/mod.ts";
import { whyMissing } from "../setup/cache.ts";
import { CLIENT_TEST_CONFIG, clientTestNames, runClientTest } from "./client_test_program.ts";

const SETUP_MS_MAX = 60_000;
const TEST_MS_MAX = 150_000;
/**
 * It sends PROXY headers on some connections and none on others: the proxy takes them from networks
 * it is told to trust, and demands them there.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(["test_proxy_header"]);
/** What docs/pooling.md says that no shared connection can show, with what they look at. */
const NOT_WHERE_SHARED: ReadonlyMap<string, string> = new Map([
  ["test_bug28386", "the general log: a closed statement stays prepared on its connection"],
]);
const MODES = ["session", "transaction"] as const;
/** Fewer passing direct would mean that the server here is set up wrong. */
const PASSING_DIRECT_MIN = 285;

const why = whyMissing("mariadb", "mariadb-client-test");
if (why !== null) console.log(`skipped: mariadb-client-test: ${why}`);
const names = (why === null ? await clientTestNames() : []).filter((name) => !LEFT_OUT.has(name));

describe.skipIf(why !== null)("mariadb-client-test", () => {
  let direct: RealServer;
  const behind: RealServer[] = [];
  const proxies = new Map<string, ProxyProcess>();
  /** Those that say nothing about the proxy, as they do not pass without it either. */
  const directToo: string[] = [];

  beforeAll(async () => {
    const extraConfig = CLIENT_TEST_CONFIG;
    direct = await startMariadb({ extraConfig });
    for (const mode of MODES) {
      const server = await startMariadb({ extraConfig });
      behind.push(server);
      const config = `${WITHOUT_LOGIN_THROTTLE}[pool]\nmode = "${mode}"\n`;
      proxies.set(mode, await startProxy({ backends: [server], config }));
    }
  }, SETUP_MS_MAX);
  afterAll(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    await Promise.all([direct, ...behind].map((server) => server?.stop()));
  });

  for (const name of names) {
    test(name, async () => {
      const [alone, ...proxied] = await Promise.all([
        runClientTest(name, direct),
        ...MODES.map((mode) => runClientTest(name, proxies.get(mode)!)),
      ]);
      if (!alone.passed) {
        directToo.push(name);
        return;
      }
      for (const [i, { passed, output }] of proxied.entries()) {
        const mode = MODES[i]!;
        if (mode === "transaction" && NOT_WHERE_SHARED.has(name)) expect(passed).toBe(false);
        else if (!passed) throw new Error(`Pooled by ${mode} it fails:\n${output.slice(-3000)}`);
      }
    }, TEST_MS_MAX);
  }

  test("nearly all pass without a proxy", () => {
    console.log(`direct too: ${directToo.join(" ")}`);
    expect(names.length - directToo.length).toBeGreaterThanOrEqual(PASSING_DIRECT_MIN);
  });
});
