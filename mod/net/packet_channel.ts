// Whole packets over a stream, read one at a time: for logins, where clarity counts, not speed.

import { frame, PacketAssembler } from "../wire/mod.ts";
import type { Stream, StreamOwner, TlsOutcome } from "./stream.ts";
import type { ByteStream } from "./stream.ts";
import type { TLSOptions } from "bun";

/** Thrown by a channel's reads when the stream has ended. */
export class ChannelClosedError extends Error {
  override name = "ChannelClosedError";
}

/** Takes over a stream for as long as packets are exchanged in turn. */
export class PacketChannel implements StreamOwner {
  /** The sequence id that the next packet sent gets. */
  sequence = 0;
  readonly #assembler: PacketAssembler;
  readonly #tellClosed: (reason: string) => void;
  #stream: ByteStream | undefined;
  #closedBecause: string | undefined;
  #waiting: { resolve: (payload: Uint8Array) => void; reject: (error: Error) => void } | undefined;

  /**
   * @param lengthMax The longest packet taken, in bytes.
   * @param onClosed Told when the stream ends while it is this channel's, whether somebody reads or not.
   */
  constructor(lengthMax: number, onClosed: (reason: string) => void = () => {}) {
    this.#assembler = new PacketAssembler(lengthMax);
    this.#tellClosed = onClosed;
  }

  /** The stream has ended. */
  get closed(): boolean {
    return this.#closedBecause !== undefined;
  }

  /** Becomes the stream's owner (or is it already: bytes may come before the stream is known). */
  attach(stream: ByteStream): this {
    this.#stream = stream;
    stream.owner = this;
    return this;
  }

  /** The stream that packets are exchanged over. Only after `attach`. */
  get stream(): ByteStream {
    return this.#stream!;
  }

  /**
   * The next packet's payload; a view into the bytes received.
   *
   * @throws {ChannelClosedError} If the stream ends before.
   * @throws {PacketTooLargeError} If the packet is longer than allowed.
   */
  read(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#serve();
    });
  }

  /** Sends a payload as the next packet. */
  send(payload: Uint8Array): void {
    this.stream.write(frame(payload, this.sequence++ & 0xff));
  }

  /** Sends payloads as the next packets in one write: the peer wakes up once. */
  sendTogether(payloads: readonly Uint8Array[]): void {
    this.stream.write(
      Buffer.concat(payloads.map((payload) => frame(payload, this.sequence++ & 0xff))),
    );
  }

  /**
   * Starts TLS. Bytes that came behind the last packet read belong to it.
   *
   * @returns What is known of the peer's certificate.
   * @throws {ChannelClosedError} If the handshake fails.
   */
  upgrade(tls: TLSOptions, isServer: boolean): Promise<TlsOutcome> {
    const initial = this.#assembler.takeRest();
    return new Promise((resolve, reject) => {
      (this.stream as Stream).upgrade({ tls, isServer, initial }, (outcome) => {
        if (outcome.failure === undefined) resolve(outcome);
        else reject(new ChannelClosedError(`TLS handshake failed: ${outcome.failure}`));
      });
    });
  }

  /** The bytes behind the last packet read, for whoever owns the stream next. */
  takeRest(): Uint8Array {
    return this.#assembler.takeRest();
  }

  onBytes(bytes: Buffer): void {
    this.#assembler.push(bytes);
    this.#serve();
  }

  onDrained(): void {}

  onClosed(reason: string): void {
    this.#closedBecause = reason;
    this.#serve();
    this.#tellClosed(reason);
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    try {
      const payload = this.#assembler.next();
      if (payload !== undefined) {
        this.sequence = this.#assembler.sequence + 1;
        this.#waiting = undefined;
        waiting.resolve(payload);
      } else if (this.#closedBecause !== undefined) {
        this.#waiting = undefined;
        waiting.reject(new ChannelClosedError(this.#closedBecause));
      }
    } catch (error) {
      this.#waiting = undefined;
      waiting.reject(error as Error);
    }
  }
}
