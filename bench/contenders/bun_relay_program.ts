// bun bun_relay_program.ts LISTEN_HOST LISTEN_PORT SERVER_HOST SERVER_PORT: relays TCP connections.

import type { Socket, SocketHandler } from "bun";

/** One direction of a relayed connection, kept by the socket it reads from. */
interface Leg {
  peer?: Socket<Leg>;
  /** Bytes the peer has not taken yet. */
  waiting: Uint8Array[];
}

const [listenHost, listenPort, serverHost, serverPort] = process.argv.slice(2);

function forward(from: Socket<Leg>): void {
  const { peer, waiting } = from.data;
  if (peer === undefined) return;
  while (waiting.length > 0) {
    const chunk = waiting[0];
    const written = peer.write(chunk);
    if (written < chunk.length) {
      waiting[0] = chunk.subarray(Math.max(written, 0));
      from.pause();
      return;
    }
    waiting.shift();
  }
  from.resume();
}

const relay: SocketHandler<Leg> = {
  data(socket, chunk) {
    const { peer, waiting } = socket.data;
    const written = peer === undefined || waiting.length > 0 ? 0 : peer.write(chunk);
    if (written === chunk.length) return;
    waiting.push(chunk.slice(Math.max(written, 0)));
    if (peer !== undefined) socket.pause();
  },
  drain(socket) {
    if (socket.data.peer !== undefined) forward(socket.data.peer);
  },
  close(socket) {
    socket.data.peer?.end();
  },
  error() {},
};

Bun.listen<Leg>({
  hostname: listenHost!,
  port: Number(listenPort),
  socket: {
    ...relay,
    async open(client) {
      client.data = { waiting: [] };
      client.setNoDelay(true);
      try {
        const server = await Bun.connect<Leg>({
          hostname: serverHost!,
          port: Number(serverPort),
          data: { peer: client, waiting: [] },
          socket: relay,
        });
        server.setNoDelay(true);
        client.data.peer = server;
        forward(client);
      } catch {
        client.end();
      }
    },
  },
});
