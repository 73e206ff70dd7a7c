// A log in a file, written off the hot path: lines are gathered and go out together. Rotated by size
// and age, old ones compressed. What the disk does not take in time is dropped and counted, or waited
// for, by choice.

import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { LineBuffer } from "./line_buffer.ts";

/** Lines are gathered for so long, in milliseconds: each write wakes another thread. */
const GATHER_MS = 200;
/** So many bytes go out at once: more of them would leave the processor's cache before they are. */
const GATHER_BYTES = 256 * 1024;
/** Room for lines at first, and what of it is kept, in bytes. */
const ROOM_BYTES = 64 * 1024;
const ROOM_MAX_BYTES = 4 * 1024 * 1024;
/** A file put aside is compressed in pieces of this size: each of them comes by the event loop. */
const PIECE_BYTES = 1024 * 1024;
/** More gains no more than a twentieth of the size, for twice the time. */
const GZIP_LEVEL = 2;
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

/** Those that this process has open: they are opened again together. */
const openFiles = new Set<LogFile>();

/**
 * Opens all log files of this process again by their names: what comes from now on goes to new files
 * where somebody has moved the old ones. No line is lost.
 *
 * @returns Why one of them could not be opened, and goes on where it was; undefined: all are.
 */
export async function reopenLogFiles(): Promise<string | undefined> {
  const failures = await Promise.all([...openFiles].map((file) => file.reopen()));
  return failures.find((failure) => failure !== undefined);
}

/** An open log. */
export class LogFile {
  /** Lines that were not written. */
  dropped = 0;
  readonly #options: LogFileOptions;
  #descriptor: number;
  #bytes = 0;
  #openedAt = 0;
  /** What waits to be written, and room for what comes while it is. */
  #pending = new LineBuffer(ROOM_BYTES);
  #spare: LineBuffer | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWriting = false;
  #isClosed = false;
  /** Resolves when all that was put aside is compressed. */
  #compressing: Promise<void> = Promise.resolve();
  /** What waits for the end of a write: the descriptor may not change under it. */
  #afterWrite: (() => void)[] = [];
  #complainedAt = -Infinity;
  readonly #onExit = () => this.#flushSync();

  /** @throws {Error} If the file cannot be opened. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#descriptor = this.#open();
    process.on("exit", this.#onExit);
    openFiles.add(this);
  }

  #open(): number {
    const descriptor = openSync(this.#options.path, "a", 0o600);
    const { size, birthtimeMs } = fstatSync(descriptor);
    this.#bytes = size;
    // A file that was there has the age that it has: a proxy may be started anew each day.
    this.#openedAt = this.#bytes > 0 && birthtimeMs > 0 ? birthtimeMs : Date.now();
    const { head = "" } = this.#options;
    if (this.#bytes === 0 && head !== "") this.#bytes += writeSync(descriptor, head);
    return descriptor;
  }

  /**
   * Opens the file again by its name, when no write is under way any more. What waits to be written
   * goes to the new one.
   *
   * @returns Why that was not possible, and the file of before goes on; undefined: it is done.
   */
  reopen(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const openAgain = () => {
        if (this.#isClosed) return resolve(undefined);
        try {
          this.#replace();
          resolve(undefined);
        } catch (error) {
          resolve((error as Error).message);
        }
      };
      if (this.#isWriting) this.#afterWrite.push(openAgain);
      else openAgain();
    });
  }

