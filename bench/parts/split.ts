// A primary and two replicas: point selects on all three through the proxy at each level of
// consistency, beside all of them straight to the primary.

import { startClusterDatabase } from "../cluster.ts";
import { canLimitCpu, CpuLimit } from "../cpu_limit.ts";
import type { Case, Part, Scale } from "../part.ts";
import { loadPart, measureLoad } from "./load.ts";

const CLIENTS = 64;
/** Of a core, for each server of the case in which they are what limits. */
const SERVER_SHARE = 0.2;

/** Point select on the whole machine, and with servers that have a share of a core each. */
export function splitPart(scale: Scale): Part {
  const load = { work: "point", prepared: false, tls: false, clients: CLIENTS };
  const title = `1 + 2 servers, point select, text, ${CLIENTS} clients`;
  const whole: Case = {
    id: `split/point-text/${CLIENTS}`,
    title,
    measure: measureLoad(load, scale),
  };
  const measure = measureLoad(load, scale);
  const limited: Case = {
    id: `split-limited/point-text/${CLIENTS}`,
    title: `${title}, each server with ${SERVER_SHARE} of a core`,
    async measure(target, database) {
      using _limit = new CpuLimit(database.pids, SERVER_SHARE);
      return await measure(target, database);
    },
  };
  return {
    ...loadPart(scale),
    name: "split",
    cases: !scale.quick && canLimitCpu() ? [whole, limited] : [whole],
    contenders: ["direct", "mysqlproxy-pool", "split-eventual", "split-session", "split-global"],
    open: startClusterDatabase,
  };
}
