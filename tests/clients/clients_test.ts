// Goal: no client can tell the proxy from the server. Method: each driver and command-line client
// does one list of things, direct and through proxies, one of each pool.mode, and must print the same.
// TLS and pool.mode have nothing to do with each other, and large values take most of the time: not
// everything is done in each combination.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ProxyProcess, startProxy, WITHOUT_LOGIN_THROTTLE } from "../proxy_process.ts";
import { type RealServer, serverKinds, sharedServer } from "../servers/mod.ts";
import { whyMissing } from "../setup/cache.ts";
import { CLIENTS } from "./clients.ts";
import { runCell } from "./matrix.ts";

const CELL_MS_MAX = 120_000;
/** Clients that run at the same time. */
const AT_ONCE = 2;
/** What each client does. */
const RUNS = [
  { tls: false, large: false, modes: ["session", "transaction"] },
  { tls: true, large: false, modes: ["transaction"] },
  { tls: false, large: true, modes: ["transaction"] },
  { tls: true, large: true, modes: ["session"] },
] as const;

for (const kind of serverKinds()) {
  describe(kind, () => {
    let server: RealServer;
    const proxies = new Map<string, ProxyProcess>();
    const slots = semaphore(AT_ONCE);

    beforeAll(async () => {
      server = await sharedServer(kind);
      for (const mode of ["session", "transaction"]) {
        const config = `${WITHOUT_LOGIN_THROTTLE}[pool]\nmode = "${mode}"\n`;
        proxies.set(mode, await startProxy({ backends: [server], config }));
      }
    }, CELL_MS_MAX);
    afterAll(async () => {
      for (const proxy of proxies.values()) await proxy.stop();
    });

    for (const client of CLIENTS.filter(({ kinds }) => kinds.includes(kind))) {
      const why = whyMissing(...client.needs);
      if (why !== null) console.log(`skipped: ${client.name}: ${why}`);
      for (const { tls, large, modes } of RUNS) {
        if (tls && large && !client.isLargeOverTls) continue;
        const name = `${client.name}, ${tls ? "TLS" : "plain"}${large ? ", large values" : ""}`;
        test.concurrent.skipIf(why !== null)(name, async () => {
          using _slot = await slots();
          const through = new Map(modes.map((mode) => [mode, proxies.get(mode)!]));
          const { direct, differences } = await runCell({ client, server, tls, large }, through);
          // A client that fails at once would print the same twice: it must have got to the end,
          // and all along have been let in.
          expect(direct).toContain("again");
          expect(direct.match(/^ *connect/gm)?.length).toBeGreaterThan(large ? 3 : 30);
          expect([...differences.keys()]).toEqual([...modes]);
          for (const [mode, difference] of differences) {
            if (difference !== "") throw new Error(`Pooled by ${mode} it shows:\n${difference}`);
          }
        }, CELL_MS_MAX * CLIENTS.length);
      }
    }
  });
}

/** At most `free` holders at a time; a slot is given back by disposing of it. */
function semaphore(free: number): () => Promise<Disposable> {
  const waiting: (() => void)[] = [];
  const slot: Disposable = {
    [Symbol.dispose]() {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    },
  };
  return async () => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return slot;
  };
}
