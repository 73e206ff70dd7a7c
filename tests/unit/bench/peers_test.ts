// Proxies that whoever runs the benchmark gives in BENCH_PEERS.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { StartOptions } from "../../../bench/contenders/mod.ts";
import { readPeers } from "../../../bench/contenders/peers.ts";

let folder: string;
let template: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mysqlproxy-peers-"));
  template = join(folder, "peer.cfg");
  writeFileSync(template, "listen @LISTEN_HOST@:@LISTEN_PORT@ to @SERVER_HOST@:@SERVER_PORT@\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function options(name: string): StartOptions {
  const own = join(folder, name);
  mkdirSync(own);
  return {
    server: { host: "127.0.0.1", port: 3306 },
    replicas: [],
    account: { user: "app", password: "secret", plugin: "" },
    monitor: { user: "monitor", password: "monitor" },
    listen: { host: "127.0.0.2", port: 4000 },
    folder: own,
    clientsMax: 10,
    workers: 2,
    poolConnections: 16,
  };
}

describe("BENCH_PEERS", () => {
  test("none are none", () => {
    expect(readPeers("")).toEqual([]);
    expect(readPeers(" ; ")).toEqual([]);
  });

  test("a peer is started with its template and arguments filled in", async () => {
    const [first, second] = readPeers(
      `one=${template}=sh -c cat<@CONFIG@;two=${template}=echo @USER@ @THREADS@`,
    );
    expect(first!.name).toBe("one");
    const started = options("one");
    const child = first!.start!(started);
    expect(readFileSync(join(started.folder, "peer.cfg"), "utf8"))
      .toBe("listen 127.0.0.2:4000 to 127.0.0.1:3306\n");
    await child.stop();
    const other = options("two");
    const echo = second!.start!(other);
    while (echo.ended() === undefined) await Bun.sleep(5);
    expect(readFileSync(join(other.folder, "log"), "utf8")).toBe("app 2\n");
  });

  test("what is not understood is refused with a reason", () => {
    expect(() => readPeers("haproxy")).toThrow("is not NAME=TEMPLATE=COMMAND ARGUMENTS");
    expect(() => readPeers(`a=${folder}/nothing=b`)).toThrow("cannot read");
    const [peer] = readPeers(`a=${template}=run @NONSENSE@`);
    expect(() => peer!.start!(options("nonsense"))).toThrow("there is no @NONSENSE@");
  });
});
