// One client of a program: logs in, sends a command, keeps the bytes of its answer as they came.
// Made for many short connections: it looks at nothing but where an answer ends.

import { Credential, ServerLogin } from "../../mod/auth/mod.ts";
import {
  AuthPacket,
  Capability,
  decodeAuthSwitch,
  decodeGreeting,
  encodeHandshakeResponse,
  frame,
  type Greeting,
  PacketAssembler,
  ResponseTracker,
} from "../../mod/wire/mod.ts";

/** Where to connect to, and as whom. */
export interface Login {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Empty: none. */
  readonly database: string;
  readonly collation: number;
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  /** Sent where the server asks for a local file. */
  readonly file: Uint8Array;
}

/** A command and the shape of its answer, a value of `Expect`. */
export interface Request {
  readonly payload: Uint8Array;
  readonly expect: number;
}

/** How the wait for an answer ended. */
export type Ending = "whole" | "closed" | "late";

/** What came after a command, or at the end of a login. */
export interface Answer {
  /** Packets with their headers. */
  readonly bytes: Uint8Array;
  /** "closed": the peer closed before the answer was whole; "late": it was not whole in time. */
  readonly ending: Ending;
  /** Status flags sent last on this connection. */
  readonly status: number;
  /** 0: no error. */
  readonly errorCode: number;
  /** The id that COM_STMT_PREPARE's answer gave. */
  readonly statementId: number;
  readonly milliseconds: number;
}

/** An answer that takes longer is a failure of its own; in milliseconds. */
export const ANSWER_MS_MAX = 8_000;

const PACKET_MAX = 1 << 30;
const NOTHING = new Uint8Array(0);

/** Clients that wait for an answer; one timer looks after all of them. */
const waiting = new Set<SessionClient>();
setInterval(() => {
  const now = performance.now();
  for (const client of waiting) client.lookAtClock(now);
}, 250).unref();

/** A connection. */
export class SessionClient {
  readonly login: Login;
  /** The id the greeting gave. */
  threadId = 0;
  /** What the login ended with. */
  entered!: Answer;
  /** The flags in force. */
  capabilities = 0;
  mariadbCapabilities = 0;
  #socket!: Bun.Socket;
  /** What has come and belongs to no answer yet. */
  readonly #inbox: Uint8Array[] = [];
  /** Follows the answer; undefined during the login. */
  #tracker: ResponseTracker | undefined;
  #assembler: PacketAssembler | undefined = new PacketAssembler(PACKET_MAX);
  #closed = false;
  #since = 0;
  #wake: ((ending: Ending) => void) | undefined;

  private constructor(login: Login) {
    this.login = login;
  }

