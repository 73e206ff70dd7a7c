// Clients that leave in the middle of their login leave nothing behind: neither a place among the
// connections nor a server connection.

import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { connect } from "node:net";
import { encodeGreeting, frame } from "../../mod/wire/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { RawClient, refusal } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, subject, until } from "./subjects.ts";

const MYSQL_FLAGS = 0xdfff_f7df; // all but SSL and COMPRESS

/** A server that greets and then says nothing any more. */
async function greetingOnly() {
  const open = new Set<Socket>();
  const greeting = frame(
    encodeGreeting({
      serverVersion: "8.4.0",
      threadId: 1,
      salt: new Uint8Array(20).fill(0x41),
      capabilities: MYSQL_FLAGS,
      mariadbCapabilities: 0,
      collation: 45,
      status: 2,
      authPlugin: "caching_sha2_password",
    }),
    0,
  );
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
    socket.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { port, open, [Symbol.dispose]: () => void server.close() };
}

test("a client that gives up on a server that says nothing takes the server connection along", async () => {
  using server = await greetingOnly();
  await using proxy = await startProxy({ backends: [{ host: "127.0.0.1", port: server.port }] });
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => RawClient.open({ port: proxy.port, user: "", password: "" })),
  );
  for (const client of clients) client.answerGreeting(await client.packets.read());
  await until("five logins wait at the server", () => server.open.size === 5);
  for (const client of clients) client.close();
  await until("none is left", () => server.open.size === 0);
});

test("a login that takes too long ends on both sides", async () => {
  using server = await greetingOnly();
  await using proxy = await startProxy({
    backends: [{ host: "127.0.0.1", port: server.port }],
    config: '[limits]\nlogin_timeout = "300ms"\n',
  });
  const client = await RawClient.open({ port: proxy.port, user: "", password: "" });
  client.answerGreeting(await client.packets.read());
  await client.closed;
  await until("the server's side has ended too", () => server.open.size === 0);
});

for (const kind of kinds) {
  test(`${kind}: health checks without a PROXY header take nobody's place`, async () => {
    const { server } = await subject(kind);
    await using proxy = await ownProxy(server, {
      args: ["--proxy-protocol", "127.0.0.0/8"],
      config: "[limits]\nunauthenticated_max = 3\n",
    });
    for (let i = 0; i < 10; i++) {
      const socket = connect({ host: "127.0.0.1", port: proxy.port });
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.end();
      await new Promise((resolve) => socket.once("close", resolve).resume());
    }
    const preamble = Buffer.from("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n");
    using client = await loginAs(server.accounts.app, proxy, { preamble });
    expect(await client.value("SELECT 1")).toBe("1");
    expect(proxy.log()).not.toContain("took too long");
  });
}

test("MariaDB's library gets no number that it keeps for itself", async () => {
  const { server } = await subject(kinds[0]!);
  await using proxy = await ownProxy(server, { args: [] });
  await proxy.untilLogged(/server found/);
  await using missing = await startProxy({ backends: [{ host: "127.0.0.1", port: 1 }] });
  const early = await refusal(loginAs(server.accounts.app, missing));
  expect(early.code).toBe(1429);
  expect(early.message).toContain("ECONNREFUSED");
});
