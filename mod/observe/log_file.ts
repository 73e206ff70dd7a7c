// A log in a file, written off the hot path: lines are gathered and go out together. Rotated by size
// and age, old ones compressed. What the disk does not take in time is dropped and counted, or waited
// for, by choice.

import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** Lines are gathered for so long, in milliseconds. */
const GATHER_MS = 50;
/** A complaint about the same file is not repeated sooner, in milliseconds. */
const COMPLAIN_MS = 60_000;

/** How a log file is kept. */
export interface LogFileOptions {
  readonly path: string;
  /** A file of this size is put aside, in bytes. */
  readonly sizeMaxBytes: number;
  /** A file of this age is put aside, in milliseconds; 0: none is. */
  readonly ageMaxMs: number;
  /** Files put aside that are kept. */
  readonly keep: number;
  /** What waits to be written at most, in bytes. */
  readonly bufferMaxBytes: number;
  /** When that is reached: further lines are dropped, or everything waits for the disk. */
  readonly overflow: "drop" | "block";
  /** What each file begins with. @default nothing */
  readonly head?: string;
  /** Told of what the system refuses. */
  readonly onError: (reason: string) => void;
}

/** An open log. */
export class LogFile {
  /** Lines that were not written. */
  dropped = 0;
  readonly #options: LogFileOptions;
  #descriptor: number;
  #bytes = 0;
  #openedAt = 0;
  #pending: string[] = [];
  #pendingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWriting = false;
  #complainedAt = -Infinity;
  readonly #onExit = () => this.#flushSync();

  /** @throws {Error} If the file cannot be opened. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#descriptor = this.#open();
    process.on("exit", this.#onExit);
  }

  #open(): number {
    const descriptor = openSync(this.#options.path, "a", 0o600);
    this.#bytes = fstatSync(descriptor).size;
    this.#openedAt = Date.now();
    const { head = "" } = this.#options;
    if (this.#bytes === 0 && head !== "") this.#bytes += writeSync(descriptor, head);
    return descriptor;
  }

  /** Takes a line, with its newline. Costs no call to the system but where it has to wait. */
  write(line: string): void {
    const { bufferMaxBytes, overflow } = this.#options;
    if (this.#pendingBytes + line.length > bufferMaxBytes) {
      if (overflow === "drop") {
        this.dropped++;
        return;
      }
      this.#flushSync();
    }
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#pendingBytes = 0;
    return bytes;
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#isWriting || this.#pending.length === 0) return;
    this.#isWriting = true;
    const lines = this.#pending.length;
    this.#writeAll(this.#take(), 0, (error) => {
      this.#isWriting = false;
      if (error) this.#lose(lines, error);
      this.#rotateIfDue();
      if (this.#pending.length > 0) this.#flush();
    });
  }

  #writeAll(bytes: Buffer, from: number, done: (error: Error | null) => void): void {
    write(this.#descriptor, bytes, from, bytes.length - from, null, (error, written) => {
      if (error) return done(error);
      this.#bytes += written;
      if (from + written < bytes.length) this.#writeAll(bytes, from + written, done);
      else done(null);
    });
  }

  /** Everything waits for the disk: at the end, and where nothing may be dropped. */
  #flushSync(): void {
    const lines = this.#pending.length;
    if (lines === 0) return;
    const bytes = this.#take();
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
      this.#bytes += bytes.length;
    } catch (error) {
      this.#lose(lines, error as Error);
    }
  }

  #lose(lines: number, error: Error): void {
    this.dropped += lines;
    this.#complain(error);
  }

  #complain(error: unknown): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAIN_MS) return;
    this.#complainedAt = now;
    this.#options.onError((error as Error).message);
  }

  #rotateIfDue(): void {
    const { sizeMaxBytes, ageMaxMs } = this.#options;
    const isOld = ageMaxMs > 0 && Date.now() - this.#openedAt >= ageMaxMs;
    if (this.#bytes < sizeMaxBytes && !isOld) return;
    try {
      const aside = this.#putAside();
      const before = this.#descriptor;
      this.#descriptor = this.#open();
      closeSync(before);
      void compress(aside).then(() => this.#prune()).catch((error) => this.#complain(error));
    } catch (error) {
      this.#complain(error);
      this.#openedAt = Date.now(); // tried again with the next size or age
    }
  }

  #putAside(): string {
    const { path } = this.#options;
    const time = new Date().toISOString().replace(/[-:]/g, "").replace(".", "");
    const aside = `${path}.${time}`;
    renameSync(path, aside);
    return aside;
  }

  #prune(): void {
    const { path, keep } = this.#options;
    const folder = dirname(path);
    const prefix = `${basename(path)}.`;
    const old = readdirSync(folder).filter((name) =>
      name.startsWith(prefix) && /^\d{8}T\d{9}Z(?:\.gz)?$/.test(name.slice(prefix.length))
    );
    for (const name of old.sort().reverse().slice(keep)) rmSync(join(folder, name));
  }

  /** Writes what waits, and ends. */
  close(): void {
    process.off("exit", this.#onExit);
    clearTimeout(this.#timer);
    this.#flushSync();
  }
}

async function compress(path: string): Promise<void> {
  const compressed = `${path}.gz`;
  // Loaded when a file is rotated: the proxy starts sooner without them.
  const { pipeline } = await import("node:stream/promises");
  const { createGzip } = await import("node:zlib");
  await pipeline(
    createReadStream(path),
    createGzip({ level: 4 }),
    createWriteStream(compressed, { mode: 0o600 }),
  );
  rmSync(path);
}
