// Many clients in transactions on very few server connections: whether all of them are served
// without an error, and how many connections the server has seen at most.

import type { Database } from "../database.ts";
import type { Figures, Part, Scale } from "../part.ts";
import { measureSysbench, workloads } from "./sysbench.ts";

const CLIENTS = 2_000;
const POOL_CONNECTIONS = 8;

/** sysbench's read_write with prepared statements; an error of any statement fails it. */
export function writersPart(scale: Scale): Part {
  const seconds = scale.quick ? scale.seconds : 4 * scale.seconds;
  return {
    name: "writers",
    cases: [{
      id: `writers/${CLIENTS}`,
      title: `${CLIENTS} clients, read_write, prepared, ${POOL_CONNECTIONS} server connections`,
      async measure(target, database): Promise<Figures> {
        await database.sql("FLUSH STATUS");
        const figures = await measureSysbench(target, {
          database,
          workload: workloads["read-write"],
          connections: CLIENTS,
          seconds,
        });
        return { ...figures, serverConnections: await connectionsSeen(database) };
      },
    }],
    columns: [
      { figure: "serverConnections", title: "server connections", digits: 0 },
      { figure: "deadlocks", title: "deadlocks", digits: 0 },
      { figure: "qps", title: "QPS", digits: 0, better: "more" },
      { figure: "averageMs", title: "avg ms", digits: 1 },
      { figure: "p95Ms", title: "p95 ms", digits: 1 },
      { figure: "cpuMicros", title: "CPU µs/query", digits: 1, better: "less" },
      { figure: "rssMib", title: "RSS MiB", digits: 1 },
    ],
    rounds: 1,
    freshProcess: true,
    contenders: ["mysqlproxy-pool"],
    poolConnections: POOL_CONNECTIONS,
    secondsEach: seconds + 10,
  };
}

/** The most connections at the same time since FLUSH STATUS, but for the one that asks. */
async function connectionsSeen(database: Database): Promise<number> {
  const [row] = await database.sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'");
  return Number(row["Value"]) - 1;
}
