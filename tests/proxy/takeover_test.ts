// A proxy takes over from another one under load: nobody is refused, reset or told an error.

import { beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "../../mod/net/mod.ts";
import { type ProxyProcess } from "../proxy_process.ts";
import { freePort, type RealServer } from "../servers/mod.ts";
import { RawClient } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, subject, until } from "./subjects.ts";

const [kind] = kinds;
if (kind === undefined) throw new Error("Needs a server: MariaDB or MySQL");

const CONNECTS_MIN = 500;

describe("takeover", () => {
  let server: RealServer;

  beforeAll(async () => {
    ({ server } = await subject(kind));
  });

  const on = (port: number, args: readonly string[] = []): Promise<ProxyProcess> =>
    ownProxy(server, { args: ["-l", `127.0.0.1:${port}`, ...args] });

  test.each([[1, 1], [2, 1], [1, 2]])(
    "from %i workers to %i: connects and statements all succeed",
    async (before, after) => {
      const port = freePort();
      await using old = await on(port, ["--workers", String(before)]);
      await using load = new ConnectLoad(port);
      using stayed = await loginAs(server.accounts.app, { port });
      await stayed.results("SET @kept = 'yes'");
      await until("connects", () => load.connects > CONNECTS_MIN);
      const started = load.connects;
      await using young = await on(port, ["--takeover", "--workers", String(after)]);
      await young.untilLogged(/taken over/);
      await old.untilLogged(/replaced/);
      const taken = load.connects;
      await until("connects", () => load.connects > taken + CONNECTS_MIN);
      expect(load.errors).toEqual([]);
      console.log(`${started} connects before, ${taken - started} during the takeover`);
      // A session of the old one goes on there until it leaves; then the old one ends.
      expect(await stayed.value("SELECT @kept")).toBe("yes");
      stayed.close();
      expect(await old.exited).toBe(0);
      expect(load.errors).toEqual([]);
    },
  );

  test("its own ports go over too, and a unix socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mp-"));
    const path = join(folder, "sock");
    const [port, http, admin] = [freePort(), freePort(), freePort()];
    const args = ["--http", `127.0.0.1:${http}`, "--admin", `127.0.0.1:${admin}`, "-l"];
    await using old = await on(port, [...args, `unix:${path}`]);
    const ready = () =>
      fetch(`http://127.0.0.1:${http}/readyz`).then(({ status }) => status, () => 0);
    await until("ready", async () => await ready() === 200);
    await using young = await on(port, [...args, `unix:${path}`, "--takeover"]);
    await young.untilLogged(/HTTP port/);
    await until("ready again", async () => await ready() === 200);
    expect(await old.exited).toBe(0);
    // The old one has left the new one's socket in its place.
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect({ path });
      socket.once("data", () => (socket.destroy(), resolve(true)));
      socket.once("error", () => resolve(false));
    });
    expect(greeted).toBe(true);
    rmSync(folder, { recursive: true });
  });

  test("clients that stay for drain.takeover_timeout are told 1053", async () => {
    const port = freePort();
    await using old = await ownProxy(server, {
      args: ["-l", `127.0.0.1:${port}`],
      config: '[drain]\ntakeover_timeout = "100ms"\n',
    });
    using stays = await loginAs(server.accounts.app, { port });
    await using young = await on(port, ["--takeover"]);
    await young.untilLogged(/taken over/);
    const told = await stays.packets.read(5000);
    expect(Buffer.from(told.payload).toString("latin1")).toContain("Server shutdown");
    expect(await old.exited).toBe(0);
  });

  test("who listens there and is no proxy is left alone", async () => {
    const listener = await listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, {
      accept: (stream) => stream.destroy(),
      reusePort: true,
    });
    const { port } = listener.address as { port: number };
    const refused = await on(port, ["--takeover"]).then(() => "", String);
    listener.close();
    expect(refused).toContain("Cannot take over the port: process");
    expect(refused).toContain("ended with 4");
  });

  test("without anybody there it starts like any other", async () => {
    await using proxy = await on(freePort(), ["--takeover"]);
    using client = await loginAs(server.accounts.app, proxy);
    expect(await client.value("SELECT 1")).toBe("1");
  });

  /** Clients that connect, ask and leave, one after the other, several at a time. */
  class ConnectLoad implements AsyncDisposable {
    connects = 0;
    readonly errors: string[] = [];
    #stopped = false;
    readonly #clients: Promise<void>[];

    constructor(port: number) {
      this.#clients = Array.from({ length: 8 }, () => this.#run(port));
    }

    async #run(port: number): Promise<void> {
      while (!this.#stopped) {
        try {
          using client = await RawClient.connect({ port, user: "nopass", password: "" });
          await client.value("SELECT 1");
          this.connects++;
        } catch (error) {
          this.errors.push(String(error));
        }
      }
    }

    async [Symbol.asyncDispose](): Promise<void> {
      this.#stopped = true;
      await Promise.all(this.#clients);
    }
  }
});
