// Packets of a raw client: cut out of the bytes that come, compressed or not, and put into them.

import { deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { HEADER_LENGTH, PAYLOAD_MAX } from "../../mod/wire/mod.ts";

/** A packet as it came. Parts of 16 MiB are joined in `payload`, and all in `bytes`. */
export interface Packet {
  readonly payload: Buffer;
  /** The sequence id of its last part. */
  readonly sequence: number;
  /** The packet with its headers. */
  readonly bytes: Buffer;
}

/** The connection ended before what was waited for had come. */
export class ConnectionEndedError extends Error {
  override name = "ConnectionEndedError";
}

const COMPRESSED_HEADER_LENGTH = 7;

/** Bytes in, packets out. */
export class PacketStream {
  #chunks: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #compression: "zlib" | "zstd" | undefined;
  #compressed: Buffer[] = [];
  #compressedLength = 0;
  #compressedSequence = 0;
  /** Compressed packets that were really compressed, both ways. */
  readonly counts = { sent: 0, received: 0 };
  /** All bytes that came. */
  received = 0;

  /** From now on what comes and goes is compressed. */
  compress(method: "zlib" | "zstd"): void {
    this.#compression = method;
  }

  push(bytes: Buffer): void {
    this.received += bytes.length;
    if (this.#compression === undefined) this.#keep(bytes);
    else {
      this.#compressed.push(bytes);
      this.#compressedLength += bytes.length;
      this.#expand();
    }
    this.#wake?.();
  }

  #keep(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  #expand(): void {
    while (this.#compressedLength >= COMPRESSED_HEADER_LENGTH) {
      const head = joined(this.#compressed, COMPRESSED_HEADER_LENGTH);
      const length = head.readUIntLE(0, 3);
      const total = COMPRESSED_HEADER_LENGTH + length;
      if (this.#compressedLength < total) return;
      const content = joined(this.#compressed, total).subarray(COMPRESSED_HEADER_LENGTH, total);
      this.#compressed = [joined(this.#compressed, this.#compressedLength).subarray(total)];
      this.#compressedLength -= total;
      this.#compressedSequence = head[3]! + 1;
      const expanded = head.readUIntLE(4, 3);
      if (expanded === 0) this.#keep(content);
      else {
        this.counts.received++;
        this.#keep(
          this.#compression === "zlib" ? inflateSync(content) : zstdDecompressSync(content),
        );
      }
    }
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The bytes to send for whole frames; `first` starts the compressed sequence again. */
  outgoing(bytes: Uint8Array, { first }: { readonly first: boolean }): Buffer {
    if (this.#compression === undefined) return Buffer.from(bytes);
    if (first) this.#compressedSequence = 0;
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += PAYLOAD_MAX) {
      const content = bytes.subarray(at, at + PAYLOAD_MAX);
      const packs = content.length >= 50;
      if (packs) this.counts.sent++;
      const packed = !packs
        ? content
        : this.#compression === "zlib"
        ? deflateSync(content)
        : zstdCompressSync(content);
      const head = Buffer.alloc(COMPRESSED_HEADER_LENGTH);
      head.writeUIntLE(packed.length, 0, 3);
      head[3] = this.#compressedSequence++ & 0xff;
      head.writeUIntLE(packs ? content.length : 0, 4, 3);
      parts.push(head, Buffer.from(packed));
    }
    return Buffer.concat(parts);
  }

  /** The next packet. Throws a ConnectionEndedError where none comes any more. */
  async read(limitMs = 30_000): Promise<Packet> {
    const deadline = Date.now() + limitMs;
    let at = 0;
    const payloads: [number, number][] = [];
    for (;;) {
      await this.#until(at + HEADER_LENGTH, deadline);
      const head = joined(this.#chunks, at + HEADER_LENGTH);
      const length = head.readUIntLE(at, 3);
      payloads.push([at + HEADER_LENGTH, at + HEADER_LENGTH + length]);
      at += HEADER_LENGTH + length;
      await this.#until(at, deadline);
      if (length < PAYLOAD_MAX) break;
    }
    const all = joined(this.#chunks, this.#length);
    this.#chunks = [all.subarray(at)];
    this.#length -= at;
    const bytes = all.subarray(0, at);
    const payload = payloads.length === 1
      ? bytes.subarray(HEADER_LENGTH)
      : Buffer.concat(payloads.map(([from, to]) => bytes.subarray(from, to)));
    return { payload, sequence: bytes[payloads.at(-1)![0] - 1]!, bytes };
  }

  async #until(length: number, deadline: number): Promise<void> {
    while (this.#length < length) {
      if (this.#ended) throw new ConnectionEndedError("The connection has ended");
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error("No packet came in time");
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, leftMs);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }
}

/** One buffer of at least `length` bytes at the head of the list, which is changed in place. */
function joined(chunks: Buffer[], length: number): Buffer {
  if (chunks[0] !== undefined && chunks[0].length >= length) return chunks[0];
  let count = 0;
  let total = 0;
  while (total < length && count < chunks.length) total += chunks[count++]!.length;
  const all = Buffer.concat(chunks.slice(0, count));
  chunks.splice(0, count, all);
  return all;
}
