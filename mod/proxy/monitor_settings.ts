// What the configuration says of watching servers. Apart from the watch, which not every proxy loads.

import type { MonitorSettings } from "../cluster/mod.ts";
import { type Config, formatAddress } from "../config/mod.ts";

/** What the configuration says to a monitor. */
export function monitorSettings({ monitor, cluster, servers }: Config): MonitorSettings {
  return {
    ...monitor,
    ...cluster,
    servers: servers.map(({ address, weight, tags }) => ({
      name: formatAddress(address),
      weight,
      tags,
    })),
  };
}
