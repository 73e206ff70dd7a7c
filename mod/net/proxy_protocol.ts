// The PROXY protocol: who the client really is, said in front of the connection by a load balancer.
// Source: "The PROXY protocol, versions 1 & 2" (haproxy.org).

import { isIP } from "node:net";

/** What a PROXY header says. */
export interface ProxyHeader {
  /** The header's length in bytes, to be skipped. */
  readonly length: number;
  /** The client's address; absent for LOCAL and UNKNOWN: the connection's own is meant. */
  readonly source?: { readonly address: string; readonly port: number };
}

/** Thrown where bytes are not the PROXY header that was due. */
export class ProxyHeaderError extends Error {
  override name = "ProxyHeaderError";
}

const SIGNATURE = new Uint8Array([13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]);
/** A version 1 header has at most this many bytes, CRLF included. */
const V1_LENGTH_MAX = 107;
const V2_HEAD_LENGTH = 16;

/**
 * Reads a header of version 1 or 2 at the start of a connection.
 *
 * @returns undefined while more bytes are needed.
 * @throws {ProxyHeaderError} If there is no such header.
 */
export function decodeProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  if (bytes.length === 0) return undefined;
  return bytes[0] === SIGNATURE[0] ? decodeV2(bytes) : decodeV1(bytes);
}

function decodeV1(bytes: Uint8Array): ProxyHeader | undefined {
  const text = Buffer.from(bytes.subarray(0, V1_LENGTH_MAX)).toString("latin1");
  if (!"PROXY ".startsWith(text.slice(0, 6))) {
    throw new ProxyHeaderError("Connection does not start with a PROXY header");
  }
  const end = text.indexOf("\r\n");
  if (end < 0) {
    if (text.length < V1_LENGTH_MAX) return undefined;
    throw new ProxyHeaderError("PROXY header of version 1 does not end");
  }
  const length = end + 2;
  const [, family, source, , sourcePort] = text.slice(0, end).split(" ");
  if (family === "UNKNOWN") return { length };
  const wanted = family === "TCP4" ? 4 : family === "TCP6" ? 6 : undefined;
  if (!source || isIP(source) !== wanted || !sourcePort || !isPort(sourcePort)) {
    throw new ProxyHeaderError(`PROXY header is not valid: "${text.slice(0, end)}"`);
  }
  return { length, source: { address: source, port: Number(sourcePort) } };
}

function decodeV2(bytes: Uint8Array): ProxyHeader | undefined {
  for (let i = 0; i < SIGNATURE.length && i < bytes.length; i++) {
    if (bytes[i] !== SIGNATURE[i]) {
      throw new ProxyHeaderError("Connection does not start with a PROXY header");
    }
  }
  if (bytes.length < V2_HEAD_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = V2_HEAD_LENGTH + view.getUint16(14);
  if (bytes.length < length) return undefined;
  const command = bytes[12];
  if (command >> 4 !== 2) throw new ProxyHeaderError("PROXY header has an unknown version");
  if ((command & 15) === 0) return { length };
  if ((command & 15) !== 1) throw new ProxyHeaderError("PROXY header has an unknown command");
  const family = bytes[13] >> 4;
  if (family === 1 && length >= V2_HEAD_LENGTH + 12) {
    const address = bytes.subarray(16, 20).join(".");
    return { length, source: { address, port: view.getUint16(24) } };
  }
  if (family === 2 && length >= V2_HEAD_LENGTH + 36) {
    const groups: string[] = [];
    for (let at = 16; at < 32; at += 2) groups.push(view.getUint16(at).toString(16));
    return { length, source: { address: groups.join(":"), port: view.getUint16(48) } };
  }
  return { length };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65535;
}

/** One end of a connection. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** Writes a version 2 header; a LOCAL one where the ends are not two addresses of one family. */
export function encodeProxyHeader(source: Peer, target: Peer): Uint8Array {
  const from = addressBytes(source.address);
  const to = addressBytes(target.address);
  const known = from !== undefined && to !== undefined && from.length === to.length;
  const body = known ? new Uint8Array(from.length * 2 + 4) : new Uint8Array(0);
  if (known) {
    body.set(from);
    body.set(to, from.length);
    const view = new DataView(body.buffer);
    view.setUint16(from.length * 2, source.port);
    view.setUint16(from.length * 2 + 2, target.port);
  }
  const header = new Uint8Array(V2_HEAD_LENGTH + body.length);
  header.set(SIGNATURE);
  header[12] = known ? 0x21 : 0x20;
  header[13] = !known ? 0 : from.length === 4 ? 0x11 : 0x21;
  new DataView(header.buffer).setUint16(14, body.length);
  header.set(body, V2_HEAD_LENGTH);
  return header;
}

/** The bytes of an IPv4 or IPv6 address; undefined for anything else. */
function addressBytes(address: string): Uint8Array | undefined {
  const dotted = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/i.exec(address);
  if (dotted) return Uint8Array.from(dotted.slice(1, 5), Number);
  if (!address.includes(":")) return undefined;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = tail === undefined
    ? left
    : [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  if (groups.length !== 8) return undefined;
  return Uint8Array.from(groups.flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  }));
}
