// What an execution of a prepared statement gives it, for the audit log.

import {
  type BinaryValue,
  Command,
  HEADER_LENGTH,
  MalformedPacketError,
  PacketReader,
  readBinaryValue,
} from "../../wire/mod.ts";
import { type SessionStatement, typesPlace } from "./session_statement.ts";

const UNSIGNED = 0x80;

/**
 * The values, in order.
 *
 * @param packet A COM_STMT_EXECUTE with its header, as the client has sent it.
 * @returns undefined where there are none, or they are not in this packet alone.
 */
export function parametersOf(
  packet: Buffer,
  statement: SessionStatement,
  hasAttributes: boolean,
): readonly BinaryValue[] | undefined {
  if (statement.parameters === 0 || packet[HEADER_LENGTH] !== Command.STMT_EXECUTE) {
    return undefined;
  }
  try {
    return readParameters(packet, statement, hasAttributes);
  } catch (error) {
    if (error instanceof MalformedPacketError) return undefined; // the server has judged it
    throw error;
  }
}

function readParameters(
  packet: Buffer,
  statement: SessionStatement,
  hasAttributes: boolean,
): readonly BinaryValue[] | undefined {
  const place = typesPlace(packet, statement, hasAttributes);
  if (place === undefined) return undefined;
  const given = packet.subarray(place.start, place.end);
  const bytes = given.length > 0 ? given : statement.types;
  if (bytes === undefined) return undefined;
  const types = new PacketReader(bytes, 0);
  const nullsAt = place.flagAt - ((place.count + 7) >> 3);
  const reader = new PacketReader(packet, place.end);
  const values: BinaryValue[] = [];
  for (let i = 0; i < place.count; i++) {
    const type = types.u8();
    const isUnsigned = (types.u8() & UNSIGNED) !== 0;
    if (place.isNamed) types.lenencView();
    const isNull = (packet[nullsAt + (i >> 3)] & (1 << (i & 7))) !== 0;
    values.push(isNull ? null : readBinaryValue(reader, type, isUnsigned));
  }
  // What came as long data is not here.
  return reader.remaining === 0 ? values.slice(0, statement.parameters) : undefined;
}
