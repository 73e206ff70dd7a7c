// What the proxy promises of loads of many clients: its pool beside direct connections and others.

import type { Limit } from "./limits.ts";

const POOL = "mysqlproxy-pool";
const POINT_64 = /^load\/point-(?:text|prepared)\/64$/;
const POINT_MANY = /^load\/point-(?:text|prepared)\/(?:256|512)$/;

function qps(
  cases: RegExp,
  to: string,
  least: number,
  more: Partial<Limit> = {},
): Limit {
  return { cases, contender: POOL, words: `QPS, × ${to}`, figure: "qps", to, least, ...more };
}

/** Limits of the parts `load` and `split`. */
export const LOAD_LIMITS: readonly Limit[] = [
  qps(POINT_64, "direct", 0.95, { servers: ["mariadb"] }),
  qps(POINT_64, "direct", 0.75, { servers: ["mysql"] }),
  qps(POINT_64, "haproxy", 1.5),
  qps(POINT_64, "router-shared", 2.7),
  qps(POINT_MANY, "direct", 1.2, { servers: ["mariadb"] }),
  qps(POINT_MANY, "direct", 0.9, { servers: ["mysql"] }),
  qps(POINT_MANY, "haproxy", 1.4, { servers: ["mysql"] }),
  qps(/^load\/read-write-prepared\/64$/, "haproxy", 1),
  qps(/^load\/read-write-prepared\/64$/, "router-shared", 1.2),
  qps(/^load\/10m-/, "direct", 0.85),
  qps(/^split-limited\//, "direct", 1.1, { contender: "split-session" }),
  qps(/^split\//, "split-eventual", 0.97, { contender: "split-session" }),
  qps(/^split\//, "split-eventual", 0.97, { contender: "split-global" }),
  {
    cases: /^idle-neighbours\//,
    contender: POOL,
    words: "QPS, × without idle clients",
    figure: "share",
    least: 0.9,
  },
  {
    cases: /^large-neighbour\//,
    contender: POOL,
    // The machine is shared by all: what is left beside direct's own rise is the proxy's.
    words: "rise of p99 beside large results, × direct's",
    figure: "share",
    to: "direct",
    most: 1.2,
  },
  {
    cases: /^load\/point-(?:text|prepared)\/16$/,
    contender: POOL,
    words: "CPU per query, × haproxy",
    figure: "cpuMicros",
    to: "haproxy",
    most: 0.8,
  },
  {
    cases: /^load\/point-(?:text|prepared)\/1$/,
    contender: POOL,
    words: "added p50, × haproxy's",
    figure: "p50Ms",
    to: "haproxy",
    addedTo: "direct",
    most: 1.1,
  },
  {
    cases: /^load\/point-text-tls\/64$/,
    contender: POOL,
    words: "CPU per query with TLS, × without",
    figure: "cpuMicros",
    toCase: (id) => id.replace("-tls", ""),
    most: 1.5,
  },
];
