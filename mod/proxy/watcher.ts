// Who watches the servers, as the data plane sees it.

import type { ClusterAnswer, ClusterStatement, TroubleReport } from "../cluster/mod.ts";

/** In this process, or in the supervisor's. */
export interface Watcher {
  /** Answers a statement about the servers. */
  answer(statement: ClusterStatement): ClusterAnswer | Promise<ClusterAnswer>;
  /** Takes what sessions have seen of a server. */
  report(report: TroubleReport): void;
  /** A session has defined something: a function, a view. */
  noteDefinition(): void;
}
