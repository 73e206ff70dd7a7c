// The parameters of statements, and their bytes in both protocols.

import { Command, HEADER_LENGTH, writeHeader } from "../../mod/wire/mod.ts";
import { TABLES } from "../database.ts";
import { type Parameter, RANGE, type Statement } from "./work.ts";

const TYPE_LONG = 0x03;
const TYPE_STRING = 0xfe;
const LONG_BYTES = 4;
/** The lengths of sysbench's columns c and pad. */
const TEXT_BYTES = { c: 119, pad: 59 } as const;

/** Values of one run of a unit: one id for all of its writes is what DELETE and INSERT need. */
export class Values {
  /** The row that the writes are about. */
  own = 0;
  #id = 0;

  /** A new run of the unit begins. */
  renew(): void {
    this.own = randomId();
  }

  /** A whole number for a parameter. */
  number(parameter: Parameter, isWrite: boolean): number {
    switch (parameter) {
      case "range-end":
        return this.#id + RANGE - 1;
      case "k":
        return randomId();
      default:
        return this.#id = isWrite ? this.own : randomId();
    }
  }
}

/** A COM_QUERY packet of the statement with its values put in. */
export function queryPacket(statement: Statement, values: Values): Uint8Array {
  const isWrite = !statement.text.startsWith("SELECT");
  let text = "";
  let from = 0;
  for (const parameter of statement.parameters) {
    const at = statement.text.indexOf("?", from);
    text += statement.text.slice(from, at);
    text += isText(parameter)
      ? `'${randomText(TEXT_BYTES[parameter])}'`
      : values.number(parameter, isWrite);
    from = at + 1;
  }
  text += statement.text.slice(from);
  const packet = Buffer.allocUnsafe(HEADER_LENGTH + 1 + text.length);
  writeHeader(packet, 0, { length: 1 + text.length, sequence: 0 });
  packet[HEADER_LENGTH] = Command.QUERY;
  packet.write(text, HEADER_LENGTH + 1, "latin1");
  return packet;
}

/** A COM_STMT_EXECUTE packet, made once and filled in each time. */
export class ExecutePacket {
  readonly #packet: Buffer;
  readonly #valuesAt: number;
  readonly #statement: Statement;
  readonly #isWrite: boolean;

  /** @param id The server's id of the prepared statement. */
  constructor(statement: Statement, id: number) {
    this.#statement = statement;
    this.#isWrite = !statement.text.startsWith("SELECT");
    const { parameters } = statement;
    const types = parameters.map((each) => isText(each) ? TYPE_STRING : TYPE_LONG);
    const head = parameters.length === 0 ? [] : [
      ...new Uint8Array((parameters.length + 7) >> 3), // none is NULL
      1, // types follow
      ...types.flatMap((type) => [type, 0]),
    ];
    const valueBytes = parameters.map((each) => isText(each) ? 1 + TEXT_BYTES[each] : LONG_BYTES);
    const body = 10 + head.length;
    const length = body + valueBytes.reduce((sum, each) => sum + each, 0);
    this.#packet = Buffer.alloc(HEADER_LENGTH + length);
    writeHeader(this.#packet, 0, { length, sequence: 0 });
    this.#packet[HEADER_LENGTH] = Command.STMT_EXECUTE;
    this.#packet.writeUInt32LE(id, HEADER_LENGTH + 1);
    this.#packet.writeUInt32LE(1, HEADER_LENGTH + 6); // iterations, behind the flags
    this.#packet.set(head, HEADER_LENGTH + 10);
    this.#valuesAt = HEADER_LENGTH + body;
  }

  /** The packet with new values; the same bytes are used again by the next call. */
  fill(values: Values): Uint8Array {
    let at = this.#valuesAt;
    for (const parameter of this.#statement.parameters) {
      if (isText(parameter)) {
        const length = TEXT_BYTES[parameter];
        this.#packet[at] = length;
        this.#packet.write(randomText(length), at + 1, "latin1");
        at += 1 + length;
      } else {
        this.#packet.writeInt32LE(values.number(parameter, this.#isWrite), at);
        at += LONG_BYTES;
      }
    }
    return this.#packet;
  }
}

function isText(parameter: Parameter): parameter is "c" | "pad" {
  return parameter === "c" || parameter === "pad";
}

function randomId(): number {
  return 1 + Math.floor(Math.random() * TABLES.rows);
}

/** Groups of digits as sysbench has them. */
function randomText(length: number): string {
  let text = "";
  while (text.length < length) text += `${Math.floor(Math.random() * 1e11)}-`;
  return text.slice(0, length);
}
