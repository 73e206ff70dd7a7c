// Moves bytes between one socket and its owner: write queue, back-pressure, TLS upgrade.
// Plain and TLS are the same class; compression is another face of `ByteStream`.

import type { Socket, SocketHandler, TLSOptions } from "bun";
import { beginEvent, endEvent } from "./event_clock.ts";

/** What a stream tells the one who owns it. */
export interface StreamOwner {
  /** Bytes have come. They are the owner's to keep. */
  onBytes(bytes: Buffer): void;
  /** All that was queued has been taken by the kernel. */
  onDrained(): void;
  /** The stream has ended; said once, nothing comes after it. */
  onClosed(reason: string): void;
}

/** A duplex stream of bytes as sessions and server connections use it. */
export interface ByteStream {
  owner: StreamOwner;
  /** Bytes queued because the peer does not take them. */
  readonly pending: number;
  /** Bytes that have come, as the socket carries them, before TLS. */
  readonly received: number;
  /** Bytes that were given to be sent, likewise. */
  readonly sent: number;
  /** The number that the next compressed packet gets; undefined where nothing is compressed. */
  readonly sequence: number | undefined;
  /** Sends bytes, queueing what the kernel does not take. The bytes may not be changed after. */
  write(bytes: Uint8Array): void;
  /**
   * Sends a large piece of a result of which more will come: it may wait for a millisecond, so that
   * several go out together and the peer wakes up once. A `write` behind it sends all.
   */
  writeBulk(bytes: Uint8Array): void;
  /** What is written from here on goes out together, so that the peer wakes up once: see `uncork`. */
  cork(): void;
  /** Sends what was written since `cork`. */
  uncork(): void;
  /** Tells a compressing stream that a new command begins, so that its sequence starts again. */
  startCommand(): void;
  /** Stops reading; the peer feels it when its window is full. */
  pause(): void;
  resume(): void;
  /** Closes after what is queued has been sent. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** How a TLS handshake has ended. */
export interface TlsOutcome {
  /** Why there is no encrypted connection; undefined where there is one. */
  readonly failure: string | undefined;
  /** Why the peer's certificate proves nothing; undefined where it is good. */
  readonly unverified: string | undefined;
  /** An authority of ours has signed the certificate; `unverified` is about the name in it alone. */
  readonly misnamed: boolean;
}

type StreamSocket = Socket<Stream | undefined>;

/** A `ByteStream` on a Bun socket. */
export class Stream implements ByteStream {
  owner: StreamOwner;
  pending = 0;
  /** Bytes that have come, and that were given to be sent, before TLS. */
  received = 0;
  sent = 0;
  readonly sequence = undefined;
  /** The connection is encrypted. */
  secure = false;
  /** The bytes go through a unix socket, so nobody on a network can read them. */
  readonly local: boolean;
  #socket: StreamSocket;
  #queue: Uint8Array[] = NO_QUEUE;
  /** What is to go out together; undefined: what is written goes out at once. */
  #corked: Uint8Array[] | undefined;
  /** The kernel did not take all: it says when it does again. */
  #blocked = false;
  #paused = false;
  #ending = false;
  #closed = false;
  #onSecure: ((outcome: TlsOutcome) => void) | undefined;

  constructor(socket: StreamSocket, options: { owner: StreamOwner; local: boolean }) {
    this.#socket = socket;
    this.owner = options.owner;
    this.local = options.local;
    socket.data = this;
  }

  /** The peer's address; empty for unix sockets. */
  get remoteAddress(): string {
    return this.local ? "" : this.#socket.remoteAddress;
  }

  get remotePort(): number {
    return this.local ? 0 : this.#socket.remotePort;
  }

  get localAddress(): string {
    return this.local ? "" : this.#socket.localAddress;
  }

  get localPort(): number {
    return this.local ? 0 : this.#socket.localPort;
  }

