// Tells the service manager how the proxy stands, where it asks to be told: sd_notify(3).

import { ptr } from "bun:ffi";
import { libc } from "../net/mod.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends one datagram to NOTIFY_SOCKET: Bun has no sockets for that, so the C library's are used.
 * Does nothing where the variable is not set.
 *
 * @param lines As in `READY=1`.
 * @returns Whether it was sent.
 */
export function notifyService(lines: readonly string[]): boolean {
  const path = process.env["NOTIFY_SOCKET"];
  if (path === undefined || !/^[/@]/.test(path)) return false;
  const { socket, sendto, close } = libc();
  const address = addressOf(path);
  const message = Buffer.from(lines.join("\n"));
  const descriptor = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0) return false;
  try {
    const sent = sendto(
      descriptor,
      ptr(message),
      message.length,
      MSG_NOSIGNAL,
      ptr(address),
      address.length,
    );
    return Number(sent) === message.length;
  } finally {
    close(descriptor);
  }
}

/** struct sockaddr_un; a leading @ stands for the zero byte of abstract names. */
function addressOf(path: string): Uint8Array {
  const name = Buffer.from(path);
  if (name[0] === 0x40) name[0] = 0;
  const address = new Uint8Array(2 + name.length + (name[0] === 0 ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}
