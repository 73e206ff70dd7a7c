// Clients that leave in the middle of their login leave nothing behind: neither a place among the
// connections nor a server connection.

import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Capability, encodeGreeting, encodeHandshakeResponse, frame } from "../../mod/wire/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { refusal, USUAL_FLAGS } from "./raw_client.ts";
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

/** A client that has answered the greeting and waits for the server's word. */
async function halfLogin(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  await once(socket, "data");
  const none = new Uint8Array(0);
  const response = encodeHandshakeResponse({
    capabilities: USUAL_FLAGS,
    mariadbCapabilities: 0,
    packetMax: 0x1000000,
    collation: 45,
    user: Buffer.from("app"),
    authResponse: none,
    database: none,
    authPlugin: "caching_sha2_password",
    attributes: none,
    zstdLevel: 0,
  });
  socket.write(frame(response, 1));
  return socket;
}

test("a client that gives up on a server that says nothing takes the server connection along", async () => {
  using server = await greetingOnly();
  await using proxy = await startProxy({ backends: [{ host: "127.0.0.1", port: server.port }] });
  const clients = await Promise.all(Array.from({ length: 5 }, () => halfLogin(proxy.port)));
  await until("five logins wait at the server", () => server.open.size === 5);
  for (const client of clients) client.destroy();
  await until("none is left", () => server.open.size === 0);
});

test("a login that takes too long ends on both sides", async () => {
  using server = await greetingOnly();
  await using proxy = await startProxy({
    backends: [{ host: "127.0.0.1", port: server.port }],
    config: '[limits]\nlogin_timeout = "1500ms"\n',
  });
  const client = await halfLogin(proxy.port);
  await new Promise((resolve) => client.on("close", resolve));
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
      await once(socket, "connect");
      socket.end().resume();
      await once(socket, "close");
    }
    const preamble = Buffer.from("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n");
    using client = await loginAs(server.accounts.app, proxy, { preamble });
    expect(await client.value("SELECT 1")).toBe("1");
    expect(proxy.log()).not.toContain("took too long");
  });
}

test("MariaDB's library gets no number that it keeps for itself", async () => {
  using server = await greetingOnly();
  await using proxy = await startProxy({ backends: [{ host: "127.0.0.1", port: server.port }] });
  await proxy.untilLogged(/server found/);
  server[Symbol.dispose]();
  const account = { user: "app", password: "" };
  const attributes = { _client_name: "libmariadb" };
  const capabilities = USUAL_FLAGS | Capability.CONNECT_ATTRS;
  const library = await refusal(loginAs(account, proxy, { attributes, capabilities }));
  expect(library.text).toMatch(/^1429 \(HY000\): Can't connect .*ECONNREFUSED/);
  const other = await refusal(loginAs(account, proxy, { capabilities }));
  expect(other.text).toMatch(/^2003 \(HY000\): Can't connect .*ECONNREFUSED/);
});
