// Real clusters for tests elsewhere.

export * from "./clusters.ts";
export { ClusterNode } from "./node.ts";
export { until } from "./watching.ts";
