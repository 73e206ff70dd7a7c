// Prepared statements of a raw client: those of one integer parameter.

import { expect } from "bun:test";
import { Command, Expect } from "../../mod/wire/mod.ts";
import type { RawClient } from "./raw_client.ts";

/** Prepares; gives the id. */
export async function prepare(client: RawClient, sql: string): Promise<number> {
  const payload = Buffer.concat([Uint8Array.of(Command.STMT_PREPARE), Buffer.from(sql)]);
  const packets = await client.command(payload, Expect.PREPARE);
  expect(client.errorCode(packets)).toBe(0);
  return packets[0]!.payload.readUInt32LE(1);
}

/** COM_STMT_EXECUTE with one integer. */
export function execution(statement: number, value: number): Buffer {
  const payload = Buffer.alloc(18);
  payload[0] = Command.STMT_EXECUTE;
  payload.writeUInt32LE(statement, 1);
  payload.writeUInt32LE(1, 6); // iterations
  payload[11] = 1; // types follow
  payload[12] = 3; // INT
  payload.writeUInt32LE(value, 14);
  return payload;
}
