// Starts a cluster for a load.

import { SimulatedSite } from "./simulated_site.ts";
import { GroupSite, ReplicaSite, type Site } from "./site.ts";

/** The kinds of cluster: three of real servers, and one that can only be simulated. */
export const CLUSTERS = ["async", "group", "mariadb", "polardbx"] as const;
export type ClusterKind = (typeof CLUSTERS)[number];

/** A cluster of three with the tables of the load. */
export async function startSite(kind: ClusterKind): Promise<Site> {
  const site = await start(kind);
  await site.prepare();
  return site;
}

function start(kind: ClusterKind): Promise<Site> {
  switch (kind) {
    case "async":
      return ReplicaSite.start("mysql");
    case "mariadb":
      return ReplicaSite.start("mariadb");
    case "group":
      return GroupSite.start();
    case "polardbx":
      return SimulatedSite.start();
  }
}
