// Prepared statements of a server of the proxy's own: the answer to COM_STMT_PREPARE, and what
// COM_STMT_EXECUTE gives as values.
// Source: "COM_STMT_PREPARE Response" and "COM_STMT_EXECUTE" of the protocol pages.

import { readBinaryValue } from "./binary_value.ts";
import { MalformedPacketError, PacketReader, PacketWriter } from "./bytes.ts";
import { Capability, ServerStatus } from "./capabilities.ts";
import { frame } from "./frame.ts";
import { encodeEof } from "./ok.ts";
import { encodeColumn } from "./text_result.ts";

/** The value of a parameter. */
export type ParameterValue = string | number | bigint | null;

/** The types of parameters, as a client has given them: two bytes each. */
export type ParameterTypes = readonly (readonly [type: number, unsigned: boolean])[];

/**
 * Encodes that a statement is prepared. Its columns are not told: as of SHOW they come with the rows.
 *
 * @param parameters How many it has.
 */
export function encodePrepared(
  id: number,
  parameters: number,
  { capabilities }: { readonly capabilities: number },
): Uint8Array {
  const head = new PacketWriter().u8(0).u32(id).u16(0).u16(parameters).u8(0).u16(0).done();
  const payloads = [head];
  for (let at = 0; at < parameters; at++) payloads.push(encodeColumn("?", "text", false));
  if (parameters > 0 && (capabilities & Capability.DEPRECATE_EOF) === 0) {
    payloads.push(encodeEof({ status: ServerStatus.AUTOCOMMIT, warnings: 0 }));
  }
  return Buffer.concat(payloads.map((payload, index) => frame(payload, (index + 1) & 0xff)));
}

/**
 * Reads the values of an execution.
 *
 * @param payload The command's payload.
 * @param known.types Those of the execution before, if there was one.
 * @param known.long Values that were sent ahead, by the number of their parameter.
 * @throws {MalformedPacketError} If they cannot be read.
 */
export function decodeExecution(payload: Uint8Array, known: {
  readonly parameters: number;
  readonly types: ParameterTypes;
  readonly long: ReadonlyMap<number, Uint8Array>;
}): { readonly values: readonly ParameterValue[]; readonly types: ParameterTypes } {
  const { parameters, long } = known;
  if (parameters === 0) return { values: [], types: [] };
  const reader = new PacketReader(payload);
  reader.skip(1 + 4 + 1 + 4); // command, statement, cursor type, iterations
  const nulls = reader.view((parameters + 7) >> 3);
  const isBound = reader.u8() === 1;
  const types = isBound
    ? Array.from({ length: parameters }, () => {
      const type = reader.u8();
      return [type, (reader.u8() & UNSIGNED) !== 0] as const;
    })
    : known.types;
  if (types.length < parameters) throw new MalformedPacketError("no types of parameters");
  const values = Array.from({ length: parameters }, (_, at) => {
    const sent = long.get(at);
    if (sent !== undefined) return utf8.decode(sent);
    if ((nulls[at >> 3] & (1 << (at & 7))) !== 0) return null;
    const value = readBinaryValue(reader, ...types[at]);
    return value instanceof Uint8Array ? utf8.decode(value) : value;
  });
  return { values, types };
}

const UNSIGNED = 0x80;
const utf8 = new TextDecoder();
