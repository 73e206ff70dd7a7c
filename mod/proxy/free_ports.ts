// Whether ports can be had at all: with SO_REUSEPORT a second proxy could take one unnoticed.

import type { ListenAddress } from "../config/mod.ts";
import { listen } from "../net/mod.ts";
import { LISTEN_STATUS, StartError } from "./start_error.ts";

/**
 * Tries each address alone.
 *
 * @throws {StartError} If one is in use.
 */
export async function checkPortsAreFree(addresses: readonly ListenAddress[]): Promise<void> {
  for (const address of addresses) {
    if (address.kind === "unix" || address.port === 0) continue;
    try {
      const listener = await listen(address, { accept: (stream) => stream.destroy() });
      listener.close();
    } catch (error) {
      throw new StartError((error as Error).message, LISTEN_STATUS);
    }
  }
}
