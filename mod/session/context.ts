// What all sessions of a worker share.

import type { BlockList } from "node:net";
import type { TLSOptions } from "bun";
import type { CredentialStore, FailureThrottle, RsaKey } from "../auth/mod.ts";
import type { PoolTables, Server, ServerList } from "../backend/mod.ts";
import type { Config } from "../config/mod.ts";
import type {
  AuditLog,
  Counters,
  DigestNames,
  Log,
  LoopLag,
  SlowLog,
  StatementMetrics,
} from "../observe/mod.ts";
import type { AuditChoice } from "./observing/audit_choice.ts";
import type { ClusterDesk } from "./routing/cluster_desk.ts";
import type { Directory } from "./observing/directory.ts";
import type { FailoverGate } from "./failover/failover_gate.ts";
import type { Peers } from "./observing/peers.ts";
import type { Routing } from "./routing/routing.ts";
import type { UserCounts } from "./login/user_counts.ts";

/** The worker's side of a session: settings, servers, counters. */
export interface SessionContext {
  /** Replaced as a whole when a new one is applied. */
  config: Config;
  readonly log: Log;
  readonly counters: Counters;
  /** What is measured of statements. */
  readonly metrics: StatementMetrics;
  /** The audit log and the slow log; undefined where they are off. */
  audit: AuditLog | undefined;
  slowLog: SlowLog | undefined;
  /** What rules say of the audit log; undefined where none says anything. */
  auditChoice: AuditChoice | undefined;
  /** How servers call digests: for the audit log. */
  readonly digestNames: DigestNames;
  /** How late the janitor comes: so late comes everything. */
  readonly loopLag: LoopLag;
  readonly directory: Directory;
  /** The other workers; `NO_PEERS` where there are none. */
  peers: Peers;
  /** The server that takes writes, and that new sessions go to. Another one after a failover. */
  server: Server;
  /** Until it is known which server that is: logins wait for it. */
  settled: PromiseWithResolvers<void> | undefined;
  /** Shut while no server takes writes. */
  readonly gate: FailoverGate;
  /** All servers that sessions may be on. */
  readonly servers: ServerList;
  /** What shared pools of all servers have in common. */
  readonly tables: PoolTables;
  /** Who decides about logins, and what is known for it. */
  readonly credentials: CredentialStore;
  /** The proxy's key for clients that encrypt their password. */
  readonly rsaKey: RsaKey;
  /** Failed logins by address. */
  readonly throttle: FailureThrottle;
  /**
   * A statement that changes accounts has succeeded: resolves when the change is known. Undefined
   * where nobody wants to know.
   */
  onAccountsChanged: (() => Promise<void>) | undefined;
  /** Sessions logged in, by account name. */
  readonly usersConnected: UserCounts;
  /** Networks whose connections start with a PROXY header; undefined: none. */
  trustedProxies: BlockList | undefined;
  /** TLS towards clients as it is now; undefined where it is off. Replaced on reload. */
  clientTls: TLSOptions | undefined;
  /** SHA-256 of the certificate in `clientTls`, if no authority has signed it. */
  certificateFingerprint: Uint8Array | undefined;
  /** What routes statements; undefined where that was never wanted. */
  routing: Routing | undefined;
  /** Who watches the servers; undefined: nobody, or not yet. */
  cluster: ClusterDesk | undefined;
  /** A cached clock, in milliseconds; moved on by the janitor. */
  now: number;
}
