// Stream on real sockets: order, back-pressure, ends.

import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  dial,
  DialError,
  listen,
  type Listener,
  ListenError,
  onDefect,
  type Stream,
  type StreamOwner,
} from "../../../mod/net/mod.ts";
import { Stream as SocketStream } from "../../../mod/net/stream.ts";
import { freePort } from "../../servers/mod.ts";

const WAIT_MS_MAX = 10_000;

/** Resolves when a condition holds; throws after a while. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await Bun.sleep(2);
  }
}

/** An owner that counts and keeps. */
class Keeper implements StreamOwner {
  bytes = 0;
  readonly first: Buffer[] = [];
  drained = 0;
  readonly closed: string[] = [];

  onBytes(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.first.length < 100) this.first.push(bytes);
  }

  onDrained(): void {
    this.drained++;
  }

  onClosed(reason: string): void {
    this.closed.push(reason);
  }

  get text(): string {
    return Buffer.concat(this.first).toString();
  }
}

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

/** A listener's stream and the plain socket at its other end, which reads only when told to. */
async function pair(): Promise<{ stream: Stream; keeper: Keeper; peer: Socket; port: number }> {
  const accepted = Promise.withResolvers<Stream>();
  const keeper = new Keeper();
  const listener: Listener = await listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, {
    accept(stream) {
      stream.owner = keeper;
      accepted.resolve(stream);
    },
  });
  cleanUps.push(() => listener.close());
  const { port } = listener.address as { port: number };
  const peer = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true });
  peer.on("error", () => {});
  peer.pause();
  cleanUps.push(() => peer.destroy());
  await once(peer, "connect");
  return { stream: await accepted.promise, keeper, peer, port };
}

