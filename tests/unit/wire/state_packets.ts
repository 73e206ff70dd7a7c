// Which packets of a recorded answer are OK packets with session state: found by decoding every
// packet, without a tracker.

import { Capability, decodeOk, decodeSessionState, ServerStatus } from "../../../mod/wire/mod.ts";

/** Those packets, headers included, in order. */
export function statePackets(answer: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < answer.length;) {
    const end = at + 4 + answer.readUIntLE(at, 3);
    if (tellsState(answer.subarray(at + 4, end))) found.push(answer.subarray(at, end));
    at = end;
  }
  return found;
}

/** Binary rows begin with 0 as well: only what reads as such a packet to its last byte is one. */
function tellsState(payload: Buffer): boolean {
  if ((payload[0] !== 0 && payload[0] !== 0xfe) || payload.length < 7) return false;
  try {
    const ok = decodeOk(payload, Capability.SESSION_TRACK);
    const entries = decodeSessionState(ok.sessionState);
    return (ok.status & ServerStatus.SESSION_STATE_CHANGED) !== 0 && entries.length > 0 &&
      entries.every(({ type }) => type <= 5) &&
      payload.subarray(-ok.sessionState.length).equals(ok.sessionState);
  } catch {
    return false;
  }
}