  /** The cipher in use and, where the peer showed one that our authorities signed, its certificate. */
  tlsFacts(): { cipher: string; certificate?: { subject: string; issuer: string } } {
    const cipher = this.#socket.getCipher().name;
    const certificate = this.#socket.authorized ? this.#socket.getPeerCertificate() : undefined;
    if (!certificate?.subject) return { cipher };
    return {
      cipher,
      certificate: {
        subject: slashNotation(certificate.subject),
        issuer: slashNotation(certificate.issuer),
      },
    };
  }

  write(bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#corked !== undefined) {
      this.#corked.push(bytes);
      return;
    }
    this.sent += bytes.length;
    if (this.#queue.length > 0) {
      this.#enqueue(bytes);
      if (!this.#blocked) this.#flush();
      return;
    }
    const written = this.#socket.write(bytes);
    if (written === bytes.length || written < 0) return;
    this.#blocked = true;
    this.#enqueue(written === 0 ? bytes : bytes.subarray(written));
  }

  writeBulk(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.sent += bytes.length;
    this.#enqueue(bytes);
    if (this.#blocked) return;
    if (this.pending >= GATHER_BYTES) this.#flush();
    else flushSoon(this);
  }

  cork(): void {
    this.#corked ??= [];
  }

  uncork(): void {
    const corked = this.#corked;
    this.#corked = undefined;
    if (corked === undefined || corked.length === 0) return;
    this.write(corked.length === 1 ? corked[0] : Buffer.concat(corked));
  }

  /** Sends what was gathered: called when its time is over. */
  flushGathered(): void {
    if (this.#closed || this.#blocked || this.pending === 0) return;
    this.#flush();
    if (this.pending === 0) this.owner.onDrained();
  }

  #enqueue(bytes: Uint8Array): void {
    if (this.#queue.length === 0) this.#queue = [];
    this.#queue.push(bytes);
    this.pending += bytes.length;
  }

  startCommand(): void {}

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#socket.resume();
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.uncork();
    this.#ending = true;
    if (this.pending > 0 && !this.#blocked) this.#flush();
    if (this.pending === 0) this.#socket.end();
  }

  destroy(): void {
    if (this.#closed) return;
    // In this order: the socket tells of its end while it is terminated, and knows no better reason.
    this.closed("closed by the proxy");
    this.#socket.terminate();
  }

  /** TCP options; without effect on unix sockets. */
  configure(options: { readonly noDelay: boolean; readonly keepaliveMs: number }): void {
    if (this.local) return;
    if (!options.noDelay) this.#socket.setNoDelay(false); // Bun has turned it on
    if (options.keepaliveMs > 0) this.#socket.setKeepAlive(true, options.keepaliveMs);
  }

  /**
   * Starts TLS on the open connection.
   *
   * @param options.initial Bytes that have come already and belong to TLS.
   * @param onSecure Called once, when the handshake has succeeded or failed.
   */
  upgrade(
    options: { readonly tls: TLSOptions; readonly isServer: boolean; readonly initial: Uint8Array },
    onSecure: (outcome: TlsOutcome) => void,
  ): void {
    const plain = this.#socket;
    this.#onSecure = onSecure;
    const upgrade = {
      data: this as Stream | undefined,
      tls: options.tls,
      isServer: options.isServer,
      socket: tlsHandlers,
      ...(options.initial.length > 0 ? { initialData: options.initial } : {}),
    };
    // The plain socket goes on telling of the encrypted bytes; nobody listens to them any more.
    plain.data = undefined;
    const [, encrypted] = plain.upgradeTLS(upgrade);
    this.#socket = encrypted;
  }

  /** The TLS handshake has ended: called by the socket's handlers. */
  handshakeDone(outcome: TlsOutcome): void {
    const onSecure = this.#onSecure;
    this.#onSecure = undefined;
    this.secure = outcome.failure === undefined;
    onSecure?.(outcome);
  }

  /** The kernel takes bytes again: called by the socket's handlers. */
  drained(): void {
    this.#blocked = false;
    if (this.#queue.length > 0) this.#flush();
    if (this.pending > 0) return;
    if (this.#ending) this.#socket.end();
    else this.owner.onDrained();
  }

  #flush(): void {
    const queue = this.#queue;
    let sent = 0;
    while (sent < queue.length) {
      const bytes = queue[sent];
      const written = this.#socket.write(bytes);
      if (written < 0) break;
      this.pending -= written;
      if (written < bytes.length) {
        queue[sent] = bytes.subarray(written);
        this.#blocked = true;
        break;
      }
      sent++;
    }
    if (sent === queue.length) this.#queue = NO_QUEUE;
    else queue.splice(0, sent);
  }

  /** The socket is gone: called by the socket's handlers. */
  closed(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = NO_QUEUE;
    this.pending = 0;
    if (this.#onSecure) {
      this.handshakeDone({ failure: reason, unverified: undefined, misnamed: false });
    }
    this.owner.onClosed(reason);
  }
}

/** Errors of the system and of TLS carry a code; what is thrown in a program is of these classes. */
function isDefect(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || !("code" in error);
}

let tellDefect: (error: Error) => void = (error) => console.error(error);

/**
 * Chooses who is told what owners throw while they are given bytes. It closes their connection and
 * nothing else; standard error is told unless somebody is chosen.
 */
export function onDefect(tell: (error: Error) => void): void {
  tellDefect = tell;
}

/** Gathered bytes that are enough to be sent at once. */
const GATHER_BYTES = 256 * 1024;
const GATHER_MS = 1;

/** Streams that gather, and the one timer for all of them. */
const gathering = new Set<Stream>();
let gatherTimer: ReturnType<typeof setTimeout> | undefined;

function flushSoon(stream: Stream): void {
  gathering.add(stream);
  gatherTimer ??= setTimeout(flushAll, GATHER_MS);
}

function flushAll(): void {
  gatherTimer = undefined;
  const due = [...gathering];
  gathering.clear();
  for (const stream of due) stream.flushGathered();
}

/** Shared by all streams without a queue: idle streams own no array. Never written to. */
const NO_QUEUE: Uint8Array[] = [];

/** The socket handlers that lead to the `Stream` in a socket's `data`. */
export const streamHandlers: SocketHandler<Stream | undefined> = {
  data(socket, bytes) {
    const stream = socket.data;
    if (stream === undefined) return;
    stream.received += bytes.length;
    beginEvent();
    stream.owner.onBytes(bytes);
    endEvent();
  },
  drain(socket) {
    socket.data?.drained();
  },
  end(socket) {
    // The peer sends no more; what it asked for is of no use to it either (no half-open sessions).
    socket.data?.end();
  },
  close(socket, error) {
    socket.data?.closed(error ? describe(error) : "closed by the peer");
  },
  error(socket, error) {
    endEvent();
    // What an owner throws comes here as well: a defect of ours, which costs one connection.
    if (isDefect(error)) tellDefect(error);
    socket.data?.closed(describe(error));
    socket.terminate();
  },
};

const tlsHandlers: SocketHandler<Stream | undefined> = {
  ...streamHandlers,
  handshake(socket, _success, error) {
    const reason = error ? describe(error) : undefined;
    // One callback tells of both: EPROTO, ECONNRESET and the like mean that there is no encrypted
    // connection; all other codes are about the peer's certificate.
    const { code } = (error ?? {}) as { code?: unknown };
    const failed = typeof code === "string" && /^E[A-Z]+$/.test(code);
    socket.data?.handshakeDone({
      failure: failed ? reason : undefined,
      unverified: reason,
      // Names are compared only once the chain has turned out to be good.
      misnamed: code === "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  },
};

/** A distinguished name as MySQL's REQUIRE SUBJECT has it: `/C=SE/O=example/CN=name`. */
function slashNotation(name: object): string {
  return Object.entries(name).map(([key, value]) => `/${key}=${value}`).join("");
}

function describe(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && !error.message.includes(code)
    ? `${error.message} (${code})`
    : error.message;
}
