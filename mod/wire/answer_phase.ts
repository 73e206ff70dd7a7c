// The places in an answer where a follower of it can stand, and what can come there.

import { Expect } from "./commands.ts";

/** Where in an answer the tracker stands. */
export const Phase = {
  /** Nothing is expected, or the answer is complete. */
  IDLE: 0,
  /** The first packet of an answer or of a further result. */
  HEAD: 1,
  COLUMNS: 2,
  /** The EOF packet behind the columns, for peers without DEPRECATE_EOF. */
  COLUMNS_END: 3,
  ROWS: 4,
  /** Definitions after COM_STMT_PREPARE's OK. */
  PREPARED_COLUMNS: 5,
  PREPARED_COLUMNS_END: 6,
  /** The EOF packets of definitions that were left out. */
  PREPARED_EOFS: 13,
  FIELDS: 7,
  ONE_OK: 8,
  ONE_TEXT: 9,
  PREPARE_HEAD: 10,
  STREAM: 11,
  /** The client's turn: the content of a local file. */
  LOCAL_FILE: 12,
} as const;

const FIRST_PHASE = new Uint8Array(256).fill(Phase.IDLE);
for (
  const [expect, phase] of [
    [Expect.OK, Phase.ONE_OK],
    [Expect.RESULT, Phase.HEAD],
    [Expect.PREPARE, Phase.PREPARE_HEAD],
    [Expect.ROWS, Phase.ROWS],
    [Expect.FIELDS, Phase.FIELDS],
    [Expect.TEXT, Phase.ONE_TEXT],
    [Expect.STREAM, Phase.STREAM],
  ] as const
) FIRST_PHASE[expect] = phase;

/** Where an answer begins; one array read. @param expect A value of `Expect`. */
export function firstPhase(expect: number): number {
  return FIRST_PHASE[expect];
}

/** Whether a packet can be judged by its header alone, because definitions are only counted. */
export function isDefinition(phase: number): boolean {
  return phase === Phase.COLUMNS || phase === Phase.PREPARED_COLUMNS;
}

/** Whether a packet of an EOF packet's form is one here. */
export function isEofPlace(phase: number): boolean {
  switch (phase) {
    case Phase.HEAD:
    case Phase.COLUMNS_END:
    case Phase.ROWS:
    case Phase.FIELDS:
    case Phase.ONE_OK:
    case Phase.PREPARED_COLUMNS_END:
    case Phase.PREPARED_EOFS:
      return true;
    default:
      return false;
  }
}

/** Whether a packet is an OK packet, by its first byte; EOF packets, which are shorter, aside. */
export function isOkHeader(phase: number, first: number, deprecateEof: boolean): boolean {
  switch (phase) {
    case Phase.HEAD:
    case Phase.LOCAL_FILE: // the server may give up before the file is sent
      return first === 0x00;
    case Phase.ROWS:
    case Phase.FIELDS:
      return first === 0xfe && deprecateEof;
    case Phase.ONE_OK:
      return first === 0x00 || first === 0xfe;
    default:
      return false;
  }
}
