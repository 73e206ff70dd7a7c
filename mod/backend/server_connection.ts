// One connection to a server after its login: requests in, answers to whoever asked, in order.

import {
  Capability,
  Expect,
  HEADER_LENGTH,
  NO_TRANSACTION,
  payloadLength,
  ResponseTracker,
  transactionStateAfter,
} from "../wire/mod.ts";
import type { ByteStream, StreamOwner } from "../net/mod.ts";
import { PacketHead, PacketInParts } from "./held_packet.ts";
import type { Authenticator } from "./login_exchange.ts";
import { type AnswerSink, Outstanding, passOk } from "./outstanding.ts";
import type { ServerTraffic } from "./server_traffic.ts";

/** What a server connection is for its whole life. */
export interface ConnectionFacts {
  /** The name of the server that it leads to. */
  readonly server: string;
  /** The server's own id of the connection: what KILL takes there. */
  readonly threadId: number;
  /** The capability flags in force. */
  readonly capabilities: number;
  /** MariaDB's extended capability flags in force. */
  readonly mariadbCapabilities: number;
  /** Flags and transport: connections of one kind and account can stand in for one another. */
  readonly kind: string;
  /** The transport is TLS or a unix socket. */
  readonly secure: boolean;
}

/** Who is told of what a server says or does without being asked. */
export interface ConnectionHolder {
  /** Bytes that belong to no request: an error before the server closes. */
  onUnasked(bytes: Uint8Array): void;
  /** The server's queue has been taken: whoever was paused may go on. */
  onServerDrained(): void;
  /** The connection is gone. Outstanding sinks have been told before. */
  onServerClosed(reason: string): void;
}

/** A logged-in connection with a FIFO of outstanding requests. */
export class ServerConnection implements StreamOwner {
  readonly facts: ConnectionFacts;
  readonly stream: ByteStream;
  readonly tracker: ResponseTracker;
  holder: ConnectionHolder;
  /** Whose connection it is: the account's name as the client sent it, in latin1. */
  user: string;
  /** Logs in as the same account once more; undefined where only its client can. */
  again: (() => Authenticator) | undefined;
  /** May be kept for another session; false after what a reset does not undo. */
  reusable = true;
  /** Takes several statements in one text: a flag of the login, and COM_SET_OPTION. */
  multiStatements: boolean;
  /** Logins on it that the server has refused. */
  failedLogins = 0;
  /** KILL statements under way that name it: until they are answered nobody else may have it. */
  kills = 0;
  /** A KILL QUERY has named it: if it came too late it would hit the next command. */
  mayBeInterrupted = false;
  /** What the server has told last of the transaction on it, whoever was told. */
  transactionState = NO_TRANSACTION;
  /** When it became idle, by the clock of the pool that keeps it; milliseconds. */
  idleSince = 0;
  readonly #outstanding = new Outstanding();
  /** An OK packet that is taken whole, or the start of one that may be it, cut by a chunk's end. */
  #packet: PacketInParts | undefined;
  #head: PacketHead | undefined;
  #closedBecause: string | undefined;
  readonly #traffic: ServerTraffic | undefined;
  /** Sessions that have it. */
  #sessions = 0;

  /** Takes over the stream; nothing may be outstanding on it. */
  constructor(stream: ByteStream, options: {
    readonly facts: ConnectionFacts;
    readonly holder: ConnectionHolder;
    readonly user: string;
    /** Where it is counted; absent: nowhere. */
    readonly traffic?: ServerTraffic;
  }) {
    this.stream = stream;
    this.facts = options.facts;
    this.holder = options.holder;
    this.user = options.user;
    this.multiStatements = takesMultiStatements(options.facts);
    this.tracker = new ResponseTracker(
      options.facts.capabilities,
      options.facts.mariadbCapabilities,
    );
    this.#traffic = options.traffic;
    this.#traffic?.opened(this);
    stream.owner = this;
  }