  /** Connects and logs in; whether that went well says `entered`. */
  static async enter(login: Login): Promise<SessionClient> {
    const client = new SessionClient(login);
    const since = performance.now();
    try {
      client.#socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: login.port,
        socket: {
          data: (_, bytes) => client.#take(bytes),
          close: () => client.#end(),
          error: () => client.#end(),
        },
      });
      client.#socket.setNoDelay(true);
    } catch {
      client.#end();
    }
    const { last, ending } = await client.#logIn();
    client.#assembler = undefined;
    client.entered = loginAnswer({ last, ending, since });
    if (ending !== "whole" || client.entered.errorCode !== 0) client.leave("abort");
    client.#tracker = new ResponseTracker(client.capabilities, client.mariadbCapabilities);
    return client;
  }

  /** Whether the connection is still there. */
  get open(): boolean {
    return !this.#closed;
  }

  /** The conversation up to the server's OK or ERR, whose payload is `last`. */
  async #logIn(): Promise<LoginEnd> {
    const first = await this.#packet();
    if (first.payload === undefined) return { last: undefined, ending: first.ending };
    if (first.payload[0] === AuthPacket.ERR) return { last: first.payload, ending: "whole" };
    const greeting = decodeGreeting(first.payload);
    this.threadId = greeting.threadId;
    return await this.#authenticate(this.#answerGreeting(greeting));
  }

  #answerGreeting(greeting: Greeting): ServerLogin {
    const { login } = this;
    const exchange = this.#exchange(login.password);
    const { plugin, answer } = exchange.initial(greeting.authPlugin, greeting.salt);
    const withDatabase = login.database === "" ? 0 : Capability.CONNECT_WITH_DB;
    this.capabilities = ((login.capabilities & greeting.capabilities) | withDatabase) >>> 0;
    this.mariadbCapabilities = login.mariadbCapabilities & greeting.mariadbCapabilities;
    // A client of MySQL's; one of MariaDB's leaves the flag out.
    if (this.mariadbCapabilities === 0) this.capabilities |= Capability.LONG_PASSWORD;
    this.#write(frame(
      encodeHandshakeResponse({
        capabilities: this.capabilities,
        mariadbCapabilities: this.mariadbCapabilities,
        packetMax: 0x1000000,
        collation: login.collation,
        user: Buffer.from(login.user),
        authResponse: answer,
        database: Buffer.from(login.database),
        authPlugin: plugin,
        attributes: NOTHING,
        zstdLevel: 0,
      }),
      1,
    ));
    return exchange;
  }

  #exchange(password: string): ServerLogin {
    return new ServerLogin(Credential.password(password), { secureTransport: false });
  }

  async #authenticate(exchange: ServerLogin): Promise<LoginEnd> {
    for (;;) {
      const { payload, ending } = await this.#packet();
      if (payload === undefined) return { last: undefined, ending };
      const first = payload[0];
      if (first === AuthPacket.OK || first === AuthPacket.ERR) return { last: payload, ending };
      const change = first === AuthPacket.SWITCH ? decodeAuthSwitch(payload) : undefined;
      const step = change
        ? exchange.onAuthSwitch(change.plugin, change.data)
        : exchange.onMoreData(payload.subarray(1));
      if ("fail" in step) throw new Error(`Cannot log in: ${step.fail}`);
      if ("send" in step) this.#write(frame(step.send, this.#assembler!.sequence + 1));
    }
  }

  /** The next packet of a login. */
  async #packet(): Promise<{ payload: Uint8Array | undefined; ending: Ending }> {
    let payload = this.#assembler!.next();
    let ending: Ending = "whole";
    while (payload === undefined && ending === "whole") {
      ending = this.#closed ? "closed" : await this.#more();
      payload = this.#assembler!.next();
    }
    return { payload, ending };
  }

  /** COM_CHANGE_USER and its conversation; the answer is the last packet's payload. */
  async changeUser(
    account: { readonly user: string; readonly password: string },
    encode: (plugin: string, answer: Uint8Array) => Uint8Array,
  ): Promise<Answer> {
    const since = performance.now();
    this.#assembler = new PacketAssembler(PACKET_MAX);
    // Without a challenge to answer yet: the server sends one.
    this.#write(frame(encode("mysql_native_password", NOTHING), 0));
    const { last, ending } = await this.#authenticate(this.#exchange(account.password));
    this.#assembler = undefined;
    return loginAnswer({ last, ending, since });
  }

  /** Sends a command and waits for its answer. @param expect A value of `Expect`. */
  async command(payload: Uint8Array, expect: number): Promise<Answer> {
    return (await this.commands([{ payload, expect }]))[0]!;
  }

  /** Sends commands in one piece and waits for their answers. */
  async commands(requests: readonly Request[]): Promise<Answer[]> {
    const since = performance.now();
    if (!this.#closed) {
      const frames = requests.map(({ payload }) => frame(payload, 0));
      this.#write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
    }
    const answers: Answer[] = [];
    for (const [i, { expect }] of requests.entries()) {
      const isLast = i === requests.length - 1;
      answers.push(await this.#answer(expect, { since, isLast }));
    }
    return answers;
  }

  async #answer(
    expect: number,
    { since, isLast }: { readonly since: number; readonly isLast: boolean },
  ): Promise<Answer> {
    const tracker = this.#tracker!;
    tracker.begin(expect);
    const chunks: Uint8Array[] = [];
    let ending: Ending = "whole";
    while (!tracker.done && ending === "whole") {
      const chunk = this.#inbox.shift();
      if (chunk !== undefined) {
        const end = tracker.feed(chunk, 0, chunk.length);
        chunks.push(chunk.subarray(0, end));
        if (end < chunk.length) this.#inbox.unshift(chunk.subarray(end));
        if (tracker.wantsLocalFile) this.#sendFile(tracker);
      } else ending = this.#closed ? "closed" : await this.#more();
    }
    // What nobody has asked for is part of the answer too, and so is seen as a difference.
    if (isLast) chunks.push(...this.#inbox.splice(0));
    return {
      bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks),
      ending,
      status: tracker.status,
      errorCode: tracker.errorCode,
      statementId: tracker.statementId,
      milliseconds: performance.now() - since,
    };
  }

  #sendFile(tracker: ResponseTracker): void {
    const { file } = this.login;
    let sequence = tracker.sequence + 1;
    if (file.length > 0) this.#write(frame(file, sequence++));
    this.#write(frame(NOTHING, sequence));
    tracker.localFileSent();
  }

  /** Goes: says COM_QUIT and waits until the peer has closed, or just closes. */
  async leave(how: "quit" | "abort"): Promise<Ending> {
    if (this.#closed) return "closed";
    if (how === "abort") {
      this.#socket?.terminate();
      this.#end();
      return "closed";
    }
    this.#write(Uint8Array.of(1, 0, 0, 0, 1));
    let ending: Ending = "whole";
    while (ending === "whole") ending = this.#closed ? "closed" : await this.#more();
    return ending;
  }

  #write(bytes: Uint8Array): void {
    // Commands are small: the socket takes them whole, or it is closed.
    if (this.#socket.write(bytes) < bytes.length) this.leave("abort");
  }

  #take(bytes: Uint8Array): void {
    if (this.#assembler !== undefined) this.#assembler.push(bytes);
    else this.#inbox.push(bytes);
    this.#settle("whole");
  }

  #end(): void {
    this.#closed = true;
    this.#settle("closed");
  }

  /** Waits for bytes that matter, for the end of the connection, or for too long. */
  #more(): Promise<Ending> {
    this.#since = performance.now();
    waiting.add(this);
    return new Promise((resolve) => this.#wake = resolve);
  }

  #settle(ending: Ending): void {
    const wake = this.#wake;
    this.#wake = undefined;
    waiting.delete(this);
    wake?.(ending);
  }

  /** Gives up waiting if it has taken too long. */
  lookAtClock(now: number): void {
    if (now - this.#since > ANSWER_MS_MAX) this.#settle("late");
  }
}

/** How a login's conversation ended: its last payload, and in it an OK's flags or an error. */
interface LoginEnd {
  readonly last: Uint8Array | undefined;
  readonly ending: Ending;
}

function loginAnswer({ last, ending, since }: LoginEnd & { readonly since: number }): Answer {
  const refused = last?.[0] === AuthPacket.ERR;
  return {
    bytes: last ?? NOTHING,
    ending,
    // The flags of an OK packet stand behind two counts that are 0 here.
    status: refused || last === undefined ? 0 : last[3] | (last[4] << 8),
    errorCode: refused ? last[1] | (last[2] << 8) : 0,
    statementId: -1,
    milliseconds: performance.now() - since,
  };
}