describe("Stream", () => {
  test("bytes arrive in order both ways", async () => {
    const { stream, keeper, peer } = await pair();
    peer.write("hello ");
    peer.write("world");
    await until(() => keeper.text === "hello world", "the peer's bytes");
    let received = "";
    peer.on("data", (bytes) => received += bytes);
    peer.resume();
    for (let i = 0; i < 100; i++) stream.write(Buffer.from(`${i},`));
    await until(() => received.endsWith("99,"), "the stream's bytes");
    expect(received).toBe(Array.from({ length: 100 }, (_, i) => `${i},`).join(""));
    expect(stream.pending).toBe(0);
  });

  test("what is written between cork and uncork goes out in one piece", async () => {
    const { stream, peer } = await pair();
    const pieces: string[] = [];
    peer.on("data", (bytes) => pieces.push(bytes.toString()));
    peer.resume();
    stream.cork();
    for (const text of ["a", "b", "c"]) stream.write(Buffer.from(text));
    expect(stream.sent).toBe(0);
    stream.uncork();
    await until(() => pieces.length > 0, "the stream's bytes");
    stream.cork();
    stream.uncork(); // nothing
    stream.write(Buffer.from("d"));
    await until(() => pieces.length > 1, "what is written later");
    stream.cork();
    stream.write(Buffer.from("e"));
    stream.end(); // and nobody uncorks it
    await until(() => pieces.length > 2, "what was to go out together");
    expect(pieces).toEqual(["abc", "d", "e"]);
  });

  test("a peer that does not read: what is written is queued, then drained in order", async () => {
    const { stream, keeper, peer } = await pair();
    const part = 1 << 20;
    const parts = 24;
    for (let i = 0; i < parts; i++) stream.write(Buffer.alloc(part, i));
    expect(stream.pending).toBeGreaterThan(part);
    expect(keeper.drained).toBe(0);
    let received = 0;
    let wrong = 0;
    peer.on("data", (bytes: Buffer) => {
      for (let i = 0; i < bytes.length; i += 4093) {
        if (bytes[i] !== Math.floor((received + i) / part)) wrong++;
      }
      received += bytes.length;
    });
    peer.resume();
    await until(() => received === part * parts, "all bytes");
    await until(() => keeper.drained > 0, "word that the queue is empty");
    expect([stream.pending, wrong, keeper.drained]).toEqual([0, 0, 1]);
  });

  test("pieces of a large result wait together, in order, and never for long", async () => {
    const { stream, keeper, peer } = await pair();
    const received: Buffer[] = [];
    peer.on("data", (bytes: Buffer) => received.push(bytes));
    peer.resume();
    const text = () => Buffer.concat(received).toString();
    stream.writeBulk(Buffer.from("one,"));
    stream.writeBulk(Buffer.from("two,"));
    expect(stream.pending).toBe(8);
    await until(() => text() === "one,two,", "what waits goes out by itself");
    expect([stream.pending, keeper.drained]).toEqual([0, 1]);
    stream.writeBulk(Buffer.from("three,"));
    stream.write(Buffer.from("four,"));
    expect(stream.pending).toBe(0);
    stream.writeBulk(Buffer.alloc(256 * 1024, "-"));
    expect(stream.pending).toBeLessThan(256 * 1024);
    stream.writeBulk(Buffer.from("last"));
    stream.end();
    await once(peer, "end");
    expect(text()).toBe(`one,two,three,four,${"-".repeat(256 * 1024)}last`);
  });

  test("pieces of a large result queue behind what a peer does not take", async () => {
    const { stream, keeper, peer } = await pair();
    const part = 1 << 20;
    for (let i = 0; i < 24; i++) stream.writeBulk(Buffer.alloc(part, i));
    stream.write(Buffer.alloc(part, 24));
    expect(stream.pending).toBeGreaterThan(part);
    let received = 0;
    let wrong = 0;
    peer.on("data", (bytes: Buffer) => {
      for (let i = 0; i < bytes.length; i += 4093) {
        if (bytes[i] !== Math.floor((received + i) / part)) wrong++;
      }
      received += bytes.length;
    });
    peer.resume();
    await until(() => received === part * 25, "all bytes");
    await until(() => keeper.drained > 0, "word that the queue is empty");
    expect([stream.pending, wrong]).toEqual([0, 0]);
  });

  test("a paused stream makes its peer wait", async () => {
    const { stream, keeper, peer } = await pair();
    stream.pause();
    const total = 32 << 20;
    let flushed = false;
    peer.write(Buffer.alloc(total), () => flushed = true);
    await Bun.sleep(200);
    const before = keeper.bytes;
    expect(before).toBeLessThan(total / 2);
    expect(flushed).toBe(false);
    await Bun.sleep(100);
    expect(keeper.bytes).toBe(before);
    stream.resume();
    await until(() => keeper.bytes === total, "the rest");
  });

  test("end() closes after what is queued has been sent", async () => {
    const { stream, keeper, peer } = await pair();
    const total = 16 << 20;
    stream.write(Buffer.alloc(total));
    expect(stream.pending).toBeGreaterThan(0);
    stream.end();
    expect(keeper.closed).toEqual([]);
    let received = 0;
    let ended = false;
    peer.on("data", (bytes) => received += bytes.length);
    peer.on("end", () => {
      ended = true;
      peer.end();
    });
    peer.resume();
    await until(() => ended && keeper.closed.length > 0, "the end");
    expect(received).toBe(total);
    expect(keeper.closed).toHaveLength(1);
  });

  test("destroy() closes at once, and says so once", async () => {
    const { stream, keeper, peer } = await pair();
    let closed = false;
    peer.on("close", () => closed = true);
    peer.resume();
    stream.write(Buffer.alloc(16 << 20));
    stream.destroy();
    expect(keeper.closed).toEqual(["closed by the proxy"]);
    expect(stream.pending).toBe(0);
    stream.write(Buffer.from("late"));
    stream.end();
    stream.destroy();
    stream.pause();
    stream.resume();
    peer.end();
    await until(() => closed, "the peer's end");
    expect(keeper.closed).toHaveLength(1);
  });

  test("a peer that ends ends the stream", async () => {
    const { keeper, peer } = await pair();
    peer.end("last words");
    await until(() => keeper.closed.length > 0, "the end");
    expect(keeper.text).toBe("last words");
    expect(keeper.closed).toHaveLength(1);
  });

  test("a peer that resets ends the stream", async () => {
    const { stream, keeper, peer } = await pair();
    peer.write("a");
    await until(() => keeper.bytes === 1, "a byte");
    peer.resetAndDestroy();
    await until(() => keeper.closed.length > 0, "the end");
    stream.write(Buffer.from("into the void"));
    expect(keeper.closed).toHaveLength(1);
  });

  test("what an owner throws closes its connection, is told, and hurts no other", async () => {
    const told: string[] = [];
    onDefect((error) => told.push(error.message));
    cleanUps.push(() => onDefect((error) => console.error(error)));
    const bad = await pair();
    const good = await pair();
    bad.stream.owner = {
      onBytes() {
        throw new TypeError("wrong in here");
      },
      onDrained() {},
      onClosed: (reason) => bad.keeper.onClosed(reason),
    };
    bad.peer.write("x");
    await until(() => bad.keeper.closed.length > 0, "the end");
    expect(told).toEqual(["wrong in here"]);
    good.peer.write("y");
    await until(() => good.keeper.text === "y", "the other's bytes");
    expect(good.keeper.closed).toEqual([]);
  });

  test("a peer that resets is no defect", async () => {
    const told: string[] = [];
    onDefect((error) => told.push(error.message));
    cleanUps.push(() => onDefect((error) => console.error(error)));
    const { keeper, peer, stream } = await pair();
    peer.resetAndDestroy();
    stream.write(Buffer.alloc(1000));
    await until(() => keeper.closed.length > 0, "the end");
    expect(told).toEqual([]);
  });

  test("addresses", async () => {
    const { stream, peer, port } = await pair();
    expect(stream.local).toBe(false);
    expect([stream.remoteAddress, stream.remotePort]).toEqual(["127.0.0.1", peer.localPort!]);
    expect([stream.localAddress, stream.localPort]).toEqual(["127.0.0.1", port]);
  });
});

