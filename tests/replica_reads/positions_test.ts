// Positions on real replication: what an OK packet tells after a write, which replica is known to have
// it, and that the statement which waits for it waits as long as it must and no longer.

import { describe, expect, test } from "bun:test";
import type { Position, TopologyServer } from "../../mod/cluster/mod.ts";
import { RouteAction, type Router, SharedQuestion, waitStatement } from "../../mod/route/mod.ts";
import {
  decodeStateText,
  decodeSystemVariables,
  Expect,
  sessionStateOf,
  StateEntry,
} from "../../mod/wire/mod.ts";
import { RawClient } from "../proxy/raw_client.ts";
import { type RealServer, serverKinds, startServer } from "../servers/mod.ts";
import {
  decide,
  LOOK_MS,
  primary as primaryOf,
  routerOver,
  server as replicaOf,
  session,
  topology,
} from "../unit/route/topologies.ts";

/** What a write's OK packet tells of its position. */
async function write(client: RawClient, statement: string): Promise<Uint8Array | undefined> {
  const packets = await client.command(client.queryPayload(statement), Expect.RESULT);
  expect([statement, client.errorCode(packets)]).toEqual([statement, 0]);
  for (const { type, data } of sessionStateOf(packets.at(-1)!.bytes)) {
    if (type === StateEntry.GTIDS) return decodeStateText(data.subarray(1));
    if (type !== StateEntry.SYSTEM_VARIABLES) continue;
    const last = decodeSystemVariables(data).find(({ name }) => name === "last_gtid");
    if (last !== undefined) return last.value;
  }
  return undefined;
}

async function positionOf(server: RealServer): Promise<Position> {
  const isMysql = server.kind === "mysql";
  const name = isMysql ? "gtid_executed" : "gtid_current_pos";
  const [row] = await server.sql(`SELECT @@global.${name} AS at`);
  return { kind: isMysql ? "gtid" : "mariadb", text: String(row!["at"]) };
}

/** Waits as the proxy would, and gives the time that took in milliseconds. */
async function wait(client: RawClient, sql: string): Promise<{ value: string | null; ms: number }> {
  const start = performance.now();
  const value = await client.value(sql);
  return { value, ms: performance.now() - start };
}

describe.each(serverKinds())("on %s", (kind) => {
  test("a write is waited for by its position, and known to be there then", async () => {
    await using primary = await startServer(kind);
    await using replica = await startServer(kind, { replicaOf: { port: primary.port } });
    const applier = kind === "mysql" ? "REPLICA SQL_THREAD" : "SLAVE SQL_THREAD";
    const { user, password } = primary.accounts.app;
    using writer = await RawClient.connect({
      port: primary.port,
      user,
      password,
      database: "test",
    });
    using reader = await RawClient.connect({
      port: replica.port,
      user,
      password,
      database: "test",
    });
    await writer.query(
      kind === "mysql"
        ? "SET session_track_gtids = OWN_GTID"
        : "SET session_track_system_variables = 'last_gtid'",
    );

    let looks = 0;
    const flavor = kind === "mysql" ? "async" : "mariadb";
    const look = async (): Promise<readonly TopologyServer[]> => {
      const answeredMs = Date.now() + ++looks;
      return [
        primaryOf("p", { position: await positionOf(primary), answeredMs }),
        replicaOf("r", { position: await positionOf(replica), answeredMs }),
      ];
    };
    const router: Router = routerOver(await look(), { flavor, route: { waitTimeoutMs: 200 } });
    const state = session();
    const { positions } = router;
    const sql = () => {
      const { server, action, timeoutMs } = decide(router, "SELECT a FROM t", state);
      if (action !== RouteAction.WAIT) return undefined;
      return waitStatement(server!, state.position.needs, { positions, flavor, timeoutMs });
    };

    // Each write tells its position; DDL does too.
    const statements = ["CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 2"];
    for (const statement of statements) {
      const text = await write(writer, statement);
      expect(text).toBeDefined();
      positions.noteWrite(state.position, text, Date.now());
    }
    const reached = sql()!;
    const first = await wait(reader, reached.sql);
    expect(reached.reached(first.value)).toBe(true);
    positions.noteReached(state.position, router.serverNamed("r")!);
    expect(decide(router, "SELECT a FROM t", state).server?.name).toBe("r");
    expect(decide(router, "SELECT a FROM t", state).action).toBe(RouteAction.NONE);
    expect(await reader.value("SELECT a FROM t")).toBe("2");

    // While nothing is applied the wait ends when its time is over, and says so.
    await replica.sql(`STOP ${applier}`);
    positions.noteWrite(state.position, await write(writer, "UPDATE t SET a = 3"), Date.now());
    const late = sql()!;
    const second = await wait(reader, late.sql);
    expect(late.reached(second.value)).toBe(false);
    expect(second.ms).toBeGreaterThan(150);
    expect(await reader.value("SELECT a FROM t")).toBe("2");
    expect(decide(router, "SELECT 1", state, { hasWaited: true }).server?.name).toBe("p");

    // What is applied while it waits ends it.
    const patient = late.sql.replace("0.2)", "20)");
    const waiting = wait(reader, patient);
    await replica.sql(`START ${applier}`);
    expect(late.reached((await waiting).value)).toBe(true);
    expect(await reader.value("SELECT a FROM t")).toBe("3");

    // A look at the servers tells the same without any wait.
    const other = session();
    positions.noteWrite(other.position, await write(writer, "UPDATE t SET a = 4"), Date.now());
    await wait(reader, sqlOf(router, other).sql);
    await Bun.sleep(LOOK_MS + 5);
    router.update(topology(await look(), flavor));
    expect(decide(router, "SELECT a FROM t", other)).toMatchObject({ action: RouteAction.NONE });
    expect(decide(router, "SELECT a FROM t", other).server?.name).toBe("r");

    // A write of somebody else is seen by who asks the primary.
    await primary.sql("UPDATE test.t SET a = 5");
    const asking = session({ consistency: "global" });
    expect(decide(router, "SELECT a FROM t", asking).action).toBe(RouteAction.ASK);
    const question = new SharedQuestion(() =>
      void positionOf(primary).then((position) => question.answer(position))
    );
    const asked = Promise.withResolvers<Position | undefined>();
    question.ask({ positionIs: asked.resolve });
    const askedMs = Date.now();
    const position = (await asked.promise)!;
    positions.noteAsked(asking.position, { server: router.primary!, position, askedMs });
    const decision = decide(router, "SELECT a FROM t", asking, { hasAsked: true });
    expect(decision.action).toBe(RouteAction.WAIT);
    const global = sqlOf(router, asking, { hasAsked: true });
    expect(global.reached((await wait(reader, global.sql)).value)).toBe(true);
    expect(await reader.value("SELECT a FROM t")).toBe("5");

    function sqlOf(of: Router, who: typeof state, request = {}) {
      const { server, timeoutMs } = decide(of, "SELECT a FROM t", who, request);
      return waitStatement(server!, who.position.needs, { positions, flavor, timeoutMs })!;
    }
  }, 60_000);
});
