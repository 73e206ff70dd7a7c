// A stream without a socket: what is written is kept, what comes is given by the test.

import type { ByteStream, StreamOwner } from "../../../mod/net/mod.ts";

/** An owner that keeps all it is told. */
export class RecordingOwner implements StreamOwner {
  readonly chunks: Buffer[] = [];
  drained = 0;
  readonly closed: string[] = [];

  onBytes(bytes: Buffer): void {
    this.chunks.push(Buffer.from(bytes));
  }

  onDrained(): void {
    this.drained++;
  }

  onClosed(reason: string): void {
    this.closed.push(reason);
  }

  /** All bytes in one. */
  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** See the head of the file. */
export class MemoryStream implements ByteStream {
  readonly sequence = undefined;
  owner: StreamOwner = new RecordingOwner();
  pending = 0;
  readonly received = 0;
  readonly sent = 0;
  readonly written: Buffer[] = [];
  /** Calls of the other methods in order. */
  readonly calls: string[] = [];

  writeBulk(bytes: Uint8Array): void {
    this.write(bytes);
  }

  write(bytes: Uint8Array): void {
    this.written.push(Buffer.from(bytes));
  }

  cork(): void {}

  uncork(): void {}

  startCommand(): void {
    this.calls.push("startCommand");
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  end(): void {
    this.calls.push("end");
  }

  destroy(): void {
    this.calls.push("destroy");
  }
}
