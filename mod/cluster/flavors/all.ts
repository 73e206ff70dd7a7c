// The list of flavors, and the order in which a seed is tried for them.

import { errorNumber } from "../failure.ts";
import type { Flavor, FlavorName, ProbeSession } from "../flavor.ts";
import { async } from "./async.ts";
import { aurora } from "./aurora.ts";
import { galera } from "./galera.ts";
import { group } from "./group.ts";
import { mariadb } from "./mariadb.ts";
import { polardbx } from "./polardbx.ts";
import { staticServers } from "./static.ts";
import { tidb } from "./tidb.ts";
import { wesql } from "./wesql.ts";

/** From the most particular to the one that always fits. */
const IN_ORDER: readonly Flavor[] = [
  tidb,
  aurora,
  polardbx,
  wesql,
  galera,
  group,
  mariadb,
  async,
  staticServers,
];

/** A flavor by its name. */
export function flavorNamed(name: FlavorName): Flavor {
  return IN_ORDER.find((flavor) => flavor.name === name) ?? staticServers;
}

/** What a seed was found to be. */
export interface Detected {
  readonly flavor: Flavor;
  /** What of the server's answers said so. */
  readonly reason: string;
}

/**
 * Asks one server what it is a member of.
 *
 * @throws {Error} Where the server cannot be asked.
 */
export async function detectFlavor(session: ProbeSession): Promise<Detected> {
  for (const flavor of IN_ORDER) {
    try {
      const reason = await flavor.detect(session);
      if (reason !== undefined) return { flavor, reason };
    } catch (error) {
      // An error of the server's is an answer: it does not know what this flavor would.
      if (errorNumber(error) === 0) throw error;
    }
  }
  return { flavor: staticServers, reason: "no other flavor fits" };
}
