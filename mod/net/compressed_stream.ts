// Compression between a stream and its owner: the protocol's compressed packets, zlib or zstd.
// Source: "Compression" of the protocol pages: length (3), sequence (1), uncompressed length (3).

import type { ByteStream, StreamOwner } from "./stream.ts";

/** How a leg is compressed. */
export interface CompressionSettings {
  readonly method: "zlib" | "zstd";
  /** zstd's level, 1 to 22. */
  readonly level: number;
}

const HEADER_LENGTH = 7;
/** The most uncompressed bytes of one compressed packet. */
const CONTENT_MAX = 0xffffff;
/** Below this compressing costs more than it saves: MIN_COMPRESS_LENGTH of the servers. */
const COMPRESS_MIN = 50;

/** A `ByteStream` that compresses what is written and expands what comes. */
export class CompressedStream implements ByteStream, StreamOwner {
  owner: StreamOwner;
  readonly #inner: ByteStream;
  readonly #settings: CompressionSettings;
  #sequence = 0;
  #kept: Buffer = EMPTY;

  /** Takes the place of the inner stream's owner. */
  constructor(inner: ByteStream, settings: CompressionSettings) {
    this.owner = inner.owner;
    this.#inner = inner;
    this.#settings = settings;
    inner.owner = this;
  }

  get sequence(): number {
    return this.#sequence & 0xff;
  }

  get received(): number {
    return this.#inner.received;
  }

  get sent(): number {
    return this.#inner.sent;
  }

  get pending(): number {
    return this.#inner.pending;
  }

  startCommand(): void {
    this.#sequence = 0;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CONTENT_MAX) {
      this.#inner.write(this.#pack(bytes.subarray(at, at + CONTENT_MAX)));
    }
  }

  cork(): void {
    this.#inner.cork();
  }

  uncork(): void {
    this.#inner.uncork();
  }

  /** Compressed packets are large enough by themselves. */
  writeBulk(bytes: Uint8Array): void {
    this.write(bytes);
  }

  #pack(content: Uint8Array): Uint8Array {
    const packed = content.length < COMPRESS_MIN ? undefined : this.#compress(content);
    const useful = packed !== undefined && packed.length < content.length;
    const body = useful ? packed : content;
    const bytes = new Uint8Array(HEADER_LENGTH + body.length);
    const expanded = useful ? content.length : 0;
    bytes[0] = body.length;
    bytes[1] = body.length >>> 8;
    bytes[2] = body.length >>> 16;
    bytes[3] = this.#sequence++;
    bytes[4] = expanded;
    bytes[5] = expanded >>> 8;
    bytes[6] = expanded >>> 16;
    bytes.set(body, HEADER_LENGTH);
    return bytes;
  }

  #compress(content: Uint8Array): Uint8Array {
    const { constants, deflateSync, zstdCompressSync } = zlib();
    if (this.#settings.method === "zlib") return deflateSync(content);
    return zstdCompressSync(content, {
      params: { [constants.ZSTD_c_compressionLevel]: this.#settings.level },
    });
  }

  #expand(content: Uint8Array, length: number): Buffer {
    const { inflateSync, zstdDecompressSync } = zlib();
    const expanded = this.#settings.method === "zlib"
      ? inflateSync(content, { maxOutputLength: length })
      : zstdDecompressSync(content, { maxOutputLength: length });
    if (expanded.length !== length) throw new RangeError("length does not match");
    return expanded;
  }

  onBytes(bytes: Buffer): void {
    let kept = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    this.#kept = EMPTY;
    while (kept.length >= HEADER_LENGTH) {
      const length = kept.readUIntLE(0, 3);
      if (kept.length < HEADER_LENGTH + length) break;
      const expanded = kept.readUIntLE(4, 3);
      const content = kept.subarray(HEADER_LENGTH, HEADER_LENGTH + length);
      this.#sequence = kept[3] + 1;
      kept = kept.subarray(HEADER_LENGTH + length);
      if (expanded === 0) {
        this.owner.onBytes(content);
        continue;
      }
      let plain: Buffer;
      try {
        plain = this.#expand(content, expanded);
      } catch {
        this.#inner.destroy();
        return;
      }
      this.owner.onBytes(plain);
    }
    this.#kept = kept;
  }

  onDrained(): void {
    this.owner.onDrained();
  }

  onClosed(reason: string): void {
    this.owner.onClosed(reason);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  end(): void {
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }
}

const EMPTY = Buffer.alloc(0);

/** Loaded when somebody compresses: it would be a tenth of the time that the proxy takes to start. */
function zlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}
