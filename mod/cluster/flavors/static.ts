// Servers as they are configured: no discovery, no positions, read_only is all that is looked at.

import type { Flavor } from "../flavor.ts";
import { isOn, text } from "./answers.ts";

const FACTS = `SELECT @@version AS version, @@hostname AS hostname, @@port AS port,
@@global.read_only AS read_only`;

/** Any server of the protocol. */
export const staticServers: Flavor = {
  name: "static",
  writers: "one",

  detect: () => Promise.resolve("nothing else fits"),

  async probe(session) {
    const [row] = await session.query(FACTS);
    const readOnly = isOn(row, "read_only");
    const place = `${text(row, "hostname")}:${text(row, "port")}`;
    return {
      identity: { id: place, place },
      version: text(row, "version"),
      readOnly,
      role: readOnly ? "replica" : "primary",
      roleWord: readOnly ? "read-only" : "writable",
      condition: { kind: "fine" },
    };
  },

  discover: () => Promise.resolve([]),
  position: () => Promise.resolve(undefined),
  waitForPosition: () => undefined,
};
