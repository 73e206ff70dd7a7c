// A service manager's ear: a datagram socket, which Bun has none of.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./subjects.ts";

const { i32, u32, u64, i64, ptr: pointer } = FFIType;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** Hears what is sent to NOTIFY_SOCKET. */
export class ServiceManager implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "mp-"));
  readonly path = join(this.#folder, "notify");
  readonly #library = dlopen("libc.so.6", {
    socket: { args: [i32, i32, i32], returns: i32 },
    bind: { args: [i32, pointer, u32], returns: i32 },
    recv: { args: [i32, pointer, u64, i32], returns: i64 },
    close: { args: [i32], returns: i32 },
  });
  readonly #descriptor: number;

  constructor() {
    const { socket, bind } = this.#library.symbols;
    this.#descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${this.path}\0`)]);
    if (bind(this.#descriptor, ptr(address), address.length) !== 0) {
      throw new Error(`Cannot bind ${this.path}`);
    }
  }

  /** The next datagram. */
  async hears(): Promise<string> {
    const buffer = new Uint8Array(1024);
    let length = -1;
    await until("a word to the service manager", () => {
      const { recv } = this.#library.symbols;
      length = Number(recv(this.#descriptor, ptr(buffer), buffer.length, MSG_DONTWAIT));
      return length >= 0;
    });
    return Buffer.from(buffer.subarray(0, length)).toString();
  }

  [Symbol.dispose](): void {
    this.#library.symbols.close(this.#descriptor);
    rmSync(this.#folder, { recursive: true });
  }
}
