// The servers watched anew, as another flavor: what the watch before has known and held is let go.

import { expect, test } from "bun:test";
import { ClusterWatch } from "../../mod/proxy/watch_cluster.ts";
import { type Config, defaultConfig } from "../../mod/config/mod.ts";
import { createLog } from "../../mod/observe/mod.ts";
import { serverKinds } from "../servers/mod.ts";
import { startAsyncCluster } from "./clusters.ts";
import { until } from "./watching.ts";

const [kind] = serverKinds();
const TIMES = 10;
/** The one in force, the one before it, and whom the engine has not forgotten yet. */
const KEPT_MAX = 4;

test.skipIf(kind === undefined)("watches that others have taken over from are let go", async () => {
  await using cluster = await startAsyncCluster(kind!, 0);
  const plain = defaultConfig();
  const { port } = cluster.first;
  const config = (flavor: Config["cluster"]["flavor"]): Config => ({
    ...plain,
    backends: [{ kind: "tcp", host: "127.0.0.1", port }],
    account: { ...plain.account!, user: "app", password: "app" },
    cluster: { ...plain.cluster, flavor },
  });
  const log = createLog({ level: "error", format: "text", module: "proxy", write: () => {} });
  const watch = new ClusterWatch(config("async"), log, {
    publish() {},
    learn() {},
    pools: () => ({}),
    transactionsAt: () => Promise.resolve(0),
  });
  await watch.start();
  const watches: WeakRef<object>[] = [];
  for (let i = 0; i < TIMES; i++) {
    const before = new WeakRef<object>(watch.current!);
    watches.push(new WeakRef(watch.current!.knowledge));
    await watch.current!.ready;
    await watch.reconfigure(config(i % 2 === 0 ? "auto" : "async"));
    await until("the next one has taken over", () => before.deref() !== watch.current);
  }
  await watch.stop();
  await until("they are let go", () => {
    Bun.gc(true);
    return watches.filter((each) => each.deref() !== undefined).length <= KEPT_MAX;
  }, { pollMs: 100, limitMs: 10_000 });
  expect(watches).toHaveLength(TIMES);
}, 60_000);
