// Which of the sockets that share a port by SO_REUSEPORT new connections come to. Without a word the
// kernel spreads them; a small program that is given to any of the sockets decides for all. That is
// how a new proxy takes over without a connection that is lost: closing a listening socket resets
// what waits in its accept queue, so the queue must be empty first, and nothing new may come in.
// https://man7.org/linux/man-pages/man7/socket.7.html, SO_ATTACH_REUSEPORT_CBPF

import { ptr } from "bun:ffi";
import { libc } from "./libc.ts";

const SOL_SOCKET = 1;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const SO_DETACH_REUSEPORT_BPF = 68;

/**
 * Where new connections go. Sockets are counted in the order in which they began to listen.
 * `last`: the sockets from number `from` on, `count` of them, in turn by chance. `one`: socket number
 * `from` alone. `all`: as the kernel does by itself.
 */
export type Steering =
  | { readonly to: "last"; readonly from: number; readonly count: number }
  | { readonly to: "one"; readonly from: number }
  | { readonly to: "all" };

/** Classic BPF: a 32-bit load of what the kernel offers at that offset, here a random number. */
const LOAD = 0x20;
const RANDOM = 0xfffff000 + 56;
const MODULO = 0x94;
const ADD = 0x04;
const RETURN_RESULT = 0x16;
const RETURN = 0x06;

/**
 * Decides for all sockets of the group that a listening socket is in.
 *
 * @param descriptor The socket's file descriptor.
 * @throws {Error} If the kernel does not take it.
 */
export function steer(descriptor: number, steering: Steering): void {
  if (steering.to === "all") {
    const none = new Uint8Array(4);
    // Nothing to take off is no failure.
    libc().setsockopt(descriptor, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, ptr(none), none.length);
    return;
  }
  const program = steering.to === "one" ? [[RETURN, steering.from]] : [
    [LOAD, RANDOM],
    [MODULO, steering.count],
    [ADD, steering.from],
    [RETURN_RESULT, 0],
  ];
  const code = new Uint8Array(program.length * INSTRUCTION_LENGTH);
  const view = new DataView(code.buffer);
  for (const [at, [operation, operand]] of program.entries()) {
    view.setUint16(at * INSTRUCTION_LENGTH, operation!, true);
    view.setUint32(at * INSTRUCTION_LENGTH + 4, operand!, true);
  }
  // struct sock_fprog: the number of instructions, padding, their address.
  const header = new Uint8Array(16);
  const fields = new DataView(header.buffer);
  fields.setUint16(0, program.length, true);
  fields.setBigUint64(8, BigInt(ptr(code)), true);
  const status = libc().setsockopt(
    descriptor,
    SOL_SOCKET,
    SO_ATTACH_REUSEPORT_CBPF,
    ptr(header),
    header.length,
  );
  if (status !== 0) throw new Error("Cannot steer connections: the kernel does not take it");
}

const INSTRUCTION_LENGTH = 8;