  /** A session has it. Hot path. */
  lend(): void {
    if (this.#sessions++ === 0) this.#traffic?.lent();
  }

  /** A session has it no more. Hot path. */
  giveBack(): void {
    if (--this.#sessions === 0) this.#traffic?.givenBack();
  }

  /** Requests that have no complete answer yet. */
  get outstanding(): number {
    return this.#outstanding.length;
  }

  /** Who waits for answers, in their order. Makes a list. */
  sinks(): AnswerSink[] {
    return this.#outstanding.sinks();
  }

  /** COM_SET_OPTION has made it another kind of connection, which no reset undoes. */
  get optionChanged(): boolean {
    return this.multiStatements !== takesMultiStatements(this.facts);
  }

  /** What connections that can stand in for this one have in common. */
  get poolKey(): string {
    return poolKey(this.facts.kind, this.user);
  }

  get closed(): boolean {
    return this.#closedBecause !== undefined;
  }

  /** Announces a request that is about to be written. @param expect A value of `Expect`. */
  expect(expect: number, sink: AnswerSink): void {
    if (expect === Expect.NOTHING) return;
    this.#outstanding.push(expect, sink);
    if (this.#outstanding.length === 1) this.tracker.begin(expect);
  }

  /** Writes a whole request. Where the connection has ended, the sink is told so at once. */
  request(bytes: Uint8Array, expect: number, sink: AnswerSink): void {
    if (this.#closedBecause !== undefined) {
      if (expect !== Expect.NOTHING) sink.onServerLost(this.#closedBecause);
      return;
    }
    this.expect(expect, sink);
    this.stream.startCommand();
    this.stream.write(bytes);
  }

  /** Somebody else gets the answer to the only request that is outstanding. */
  divert(sink: AnswerSink): void {
    this.#outstanding.sink = sink;
  }

  // Whenever a sink is told something it may write requests, change the holder, give the connection
  // to another session or abandon it: so what is outstanding is asked for anew each time.
  onBytes(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.closed) {
      if (this.#outstanding.length === 0) {
        this.#passUnasked(at === 0 ? bytes : bytes.subarray(at));
        return;
      }
      if (this.#head !== undefined) at = this.#goOnWithHead(this.#head, bytes, at);
      else if (this.#packet !== undefined) at = this.#goOnWithPacket(this.#packet, bytes, at);
      else at = this.#pass(bytes, at);
    }
  }

  #passUnasked(bytes: Buffer): void {
    if (this.stream.owner === this) this.holder.onUnasked(bytes);
    else this.stream.owner.onBytes(bytes);
  }

  /** Passes bytes as they come up to an answer's end, or up to a packet that may not pass so. */
  #pass(bytes: Uint8Array, start: number): number {
    const { tracker } = this;
    const { sink } = this.#outstanding;
    const { length } = bytes;
    const end = tracker.feed(bytes, start, length);
    const whole = tracker.stopped ? end + HEADER_LENGTH + payloadLength(bytes, end) : 0;
    if (end > start) {
      const passed = start === 0 && end === length ? bytes : bytes.subarray(start, end);
      if (tracker.stopped && whole <= length && sink.onBytesBeforeOk !== undefined) {
        sink.onBytesBeforeOk(passed);
      } else sink.onAnswerBytes(passed);
      if (this.closed) return length;
    }
    if (tracker.done) {
      this.#endAnswer(sink);
      return end;
    }
    if (end === length) return end;
    if (tracker.stopped) {
      if (whole > length) this.#packet = new PacketInParts(bytes, end);
      else {
        this.#passOk(bytes.subarray(end, whole));
        return whole;
      }
    } else {
      this.#head = new PacketHead();
      this.#head.add(bytes, end, tracker);
    }
    return length;
  }

  #goOnWithHead(head: PacketHead, bytes: Uint8Array, start: number): number {
    const at = head.add(bytes, start, this.tracker);
    if (head.isEnough(this.tracker)) {
      this.#head = undefined;
      this.#pass(head.bytes, 0);
    }
    return at;
  }

  #goOnWithPacket(packet: PacketInParts, bytes: Uint8Array, start: number): number {
    const at = packet.add(bytes, start);
    if (packet.whole) {
      this.#packet = undefined;
      this.#passOk(packet.bytes);
    }
    return at;
  }

  #passOk(packet: Uint8Array): void {
    const { sink } = this.#outstanding;
    this.tracker.passOk(packet);
    this.transactionState = transactionStateAfter(packet, this.transactionState);
    passOk(sink, packet);
    if (!this.closed && this.tracker.done) this.#endAnswer(sink);
  }

  #endAnswer(sink: AnswerSink): void {
    this.#outstanding.shift();
    sink.onAnswerEnd(); // reads the tracker: so the next answer begins behind it
    if (this.#outstanding.length > 0 && this.tracker.done) {
      this.tracker.begin(this.#outstanding.expect);
    }
  }

  onDrained(): void {
    this.holder.onServerDrained();
  }

  onClosed(reason: string): void {
    if (this.#closedBecause !== undefined) return;
    this.#closedBecause = reason;
    this.#traffic?.closed(this);
    this.#tellSinks(reason);
    this.holder.onServerClosed(reason);
  }

  /** Ends as if the server had ended it. */
  lose(reason: string): void {
    if (this.closed) return;
    this.onClosed(reason);
    this.stream.destroy();
  }

  /** Closes without a word to the holder, who has gone already. */
  abandon(): void {
    this.#closedBecause = "abandoned";
    this.#traffic?.closed(this);
    this.stream.destroy();
    this.#tellSinks("abandoned"); // who asked something beside the holder waits for ever otherwise
  }

  #tellSinks(reason: string): void {
    while (this.#outstanding.length > 0) {
      const { sink } = this.#outstanding;
      this.#outstanding.shift();
      sink.onServerLost(reason);
    }
  }
}

function takesMultiStatements({ capabilities }: ConnectionFacts): boolean {
  return (capabilities & Capability.MULTI_STATEMENTS) !== 0;
}

/** The key under which idle connections of a kind and an account are kept. */
export function poolKey(kind: string, user: string): string {
  return `${kind}:${user}`;
}
