// Addresses as people write them: host:port, [v6]:port, unix:/path.

/** A TCP address. `host` is a name or an IP address without brackets; `port` is 0 to 65535. */
export interface TcpAddress {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

/** A unix socket. */
export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

/** Where the proxy accepts connections. Port 0 lets the system choose one. */
export type ListenAddress = TcpAddress | UnixAddress;

/** Where a server is found. */
export type ServerAddress = TcpAddress | UnixAddress;

/** The longest path that fits sockaddr_un on Linux, in bytes (unix(7), without the final NUL). */
const unixPathBytesMax = 107;

/**
 * Reads `host:port`, `[v6]:port`, `host`, `:port` or `unix:/path`.
 *
 * @param text The address.
 * @param defaultPort The port when none is written.
 * @throws {SyntaxError} If the text is none of these forms.
 */
export function parseAddress(text: string, defaultPort: number): TcpAddress | UnixAddress {
  if (text.startsWith("unix:")) return { kind: "unix", path: parsePath(text.slice(5)) };
  if (text.startsWith("/")) return { kind: "unix", path: parsePath(text) };
  const bracketed = /^\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\](?::(.*))?$/.exec(text);
  if (bracketed) {
    return { kind: "tcp", host: bracketed[1], port: parsePort(bracketed[2], defaultPort) };
  }
  const colon = text.indexOf(":");
  if (colon !== text.lastIndexOf(":")) {
    throw new SyntaxError("an IPv6 address stands in brackets, as in [::1]:3306");
  }
  const host = colon < 0 ? text : text.slice(0, colon);
  if (!/^[\w.-]*$/.test(host) || text === "") {
    throw new SyntaxError("must be host:port, [v6]:port or unix:/path");
  }
  const port = parsePort(colon < 0 ? undefined : text.slice(colon + 1), defaultPort);
  return { kind: "tcp", host: host === "" ? "0.0.0.0" : host, port };
}

/** Writes an address so that `parseAddress` reads the same one back. */
export function formatAddress(address: TcpAddress | UnixAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Whether an address can be reached from this machine alone; so can none at all. */
export function isOnThisMachine(address: ListenAddress | undefined): boolean {
  if (address === undefined || address.kind === "unix") return true;
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(address.host);
}

function parsePath(path: string): string {
  if (path === "") throw new SyntaxError("a path must follow unix:");
  if (new TextEncoder().encode(path).length > unixPathBytesMax) {
    throw new SyntaxError(`a socket path has at most ${unixPathBytesMax} bytes`);
  }
  return path;
}

function parsePort(text: string | undefined, defaultPort: number): number {
  if (text === undefined) return defaultPort;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port > 65535) throw new SyntaxError("a port is a number from 0 to 65535");
  return port;
}
