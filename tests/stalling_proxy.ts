// A way to a server that can be cut: bytes are held back, and connections neither end nor answer.

import { connect, createServer, type Socket } from "node:net";

/** A listener that leads to a port until it is told to stall. */
export class StallingProxy implements Disposable {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #stalled = false;
  #bytesMax = Infinity;
  #ends = false;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const server = connect(targetPort, "127.0.0.1");
      this.#pair(client, server);
      this.#pair(server, client);
      this.#limit(server);
    });
  }

  static async start(targetPort: number): Promise<StallingProxy> {
    const proxy = new StallingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  /** From now on nothing passes. */
  stall(): void {
    this.#stalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /**
   * Each later connection stalls for ever, or ends, when so many bytes have come from the server;
   * Infinity: no more of them.
   */
  stopAfter(bytes: number, how: "stall" | "end"): void {
    this.#bytesMax = bytes;
    this.#ends = how === "end";
  }

  /** All goes on, what was held back included. */
  resume(): void {
    this.#stalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends the connections of now and what they hold back; later ones pass. */
  cut(): void {
    this.#stalled = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #limit(server: Socket): void {
    const bytesMax = this.#bytesMax;
    if (bytesMax === Infinity) return;
    let seen = 0;
    server.on("data", (chunk) => {
      seen += chunk.length;
      if (seen <= bytesMax) return;
      if (this.#ends) server.destroy();
      else server.pause();
    });
  }

  #pair(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    if (this.#stalled) from.pause();
    from.on("data", (chunk) => to.write(chunk));
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
