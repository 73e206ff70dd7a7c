// The few calls of the C library that Bun has no face for. Loaded when one is needed first.

import { dlopen, FFIType } from "bun:ffi";

/** glibc, then musl. */
const NAMES = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

const { i32, u32, u64, i64, ptr } = FFIType;

function load() {
  let failure: unknown;
  for (const name of NAMES) {
    try {
      return dlopen(name, {
        setsockopt: { args: [i32, i32, i32, ptr, u32], returns: i32 },
        socket: { args: [i32, i32, i32], returns: i32 },
        sendto: { args: [i32, ptr, u64, i32, ptr, u32], returns: i64 },
        close: { args: [i32], returns: i32 },
      }).symbols;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error("Cannot load the C library", { cause: failure });
}

let loaded: ReturnType<typeof load> | undefined;

/** The calls. @throws {Error} Where there is no such library. */
export function libc(): ReturnType<typeof load> {
  return loaded ??= load();
}
