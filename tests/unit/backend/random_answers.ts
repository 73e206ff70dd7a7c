// Answers made at random: OK packets of all forms, with and without session state, among rows.

import {
  Capability,
  encodeErr,
  encodeSessionState,
  Expect,
  frame,
  HEADER_LENGTH,
  PacketWriter,
  ServerStatus,
} from "../../../mod/wire/mod.ts";
import type { Random } from "../../fuzz/random.ts";
import type { AnswerEvent } from "./answer_log.ts";

/** An answer and what a sink must be told of it where the tracker stops at session state. */
export interface RandomAnswer {
  readonly expect: number;
  readonly bytes: Buffer;
  readonly events: readonly AnswerEvent[];
  /** Of the last result. */
  readonly rows: number;
  readonly warnings: number;
}

const SHAPES = [Expect.OK, Expect.RESULT, Expect.RESULT, Expect.RESULT, Expect.ROWS, Expect.FIELDS];

/** Makes one for a connection with SESSION_TRACK and these flags. */
export function randomAnswer(random: Random, capabilities: number): RandomAnswer {
  return new AnswerMaker(random, (capabilities & Capability.DEPRECATE_EOF) !== 0).make();
}

class AnswerMaker {
  readonly #random: Random;
  readonly #deprecateEof: boolean;
  readonly #packets: Uint8Array[] = [];
  readonly #events: AnswerEvent[] = [];
  #sequence = 1;
  #rows = 0;
  #warnings = 0;

  constructor(random: Random, deprecateEof: boolean) {
    this.#random = random;
    this.#deprecateEof = deprecateEof;
  }

  make(): RandomAnswer {
    const expect = this.#random.pick(SHAPES);
    if (expect === Expect.OK) this.#ok(this.#random.pick([0x00, 0xfe]), 0);
    else if (expect === Expect.FIELDS) this.#packetsThenEnd(() => columnDefinition(this.#random));
    else if (expect === Expect.ROWS) this.#rowsThenEnd(0);
    else this.#results();
    this.#events.push("end");
    return {
      expect,
      bytes: Buffer.concat(this.#packets),
      events: this.#events,
      rows: this.#rows,
      warnings: this.#warnings,
    };
  }

  #results(): void {
    for (let more = this.#random.below(4); more >= 0; more--) {
      const status = more > 0 ? ServerStatus.MORE_RESULTS_EXISTS : 0;
      if (this.#random.oneIn(12)) {
        this.#pass(encodeErr({ code: 1064, sqlState: "42000", message: "no" }));
        return;
      }
      if (this.#random.oneIn(2)) this.#ok(0x00, status);
      else {
        const columns = 1 + this.#random.below(3);
        this.#pass(Uint8Array.of(columns));
        for (let i = 0; i < columns; i++) this.#pass(columnDefinition(this.#random));
        if (!this.#deprecateEof) this.#eof(0);
        this.#rows = 0;
        this.#rowsThenEnd(status);
      }
    }
  }

  #rowsThenEnd(status: number): void {
    const rows = this.#random.pick([0, 1, 3, 40]);
    for (let i = 0; i < rows; i++) {
      // 0 and 0xfb as first bytes: a binary row, a NULL in a text row.
      const payload = new Uint8Array(1 + this.#random.below(this.#random.pick([3, 60, 3000])))
        .fill(0xfe);
      payload[0] = this.#random.pick([0, 1, 0xfb, 0xfd]);
      this.#pass(payload);
    }
    this.#rows = rows;
    this.#end(status);
  }

  #packetsThenEnd(payload: () => Uint8Array): void {
    for (let i = this.#random.below(3); i > 0; i--) this.#pass(payload());
    this.#end(0);
  }

  #end(status: number): void {
    if (this.#deprecateEof) this.#ok(0xfe, status);
    else this.#eof(status);
  }

  #eof(more: number): void {
    const random = this.#random;
    this.#warnings = random.below(300);
    const flag = random.oneIn(3) ? ServerStatus.SESSION_STATE_CHANGED : 0;
    const status = flag | more | ServerStatus.AUTOCOMMIT;
    const payload = new PacketWriter(5).u8(0xfe).u16(this.#warnings).u16(status).done();
    if (flag) this.#stop(payload);
    else this.#pass(payload);
  }

  #ok(header: number, more: number): void {
    const random = this.#random;
    const number = () => random.pick([0, 1, 250, 300, 70_000, 2 ** 24, 2 ** 40]);
    const length = () => random.oneIn(40) ? 70_000 : random.pick([0, 0, 1, 40, 250, 251, 300]);
    const text = () => new Uint8Array(length()).fill(0xfe);
    const changed = random.oneIn(2);
    const flag = changed ? ServerStatus.SESSION_STATE_CHANGED : 0;
    this.#warnings = random.below(300);
    const writer = new PacketWriter()
      .u8(header)
      .lenenc(number())
      .lenenc(number())
      .u16(flag | more | ServerStatus.AUTOCOMMIT)
      .u16(this.#warnings);
    const info = text();
    if (info.length > 0 || changed) writer.lenencBytes(info);
    if (changed) writer.lenencBytes(encodeSessionState([{ type: 0, data: text() }]));
    if (changed) this.#stop(writer.done());
    else this.#pass(writer.done());
  }

  #pass(payload: Uint8Array): void {
    const packet = this.#packet(payload);
    const last = this.#events.at(-1);
    if (last?.startsWith("bytes ")) {
      this.#events[this.#events.length - 1] = `${last}${packet}` as AnswerEvent;
    } else this.#events.push(`bytes ${packet}`);
  }

  #stop(payload: Uint8Array): void {
    this.#events.push(`ok ${this.#packet(payload)}`);
  }

  #packet(payload: Uint8Array): string {
    const packet = frame(payload, this.#sequence++ & 0xff);
    this.#packets.push(packet);
    return Buffer.from(packet).toString("hex");
  }
}

/** Any packet can stand for a definition, even one that looks like an OK packet with state. */
function columnDefinition(random: Random): Uint8Array {
  const payload = new Uint8Array(HEADER_LENGTH + random.below(60)).fill(0x40);
  payload.set([3, 0x64, 0x65, 0x66]);
  return payload;
}
