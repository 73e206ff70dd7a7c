// Two sessions on one connection: a statement that only reads goes out together with what gives the
// connection its session's state, and is not answered if that fails.

import { beforeAll, describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { freshDatabase, type RealServer, sharedServer } from "../servers/mod.ts";
import { kinds, loginAs, ownAccount, ownProxy } from "./subjects.ts";

const config = '[pool]\nmode = "transaction"\nconnections_max = 1\n';

/** How long answers are kept back: what is sent without waiting for them is sent by then. */
const ANSWER_MS = 25;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;

    beforeAll(async () => {
      server = await sharedServer(kind);
      await freshDatabase(server, "restoring");
    });

    test("a read waits for one round trip, whosever state the connection has", async () => {
      using relay = new SlowRelay(server.port);
      await using proxy = await ownProxy({ ...server, port: relay.port }, { config });
      using one = await loginAs(server.accounts.app, proxy, { database: "restoring" });
      using other = await loginAs(server.accounts.app, proxy, { database: "restoring" });
      await one.query("SET @a = 1, SESSION net_write_timeout = 71");
      await other.query("SET @a = 2, SESSION net_write_timeout = 72");
      // What SET has left is read from the connection.
      await one.query("SELECT 1");
      await other.query("SELECT 1");
      const before = relay.roundTrips;
      for (let i = 0; i < 5; i++) {
        expect(await one.value("SELECT 'one'")).toBe("one");
        expect(await other.value("SELECT 'other'")).toBe("other");
      }
      expect(relay.roundTrips - before).toBe(10);
      const both = "SELECT CONCAT(@a, ' ', @@net_write_timeout)";
      expect([await one.value(both), await other.value(both)]).toEqual(["1 71", "2 72"]);
    });

    test("many rows are not found once more for a write, only where they are asked for", async () => {
      using relay = new SlowRelay(server.port);
      await using proxy = await ownProxy({ ...server, port: relay.port }, { config });
      using one = await loginAs(server.accounts.app, proxy, { database: "restoring" });
      using other = await loginAs(server.accounts.app, proxy, { database: "restoring" });
      const digits = Array.from({ length: 10 }, (_, i) => `SELECT ${i}`).join(" UNION ALL ");
      await one.query("CREATE TABLE digits (d INT)");
      await one.query(`INSERT INTO digits ${digits}`);
      const joined = "digits a, digits b, digits c, digits d";
      expect(await one.query(`SELECT 1 FROM ${joined} LIMIT 2000`)).toHaveLength(2000);
      await other.query("SELECT 1");
      relay.sent = "";
      await one.query("UPDATE digits SET d = d + 1");
      expect(relay.sent).toContain("UPDATE digits");
      expect(relay.sent).not.toContain("LIMIT 2000");
      expect(await one.query(`SELECT 1 FROM ${joined} LIMIT 2000`)).toHaveLength(2000);
      await other.query("SELECT 1");
      expect(await one.value("SELECT FOUND_ROWS()")).toBe("2000");
      expect(relay.sent).toContain("LIMIT 2000) t");
      await one.query("DROP TABLE digits");
    });

    test("a read is not answered where its session's state cannot be set", async () => {
      await freshDatabase(server, "restoring_gone");
      await server.sql("CREATE TABLE restoring.t AS SELECT 'of another schema' AS v");
      // It can open another connection: the one whose state is uncertain is given up.
      await using proxy = await ownProxy(server, { config, args: ownAccount(server) });
      await proxy.untilLogged(/mode=synced/);
      using one = await loginAs(server.accounts.app, proxy, { database: "restoring_gone" });
      using other = await loginAs(server.accounts.app, proxy, { database: "restoring" });
      expect(await other.value("SELECT v FROM t")).toBe("of another schema");
      await server.sql("DROP DATABASE restoring_gone");
      expect((await one.errorOf("SELECT v FROM t")).code).toBe(1049);
      expect(await other.value("SELECT v FROM t")).toBe("of another schema");
      await server.sql("DROP TABLE restoring.t");
    });
  });
}

/** Passes bytes on to a server, and its answers late; counts how often one waits for the other. */
class SlowRelay implements Disposable {
  roundTrips = 0;
  /** What clients have sent, one character a byte. */
  sent = "";
  readonly #listener: Bun.TCPSocketListener<{ server: Promise<Socket> }>;

  constructor(port: number) {
    this.#listener = Bun.listen<{ server: Promise<Socket> }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (client) => {
          let isAnswering = true;
          client.data = {
            server: Bun.connect({
              hostname: "127.0.0.1",
              port,
              socket: {
                data(_server, bytes) {
                  const kept = Buffer.from(bytes);
                  setTimeout(() => {
                    isAnswering = true;
                    client.write(kept);
                  }, ANSWER_MS);
                },
                close: () => void client.end(),
              },
            }),
          };
          this.#asked.set(client, () => {
            if (isAnswering) this.roundTrips++;
            isAnswering = false;
          });
        },
        data: async (client, bytes) => {
          this.#asked.get(client)!();
          const kept = Buffer.from(bytes);
          this.sent += kept.toString("latin1");
          (await client.data.server).write(kept);
        },
        close: async (client) => void (await client.data.server).end(),
      },
    });
  }

  readonly #asked = new Map<Socket<{ server: Promise<Socket> }>, () => void>();

  get port(): number {
    return this.#listener.port;
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}
