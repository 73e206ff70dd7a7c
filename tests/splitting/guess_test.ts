// At `global` reads go out while the primary is asked what they must see, as long as it has had no
// news, and their answers are held until it has told that there is none.

import { expect, test } from "bun:test";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { until } from "../cluster/mod.ts";
import { serverKinds } from "../servers/mod.ts";
import { applier, startPair } from "./pair.ts";

const READS = 40;
/** For so long the primary does not answer at least, in milliseconds. */
const SILENCE_MS = 500;
const QUERY = "SELECT id FROM t ORDER BY id";

/** Of how many of these the rest was in vain, and what the replica still owes. */
async function guesses(admin: Connection, replica: string) {
  const [counters] = await admin.query<RowDataPacket[]>("SHOW COUNTERS LIKE 'guesses%'");
  const [servers] = await admin.query<RowDataPacket[]>("SELECT name, outstanding FROM servers");
  const [all, inVain] = counters.map((row) => Number(Object.values(row)[1]));
  const owed = Number(servers.find((row) => row["name"] === replica)!["outstanding"]);
  return { all: all!, inVain: inVain!, owed };
}

/** How long the longest of a replica's reads has waited for what it must see, and has run. */
async function longest(admin: Connection, replica: string) {
  const [stages] = await admin.query<RowDataPacket[]>("SELECT stage, target, max_us FROM stages");
  const of = (stage: string) =>
    Number(stages.find((row) => row["stage"] === stage && row["target"] === replica)?.["max_us"]);
  return { consistencyMs: of("consistency") / 1000, executeMs: of("execute") / 1000 };
}

test.each(serverKinds())("%s: reads on a guess", async (kind) => {
  await using pair = await startPair(kind, {
    route: 'wait_timeout = "10s"',
    config: "[pool]\npipeline = 16\n",
  });
  const { primary, replica } = pair;
  const client = await pair.connect();
  const admin = await pair.admin();
  const read = async () => {
    const [rows] = await client.query<RowDataPacket[]>(QUERY);
    return rows.map((row) => row["id"] as number);
  };
  try {
    await client.query("SET @@mysqlproxy.consistency = 'global'");
    for (let at = 0; at < READS; at++) expect(await read()).toEqual([]);
    const quiet = await guesses(admin, replica.name);
    expect(quiet.all).toBeGreaterThan(READS / 2);
    expect(quiet.inVain).toBe(0);
    const [routes] = await client.query<RowDataPacket[]>("SHOW ROUTES");
    const onReplica = routes.find((row) => row["Target"] === "replica" && row["Reason"] === "read");
    expect(Number(onReplica!["Statements"])).toBe(READS);

    // The replica has not what somebody else has written: its answer is not passed on.
    await replica.sql(applier(kind, "STOP"));
    await primary.sql("INSERT INTO test.t VALUES (1)");
    expect(await read()).toEqual([1]);
    expect(await guesses(admin, replica.name)).toMatchObject({
      all: quiet.all + 1,
      inVain: 1,
    });
    await replica.sql(applier(kind, "START"));

    let before = quiet;
    await until("it guesses again", async () => {
      before = await guesses(admin, replica.name);
      await read();
      return (await guesses(admin, replica.name)).all > before.all;
    });

    // The primary says nothing: the answer is there, and is held.
    before = await guesses(admin, replica.name);
    primary.freeze();
    let answered: readonly number[] | undefined;
    const held = read().then((ids) => answered = ids);
    try {
      await until("the replica has answered", async () => {
        const now = await guesses(admin, replica.name);
        return now.all > before.all && now.owed === 0;
      });
      expect(answered).toBeUndefined();
      await Bun.sleep(SILENCE_MS); // it is the silence that is measured
    } finally {
      primary.thaw();
    }
    expect(await held).toEqual([1]);
    expect((await guesses(admin, replica.name)).inVain).toBe(before.inVain);
    const { consistencyMs, executeMs } = await longest(admin, replica.name);
    expect(consistencyMs).toBeGreaterThanOrEqual(SILENCE_MS);
    expect(executeMs).toBeLessThan(SILENCE_MS);
  } finally {
    client.destroy();
    admin.destroy();
  }
}, 60_000);
