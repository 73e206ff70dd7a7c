// Where the admin port's unix socket is, and which ones there are on this machine.

import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ListenAddress } from "../config/mod.ts";

const NAME = /^admin-.+\.sock$/;

/**
 * The paths that `admin.socket = "auto"` means, the best first; none where the folder cannot be made
 * or belongs to somebody else.
 *
 * @param addresses Where the proxy accepts clients: the name comes from the first port.
 */
export function automaticSockets(addresses: readonly ListenAddress[]): string[] {
  const folder = ownFolders()[0];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOwn(folder)) return [];
  } catch {
    return [];
  }
  const tcp = addresses.find((address) => address.kind === "tcp");
  const names = [...(tcp ? [String(tcp.port), `${tcp.port}-${process.pid}`] : [process.pid])];
  return names.map((name) => join(folder, `admin-${name}.sock`));
}

/** The sockets of proxies that this user may reach, whether these still run or not. */
export function localSockets(): string[] {
  return [...new Set([...ownFolders(), "/run/mysqlproxy"])].flatMap((folder) => {
    try {
      const names = readdirSync(folder).filter((name) => NAME.test(name)).sort();
      return names.map((name) => join(folder, name));
    } catch {
      return []; // it is not there, or not for us
    }
  });
}

/** Where they may be, the one that is used first. */
function ownFolders(): string[] {
  const { RUNTIME_DIRECTORY: given, XDG_RUNTIME_DIR: xdg } = process.env;
  return [
    ...(given ? [given.split(":")[0]] : []),
    ...(xdg ? [join(xdg, "mysqlproxy")] : []),
    join(tmpdir(), `mysqlproxy-${process.getuid?.() ?? "user"}`),
  ];
}

/** In a folder for everybody somebody else may have made it before. */
function isOwn(folder: string): boolean {
  const status = lstatSync(folder);
  const isWritable = (status.mode & 0o022) !== 0;
  return status.isDirectory() && status.uid === process.getuid?.() && !isWritable;
}
