// What listens at an address where no admin port has answered: people mix the proxy's ports up.

import { connect } from "node:net";
import { parseAddress } from "../config/mod.ts";
import { localSockets } from "./local_socket.ts";

/** MySQL speaks first, HTTP does not: so long is waited for that, in milliseconds. */
const SILENCE_MS = 300;
/** And so long for an answer to a question of HTTP's. */
const ANSWER_MS = 1000;
/** The first bytes of a greeting: its length, its number, and the protocol's version. */
const VERSION_AT = 5;
const PROTOCOL = 10;
const DEFAULT_PORT = 3308;

/**
 * Says what an address is, if it is not an admin port: in a few words, and where that is.
 *
 * @returns undefined where it may be one, or where nothing is there. Takes a second at most.
 */
export async function portHint(address: string): Promise<string | undefined> {
  const first = await firstBytes(address);
  if (first.toString("latin1", 0, 5) === "HTTP/") {
    return `that is a port for HTTP, not the admin port, ${await whereElse()}`;
  }
  if (first[VERSION_AT - 1] !== PROTOCOL) return undefined;
  const version = first.toString("latin1", VERSION_AT, first.indexOf(0, VERSION_AT));
  if (version.includes("mysqlproxy")) return undefined;
  return `that is a port for clients, of a proxy or a server (${version}), ` +
    `not the admin port, ${await whereElse()}`;
}

async function whereElse(): Promise<string> {
  const sockets = (await Promise.all(
    localSockets().map(async (path) => await somebodyListens(path) ? [`unix:${path}`] : []),
  )).flat();
  const here = sockets.length === 0 ? "" : `; on this machine: ${sockets.join(", ")}`;
  return `which is 127.0.0.1:3308 or where admin.listen and admin.socket say${here}`;
}

/** Whether somebody listens on a unix socket; a proxy that was killed has left its own. */
export function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** What comes first from there, by itself or when asked by HTTP; nothing where that fails. */
function firstBytes(address: string): Promise<Buffer> {
  const parsed = parseAddress(address, DEFAULT_PORT);
  return new Promise((resolve) => {
    const socket = parsed.kind === "unix"
      ? connect(parsed.path)
      : connect({ host: parsed.host, port: parsed.port });
    const asking = setTimeout(() => {
      socket.write("GET /livez HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n");
    }, SILENCE_MS);
    const ending = setTimeout(() => end(Buffer.alloc(0)), ANSWER_MS);
    const end = (bytes: Buffer) => {
      clearTimeout(asking);
      clearTimeout(ending);
      socket.destroy();
      resolve(bytes);
    };
    socket.once("data", end);
    socket.once("error", () => end(Buffer.alloc(0)));
    socket.once("close", () => end(Buffer.alloc(0)));
  });
}
