// Networks in CIDR notation, as lists of trusted addresses use them.

import { isIPv4, isIPv6 } from "node:net";

/** All addresses that share the first `prefixLength` bits with `address`. */
export interface Network {
  readonly family: "ipv4" | "ipv6";
  /** An IP address without brackets. */
  readonly address: string;
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefixLength: number;
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8`, or a single address.
 *
 * @throws {SyntaxError} If the text is none of these.
 */
export function parseNetwork(text: string): Network {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
  if (family === undefined) throw new SyntaxError("must be a network such as 10.0.0.0/8");
  const bits = family === "ipv4" ? 32 : 128;
  if (slash < 0) return { family, address, prefixLength: bits };
  const prefix = text.slice(slash + 1);
  const prefixLength = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  if (prefixLength > bits) throw new SyntaxError(`a prefix length is a number from 0 to ${bits}`);
  return { family, address, prefixLength };
}

/** Writes a network in CIDR notation. */
export function formatNetwork(network: Network): string {
  return `${network.address}/${network.prefixLength}`;
}
