// The host part of an account: which clients it matches, and how specific it is. Semantics of
// "Specifying Account Names" and "Access Control, Stage 1" in MySQL's manual; the order was checked
// against MySQL 9.7 and MariaDB 10.11, which differ in CIDR (MySQL only) and in the order of masks.

import { isIP } from "node:net";
import type { Flavor } from "./auth_error.ts";

/**
 * Where a client comes from, as account rules see it. Over a unix socket there is no address and
 * the name is `localhost`.
 */
export interface ClientAddress {
  /** IPv4 or IPv6 address in its shortest form; absent for a unix socket. */
  readonly ip?: string;
  /** Host name, when the account rules may use one. */
  readonly name?: string;
}

/** How {@link clientAddress} finds a name. */
export interface ClientAddressOptions {
  /**
   * Whether host names count (the server's `skip_name_resolve` is off). Then the loopback
   * addresses are `localhost` without any lookup; with names off, an account at `localhost` is for
   * unix sockets only.
   */
  readonly resolvesNames: boolean;
  /** A name found for the address by reverse lookup and confirmed by a forward one. */
  readonly name?: string;
}

/** The address of a client from its socket: an IP address, or undefined for a unix socket. */
export function clientAddress(
  ip: string | undefined,
  options: ClientAddressOptions,
): ClientAddress {
  if (ip === undefined) return { name: "localhost" };
  const canonical = canonicalIp(ip) ?? ip;
  if (!options.resolvesNames) return { ip: canonical };
  if (canonical === "::1" || canonical.startsWith("127.")) {
    return { ip: canonical, name: "localhost" };
  }
  // A name such as "10.0.0.example.com" could pass for an address in a pattern: servers ignore it.
  const name = options.name;
  return name === undefined || /^\d+\./.test(name) ? { ip: canonical } : { ip: canonical, name };
}

/** How an address is shown in an error: `'u'@'h'`. */
export function shownHost(address: ClientAddress): string {
  return address.name ?? address.ip ?? "localhost";
}

/** The kinds of host parts; `address` is a literal IPv4 address. */
export type HostMaskKind = "address" | "cidr" | "netmask" | "name" | "pattern";

/** A parsed host part. */
export interface HostMask {
  /** As written in the account. */
  readonly text: string;
  readonly kind: HostMaskKind;
  /** Network bits (`address`: all ones) as an unsigned 32-bit number; 0 when there are none. */
  readonly maskBits: number;
  /** Whether a client matches. */
  matches(client: ClientAddress): boolean;
}

/** Parses a host part. Every text is one: what is no network is a name or a pattern. */
export function parseHostMask(text: string, flavor: Flavor = "mysql"): HostMask {
  const address = parseIpv4(text);
  if (address !== undefined) return network(text, "address", { base: address, bits: 0xffffffff });
  const slash = text.indexOf("/");
  const base = slash < 0 ? undefined : parseIpv4(text.slice(0, slash));
  if (base !== undefined) {
    const mask = text.slice(slash + 1);
    const netmask = parseIpv4(mask);
    if (netmask !== undefined) return network(text, "netmask", { base, bits: netmask });
    if (flavor === "mysql" && /^(?:[1-9]|[12]\d|3[0-2])$/.test(mask)) {
      const bits = (0xffffffff << (32 - Number(mask))) >>> 0;
      return network(text, "cidr", { base, bits });
    }
  }
  return named(text);
}

function network(
  text: string,
  kind: HostMaskKind,
  net: { readonly base: number; readonly bits: number },
): HostMask {
  return {
    text,
    kind,
    maskBits: net.bits,
    // A base with bits outside the mask matches nobody, and 0.0.0.0 is not taken as a network: as at the servers.
    matches(client) {
      const ip = client.ip === undefined ? undefined : parseIpv4(client.ip);
      return ip !== undefined && net.base !== 0 && ((ip & net.bits) >>> 0) === net.base;
    },
  };
}

