// What servers with a built-in consensus have in common: roles, terms, commit and apply positions,
// and members under the ports of the consensus protocol instead of their own.

import type { ServerAddress } from "../../config/mod.ts";
import type { Row } from "../flavor.ts";
import type { Role, View } from "../reading.ts";
import { addressOf, hostAndPort, numeric, text } from "./answers.ts";

/** The role behind the server's word for it. */
export function consensusRole(word: string): Role {
  switch (word.toLowerCase()) {
    case "leader":
      return "primary";
    case "follower":
    case "candidate":
      return "replica";
    case "learner":
      return "learner";
    case "logger":
      return "logger";
    default:
      return "none";
  }
}

/** A server that knows a leader, or is it, is with the majority. */
export function consensusView(local: Row | undefined): View {
  const term = numeric(local, "current_term");
  const word = text(local, "role").toLowerCase();
  return {
    number: term === undefined ? [] : [term],
    quorum: word === "leader" || (word !== "candidate" && text(local, "current_leader") !== ""),
  };
}

/**
 * The server's own port less the consensus port, learned from a leader: its own member address
 * stands in CURRENT_LEADER. All members of a cluster have the same gap.
 */
export function portGap(local: Row | undefined, port: number | undefined): number | undefined {
  if (text(local, "role").toLowerCase() !== "leader" || port === undefined) return undefined;
  const leader = hostAndPort(text(local, "current_leader"));
  return leader && port - leader.port;
}

/** A member's own address, from that of the consensus protocol. */
export function memberAddress(written: string, gap: number): ServerAddress | undefined {
  const parts = hostAndPort(written);
  return parts && addressOf(parts.host, parts.port + gap);
}