  #replace(): void {
    const before = this.#descriptor;
    this.#descriptor = this.#open();
    closeSync(before);
  }

  /** Takes a line, with its newline. */
  write(line: string): void {
    const lines = this.begin(line.length);
    if (lines === undefined) return;
    lines.text(line);
    this.end();
  }

  /**
   * Begins a line: the caller writes it, with its newline, and calls `end`. Costs no call to the
   * system but where it has to wait.
   *
   * @param length About how long it will be, in bytes.
   * @returns undefined where there is no room: it is dropped.
   */
  begin(length: number): LineBuffer | undefined {
    const { bufferMaxBytes, overflow } = this.#options;
    if (this.#isClosed) return undefined;
    if (this.#pending.at + length > bufferMaxBytes) {
      if (overflow === "drop") {
        this.dropped++;
        return undefined;
      }
      this.#flushSync();
    }
    return this.#pending;
  }

  /** There is room for a line, however the disk keeps up; what asks first is not counted as dropped. */
  hasRoom(length: number): boolean {
    return !this.#isClosed && this.#pending.at + length <= this.#options.bufferMaxBytes;
  }

  /** A line is whole. */
  end(): void {
    this.#pending.lines++;
    this.#plan();
  }

  /** What waits goes out when it is much, or in a while: not as soon as what went out before is written. */
  #plan(): void {
    if (this.#pending.at >= GATHER_BYTES) this.#flush();
    else this.#timer ??= setTimeout(this.#onTime, GATHER_MS).unref();
  }

  readonly #onTime = (): void => {
    this.#timer = undefined;
    this.#flush();
  };

  #flush(): void {
    if (this.#options.overflow === "block") {
      // With a write under way it could not wait for that one to be over before the next.
      this.#flushSync();
      this.#rotateIfDue();
      return;
    }
    if (this.#isWriting || this.#pending.at === 0) return;
    this.#isWriting = true;
    const taken = this.#pending;
    this.#pending = this.#spare ?? new LineBuffer(ROOM_BYTES);
    this.#spare = undefined;
    this.#writeAll(taken.bytes.subarray(0, taken.at), 0, (error) => {
      this.#isWriting = false;
      if (error) this.#lose(taken.lines, error);
      taken.clear(ROOM_MAX_BYTES);
      this.#spare = taken;
      for (const act of this.#afterWrite.splice(0)) act();
      if (this.#isClosed) return;
      this.#rotateIfDue();
      if (this.#pending.at > 0) this.#plan();
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
    const { lines, at: end } = this.#pending;
    if (end === 0) return;
    const bytes = this.#pending.bytes.subarray(0, end);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
      this.#bytes += bytes.length;
    } catch (error) {
      this.#lose(lines, error as Error);
    }
    this.#pending.clear(ROOM_MAX_BYTES);
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
      this.#replace();
      if (aside === undefined) return;
      // One after the other: what is left over in the folder is nobody's then.
      this.#compressing = this.#compressing.then(() => compress(aside))
        .then(() => this.#prune())
        .catch((error) => this.#complain(error));
    } catch (error) {
      this.#complain(error);
      this.#openedAt = Date.now(); // tried again with the next size or age
    }
  }

  /** Undefined: somebody else has moved the file. */
  #putAside(): string | undefined {
    const { path } = this.#options;
    if (!existsSync(path)) return undefined;
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
      name.startsWith(prefix) &&
      /^\d{8}T\d{9}Z(?:\.gz(?:\.part)?)?$/.test(name.slice(prefix.length))
    );
    // Of a process that was killed in the middle of it: the whole file is there still.
    for (const name of old.filter((each) => each.endsWith(".part"))) rmSync(join(folder, name));
    for (const name of old.filter((each) => !each.endsWith(".part")).sort().reverse().slice(keep)) {
      rmSync(join(folder, name));
    }
  }

  /**
   * Writes what waits, behind what is being written, and ends. A line that comes later is not written.
   *
   * @returns Resolves when all of it is written, and what was put aside compressed: a process that ends
   *   before that may lose lines.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    openFiles.delete(this);
    clearTimeout(this.#timer);
    if (this.#isWriting) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#afterWrite.push(resolve);
      await promise;
    }
    process.off("exit", this.#onExit);
    this.#flushSync();
    closeSync(this.#descriptor);
    await this.#compressing;
  }
}

async function compress(path: string): Promise<void> {
  const part = `${path}.gz.part`;
  // Loaded when a file is rotated: the proxy starts sooner without them.
  const { pipeline } = await import("node:stream/promises");
  const { createGzip } = await import("node:zlib");
  await pipeline(
    createReadStream(path, { highWaterMark: PIECE_BYTES }),
    createGzip({ level: GZIP_LEVEL }),
    createWriteStream(part, { mode: 0o600 }),
  );
  renameSync(part, `${path}.gz`);
  rmSync(path);
}