function named(text: string): HostMask {
  // An empty host part means any host, as '%' does, but sorts behind it.
  if (text === "") return { text, kind: "pattern", maskBits: 0, matches: () => true };
  if (wildcardPosition(text) < 0) {
    const literal = (canonicalIp(text) ?? text.replace(/\\(.)/g, "$1")).toLowerCase();
    return {
      text,
      kind: "name",
      maskBits: 0,
      matches: (client) => client.name?.toLowerCase() === literal || client.ip === literal,
    };
  }
  const pattern = likePattern(text);
  return {
    text,
    kind: "pattern",
    maskBits: 0,
    matches(client) {
      return (client.name !== undefined && pattern(client.name)) ||
        (client.ip !== undefined && pattern(client.ip));
    },
  };
}

/**
 * Order of two accounts, most specific first, for sorting: negative when `a` comes first, 0 when
 * the servers leave it open.
 */
export function compareSpecificity(
  a: { readonly mask: HostMask; readonly user: string },
  b: { readonly mask: HostMask; readonly user: string },
  flavor: Flavor,
): number {
  const users = Number(a.user === "") - Number(b.user === "");
  const wildcards = wildcardRank(a.mask) - wildcardRank(b.mask);
  if (flavor === "mariadb") {
    // Networks are as specific as names there, and a netmask counts less than a user's name.
    return wildcards || singleFirst(a.mask) - singleFirst(b.mask) || users ||
      b.mask.maskBits - a.mask.maskBits;
  }
  return kindRank(a.mask) - kindRank(b.mask) || b.mask.maskBits - a.mask.maskBits || wildcards ||
    users;
}

function kindRank(mask: HostMask): number {
  switch (mask.kind) {
    case "address":
      return 0;
    case "cidr":
      return 1;
    case "netmask":
      return 2;
    case "name":
    case "pattern":
      return 3;
  }
}

/** Servers look no further than this for the first wildcard, in characters. */
const PATTERN_PREFIX_MAX = 127;

/** 0 without wildcards; then the later the first one comes the better; the empty host is last. */
function wildcardRank(mask: HostMask): number {
  if (mask.kind !== "pattern") return 0;
  if (mask.text === "") return PATTERN_PREFIX_MAX + 1;
  return PATTERN_PREFIX_MAX - Math.min(wildcardPosition(mask.text), PATTERN_PREFIX_MAX - 1);
}

function singleFirst(mask: HostMask): number {
  if (mask.kind !== "pattern" || mask.text === "") return 0;
  return mask.text[wildcardPosition(mask.text)] === "_" ? 0 : 1;
}

/** Index of the first wildcard that is not escaped, or -1. */
function wildcardPosition(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "%" || text[i] === "_") return i;
  }
  return -1;
}

/** LIKE without backtracking over more than the last `%`: linear in practice, never exponential. */
function likePattern(text: string): (value: string) => boolean {
  const tokens: string[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\" && i + 1 < text.length) tokens.push(`=${text[++i].toLowerCase()}`);
    else if (text[i] === "%" || text[i] === "_") tokens.push(text[i]);
    else tokens.push(`=${text[i].toLowerCase()}`);
  }
  return (value) => matchTokens(tokens, value.toLowerCase());
}

function matchTokens(tokens: readonly string[], value: string): boolean {
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < value.length) {
    if (tokens[token] === "%") {
      star = token++;
      starAt = at;
    } else if (tokens[token] === "_" || tokens[token] === `=${value[at]}`) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (tokens[token] === "%") token++;
  return token === tokens.length;
}

/** An IPv4 address in four decimal parts as an unsigned number, or undefined. */
function parseIpv4(text: string): number | undefined {
  if (isIP(text) !== 4) return undefined;
  return text.split(".").reduce((value, part) => (value * 256 + Number(part)) >>> 0, 0);
}

/** The shortest form of an address; IPv4 inside IPv6 becomes IPv4, as servers show it. */
function canonicalIp(text: string): string | undefined {
  const plain = text.split("%", 1)[0];
  switch (isIP(plain)) {
    case 4:
      return plain;
    case 6: {
      const short = new URL(`http://[${plain}]`).hostname.slice(1, -1);
      const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
      if (mapped === null) return short;
      const [high, low] = [Number.parseInt(mapped[1], 16), Number.parseInt(mapped[2], 16)];
      return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
    }
    default:
      return undefined;
  }
}