describe("dial() and listen()", () => {
  test("a preamble goes before everything else", async () => {
    const { port, keeper } = await pair();
    const owner = new Keeper();
    const accepted: Keeper[] = [];
    const listener = await listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, {
      accept(stream) {
        const keeper = new Keeper();
        stream.owner = keeper;
        accepted.push(keeper);
        stream.write(Buffer.from("greeting"));
      },
    });
    cleanUps.push(() => listener.close());
    const address = { ...listener.address as { kind: "tcp"; host: string; port: number } };
    const stream = await dial(address, {
      owner,
      timeoutMs: 5000,
      preamble: Buffer.from("PROXY "),
    });
    stream.write(Buffer.from("hello"));
    await until(() => accepted[0]?.text === "PROXY hello", "the bytes");
    await until(() => owner.text === "greeting", "the greeting");
    stream.destroy();
    expect(port).toBeGreaterThan(0);
    expect(keeper.bytes).toBe(0);
  });

  test("unix sockets, and a socket file that nobody listens on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mp-net-"));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const address = { kind: "unix", path: join(folder, "sock") } as const;
    for (let round = 0; round < 2; round++) {
      const keepers: Keeper[] = [];
      const listener = await listen(address, {
        accept(stream) {
          const keeper = new Keeper();
          stream.owner = keeper;
          keepers.push(keeper);
          expect([stream.local, stream.remoteAddress, stream.remotePort]).toEqual([true, "", 0]);
        },
      });
      const stream = await dial(address, { owner: new Keeper(), timeoutMs: 5000 });
      stream.write(Buffer.from("hello"));
      await until(() => keepers[0]?.text === "hello", "the bytes");
      stream.destroy();
      listener.close();
    }
  });

  test("nobody listens", async () => {
    const address = { kind: "tcp", host: "127.0.0.1", port: freePort() } as const;
    const dialled = dial(address, { owner: new Keeper(), timeoutMs: 5000 });
    expect(dialled).rejects.toThrow(
      new DialError(address, "ECONNREFUSED").message,
    );
    await dialled.catch(() => {});
  });

  test("an address in use", async () => {
    const { port } = await pair();
    const again = listen({ kind: "tcp", host: "127.0.0.1", port }, { accept() {} });
    expect(again).rejects.toThrow(ListenError);
    await again.catch(() => {});
  });
});

test.each([[true, []], [false, [false]]])(
  "tcp.no_delay = %p: Bun turns TCP_NODELAY on by itself",
  (noDelay, wanted) => {
    const said: boolean[] = [];
    const socket = { setNoDelay: (isOn: boolean) => said.push(isOn) };
    const stream = new SocketStream(socket as never, { owner: new Keeper(), local: false });
    stream.configure({ noDelay, keepaliveMs: 0 });
    expect(said).toEqual([...wanted]);
  },
);
