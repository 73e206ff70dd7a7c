// A way to a server that can be cut: bytes are held back, and connections neither end nor answer.

import { connect, createServer, type Socket } from "node:net";

/** A listener that leads to a port until it is told to stall. */
export class StallingProxy implements Disposable {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #stalled = false;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const server = connect(targetPort, "127.0.0.1");
      this.#pair(client, server);
      this.#pair(server, client);
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
