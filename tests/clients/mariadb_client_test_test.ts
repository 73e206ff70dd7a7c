// Goal: the protocol's corners work through the proxy as they do direct. Method: each of
// mariadb-client-test's programs runs at a MariaDB server; those that pass must pass at a second
// server through the proxy. Two servers, as many programs change global state or share a database.

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
/** Fewer passing direct would mean that the server here is set up wrong. */
const PASSING_DIRECT_MIN = 285;

const why = whyMissing("mariadb", "mariadb-client-test");
if (why !== null) console.log(`skipped: mariadb-client-test: ${why}`);
const names = (why === null ? await clientTestNames() : []).filter((name) => !LEFT_OUT.has(name));

describe.skipIf(why !== null)("mariadb-client-test", () => {
  let direct: RealServer;
  let behind: RealServer;
  let proxy: ProxyProcess;
  /** Those that say nothing about the proxy, as they do not pass without it either. */
  const directToo: string[] = [];

  beforeAll(async () => {
    const extraConfig = CLIENT_TEST_CONFIG;
    [direct, behind] = await Promise.all([
      startMariadb({ extraConfig }),
      startMariadb({ extraConfig }),
    ]);
    proxy = await startProxy({ backends: [behind], config: WITHOUT_LOGIN_THROTTLE });
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await proxy?.stop();
    await Promise.all([direct?.stop(), behind?.stop()]);
  });

  for (const name of names) {
    test(name, async () => {
      const [alone, proxied] = await Promise.all([
        runClientTest(name, direct),
        runClientTest(name, proxy),
      ]);
      if (!alone.passed) {
        directToo.push(name);
      } else if (!proxied.passed) {
        throw new Error(`Fails through the proxy only:\n${proxied.output.slice(-3000)}`);
      }
    }, TEST_MS_MAX);
  }

  test("nearly all pass without a proxy", () => {
    console.log(`direct too: ${directToo.join(" ")}`);
    expect(names.length - directToo.length).toBeGreaterThanOrEqual(PASSING_DIRECT_MIN);
  });
});
