// The watch over the servers, as far as sessions have to do with it.

import type { ClusterAnswer, ClusterStatement } from "../../cluster/mod.ts";

/** Who watches the servers: in this process or in the supervisor's. */
export interface ClusterDesk {
  /** Answers a statement about the cluster. Control plane: may be a round trip between processes. */
  answer(statement: ClusterStatement): Promise<ClusterAnswer>;
  /**
   * A statement has failed with this error number, or with 0: a connection was refused or lost.
   * Called for every error: what says nothing about the servers is passed over.
   *
   * @param server The server's name.
   */
  report(server: string, code: number): void;
  /** A server owes answers, and has given nothing of any for a while. */
  reportSilence(server: string): void;
  /** A statement has defined something: a function, a view. */
  noteDefinition(): void;
}
