// Many simulated servers of one cluster in a process of their own, for a test that measures what it
// costs to watch them. Usage: bun many_servers.ts COUNT; prints the first one's port, and ends with
// its standard input.

import { SimulatedCluster } from "../../fixtures/cluster/mod.ts";

const count = Number(process.argv[2]);
await using cluster = await SimulatedCluster.start({
  flavor: "async",
  followers: count - 1,
  tls: false,
});
console.log(cluster.nodes[0]!.port);
await new Promise<void>((resolve) => {
  process.stdin.on("end", resolve);
  process.stdin.resume();
});
