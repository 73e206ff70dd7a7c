// The configuration as the rest of the proxy sees it: one immutable value, fields in camelCase
// with their unit in the name. The TOML keys behind them are in schema.ts.

import type { ListenAddress, ServerAddress } from "./address.ts";
import type { AuditSettings, Log, SlowLogSettings } from "./logs.ts";
import type { Network } from "./network.ts";

/** The whole configuration. A reload makes a new value with the next revision, never a change. */
export interface Config {
  /** Counts up with every value that was put in force; the first is 1. */
  readonly revision: number;
  /** Where clients are accepted; at least one. */
  readonly listen: readonly ListenAddress[];
  /** Worker processes, 1 to 256; 0 means one per processor core. */
  readonly workers: number;
  /** Whether the file is applied whenever it changes. */
  readonly watch: boolean;
  /** The servers behind the proxy; at least one. */
  readonly backends: readonly ServerAddress[];
  /** Where changes by SQL are written. */
  readonly config: ConfigFiles;
  /** The proxy's own account on the servers; absent when none was given. */
  readonly account?: Account;
  /** TLS towards clients. */
  readonly clientTls: ClientTls;
  /** TLS towards servers. */
  readonly backendTls: BackendTls;
  /** Protocol compression on each leg. */
  readonly compression: Compression;
  /** How clients prove who they are, and what happens to those who cannot. */
  readonly auth: Auth;
  /** Accounts known from the configuration file; used by the "static" mode. */
  readonly users: readonly UserAccount[];
  /** Ceilings on what clients may take. */
  readonly limits: Limits;
  /** Server connections kept for reuse. */
  readonly pool: Pool;
  /** How servers are watched. */
  readonly monitor: Monitor;
  /** What is made of what servers say. */
  readonly cluster: Cluster;
  /** What is special about single servers; not the list of servers. */
  readonly servers: readonly ServerConfig[];
  /** Where statements go. */
  readonly route: Route;
  /** Where some of them go; the first that fits counts. */
  readonly rules: readonly Rule[];
  /** What happens while no server takes writes. */
  readonly failover: FailoverConfig;
  /** How the proxy ends. */
  readonly drain: Drain;
  /** The PROXY protocol in front of and behind the proxy. */
  readonly proxyProtocol: ProxyProtocol;
  /** Options of every TCP socket, on both legs. */
  readonly tcp: Tcp;
  /** What is written to standard error. */
  readonly log: Log;
  /** The admin port; absent fields mean it is off. */
  readonly admin: AdminEndpoint;
  /** What is measured of statements. */
  readonly metrics: Metrics;
  /** The audit log. */
  readonly audit: AuditSettings;
  /** The slow log. */
  readonly slowLog: SlowLogSettings;
  /** The HTTP port for metrics and health; absent fields mean it is off. */
  readonly http: HttpEndpoint;
}

/** What happens while no server takes writes. */
export interface FailoverConfig {
  /** How long a statement waits, in milliseconds. */
  readonly maxWaitMs: number;
  /** Statements that wait at the same time, of each worker. */
  readonly maxParked: number;
  /** Bytes of these. */
  readonly parkedBytesMaxBytes: number;
  /** Transactions that are lost with their server are run again. */
  readonly replay: boolean;
  /** Bounds of one that is: statements, bytes of these and of their answers, and its age. */
  readonly replayStatementsMax: number;
  readonly replayBytesMaxBytes: number;
  readonly replayTimeMaxMs: number;
  /** Bytes of statements kept for that, of each worker. */
  readonly replayMemoryMaxBytes: number;
  /** The table in which transactions leave marks, `schema.table`; empty: none do. */
  readonly commitMarks: string;
  /** How long a switchover waits for open transactions, in milliseconds. */
  readonly drainMs: number;
  /** With what the old primary replicates after a switchover; empty: as others do. */
  readonly replicationUser: string;
  readonly replicationPassword: string;
}

/** How the proxy ends. */
export interface Drain {
  /** How long statements and transactions may go on after the first signal, in milliseconds. */
  readonly timeoutMs: number;
  /** How long clients may stay after another proxy has taken over, in milliseconds. */
  readonly takeoverTimeoutMs: number;
}

/** A name and password with which the proxy itself logs in to servers. */
export interface Account {
  /** Account name, never empty. */
  readonly user: string;
  /** Password, possibly empty; never to be printed. */
  readonly password: string;
}

/** `disabled`: never; `preferred`: if the client asks; `required`: plain clients are refused. */
export type ClientTlsMode = "disabled" | "preferred" | "required";

/** TLS towards clients. */
export interface ClientTls {
  /** Whether TLS is offered or demanded. */
  readonly mode: ClientTlsMode;
  /** PEM certificate chain; empty for one the proxy makes itself. */
  readonly certPath: string;
  /** PEM private key of `certPath`; empty exactly when that is. */
  readonly keyPath: string;
  /** PEM authorities for client certificates; empty when none are checked. */
  readonly caPath: string;
  /** The oldest TLS version accepted. */
  readonly minVersion: "1.2" | "1.3";
}

/** As the `--ssl-mode` of MySQL's own clients; from `required` on there is no fall-back to plain. */
export type BackendTlsMode =
  | "disabled"
  | "preferred"
  | "required"
  | "verify-ca"
  | "verify-identity";

/** TLS towards servers. */
export interface BackendTls {
  /** Whether TLS is used and what of the server's certificate is checked. */
  readonly mode: BackendTlsMode;
  /** PEM authorities that sign server certificates; empty for the built-in list. */
  readonly caPath: string;
  /** PEM client certificate shown to servers; empty for none. */
  readonly certPath: string;
  /** PEM private key of `certPath`; empty exactly when that is. */
  readonly keyPath: string;
}

/** The two compression methods of the MySQL protocol. */
export type CompressionMethod = "zlib" | "zstd";

/** Protocol compression on each leg. */
export interface Compression {
  /** Methods offered to clients, best first; empty for none. */
  readonly clients: readonly CompressionMethod[];
  /** Method asked of servers. */
  readonly backend: "off" | CompressionMethod;
  /** Level of zstd, 1 to 22. */
  readonly zstdLevel: number;
}

/** `auto` picks one of the others from what else is configured. */
export type AuthMode = "auto" | "relay" | "synced" | "learned" | "static";

/** How clients are authenticated. */
export interface Auth {
  /** Who decides about a login. */
  readonly mode: AuthMode;
  /** Time between two readings of the servers' accounts, in milliseconds. */
  readonly syncIntervalMs: number;
  /** How long a learned password is kept, in milliseconds. */
  readonly learnedTtlMs: number;
  /** Failed logins of one address within the window before it is refused; 0 for no limit. */
  readonly failuresMax: number;
  /** The window in which failed logins are counted, in milliseconds. */
  readonly failureWindowMs: number;
  /** Delay after the first failed login, growing with each further one, in milliseconds; 0: off. */
  readonly failureDelayMs: number;
  /** Addresses whose failures are remembered at the same time. */
  readonly addressesMax: number;
}

/** How the password of a configured account is given. */
export type UserSecret =
  | { readonly kind: "password"; readonly password: string }
  | { readonly kind: "hash"; readonly hash: string };

/** Authentication plugins an account of the configuration file can have. */
export type UserPlugin =
  | "caching_sha2_password"
  | "mysql_native_password"
  | "sha256_password"
  | "client_ed25519";

/** An account from the configuration file, `name`@`host`. */
export interface UserAccount {
  /** Account name; empty for the anonymous account. */
  readonly name: string;
  /** Host mask as in CREATE USER: a name or address with `%` and `_`, a netmask or a prefix. */
  readonly host: string;
  /** Password or the server's hash of it; never to be printed. */
  readonly secret: UserSecret;
  /** Authentication plugin. */
  readonly plugin: UserPlugin;
  /** What the connection must be: anything, TLS, or TLS with a client certificate. */
  readonly require: "none" | "ssl" | "x509";
}

/** Ceilings on what clients may take. */
export interface Limits {
  /** Client connections at the same time (error 1040 beyond). */
  readonly clientsMax: number;
  /** Client connections of one account name (error 1203 beyond); 0 for no limit. */
  readonly clientsPerUserMax: number;
  /** Connections that have not logged in yet. */
  readonly unauthenticatedMax: number;
  /** Time to log in, in milliseconds. */
  readonly loginTimeoutMs: number;
  /** Time without a command, in milliseconds; 0: the server's wait_timeout decides. */
  readonly idleTimeoutMs: number;
  /** Largest payload of one command, all its packets together (error 1153 beyond), in bytes. */
  readonly packetMaxBytes: number;
  /** Bytes held per direction and session before their source is paused. */
  readonly bufferMaxBytes: number;
}

/** Server connections kept for reuse. */
export interface Pool {
  /**
   * `transaction`: a client holds a server connection for a statement, a transaction or a pin.
   * `session`: until it leaves.
   */
  readonly mode: "transaction" | "session";
  /**
   * Whether statements of different sessions go behind each other on one connection, `transaction`
   * mode only. A number: so many at most, quick or not.
   */
  readonly pipeline: "auto" | "off" | number;
  /** Whether reads of different sessions that are the same run once, where statements may share. */
  readonly consolidate: boolean;
  /** Connections per server and account, over all workers. */
  readonly connectionsMax: number;
  /** Connections per server and account that are kept open, over all workers. */
  readonly connectionsMin: number;
  /** How long a shared connection is used, in milliseconds; 0: for ever. */
  readonly maxAgeMs: number;
  /** How long a statement waits for a connection, in milliseconds. */
  readonly waitTimeoutMs: number;
  /** Idle connections kept per server and worker; 0: none are kept. */
  readonly idleMax: number;
  /** How long an idle connection is kept, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Time to connect to a server and log in, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/** How servers are watched. */
export interface Monitor {
  /** Time between two looks at a server, in milliseconds. */
  readonly intervalMs: number;
  /** Likewise while something is wrong. */
  readonly quickIntervalMs: number;
  /** How long a look may take, connecting included, in milliseconds. */
  readonly timeoutMs: number;
  /** Looks without an answer until a suspect server counts as down. */
  readonly failuresMax: number;
  /** A statement whose one value is a replica's lag in seconds; empty for none. */
  readonly lagQuery: string;
}

/** The kinds of clusters; `auto`: found out from the first server that answers. */
export type ClusterFlavor =
  | "auto"
  | "static"
  | "async"
  | "group"
  | "mariadb"
  | "galera"
  | "aurora"
  | "polardbx"
  | "wesql"
  | "tidb";

/** What is made of what servers say. */
export interface Cluster {
  /** What kind of cluster it is. */
  readonly flavor: ClusterFlavor;
  /** Whether servers that others name are watched and used too. */
  readonly discover: boolean;
  /** A replica that is further behind gets no new reads while there are others, in milliseconds. */
  readonly lagMaxMs: number;
  /** How long a server that is back gets less than its share, in milliseconds. */
  readonly slowStartMs: number;
  /** How long a discovered server that is gone is remembered, in milliseconds. */
  readonly forgetAfterMs: number;
  /** Events kept. */
  readonly eventsMax: number;
  /** Directory for what is to be known after a restart; empty for none. */
  readonly stateDirPath: string;
}

/** What is special about one server. */
export interface ServerConfig {
  /** Its own address or one that leads to it. */
  readonly address: ServerAddress;
  /** Its share of the work beside others of its role, 0 to 1000; 0: none while there are others. */
  readonly weight: number;
  /** Words for rules to choose it by. */
  readonly tags: readonly string[];
}

/** How new the data must be that a read sees, from the weakest to the strongest level. */
export type ConsistencyLevel = "eventual" | "session" | "instance" | "global";

/** Where statements go. */
export interface Route {
  /** Whether statements that provably only read go to replicas. */
  readonly split: boolean;
  readonly consistency: ConsistencyLevel;
  /** How long a replica is waited for, in milliseconds; 0: not at all. */
  readonly waitTimeoutMs: number;
  /** When the primary takes reads that could go to replicas. */
  readonly primaryReads: "fallback" | "share" | "prefer";
  /** Percent of the reads for replicas that go there. */
  readonly replicaShare: number;
  /** What of transactions may leave the primary. */
  readonly transactions: "primary" | "read-only" | "split";
  /** How one of several fit servers is chosen. */
  readonly balance: "least-outstanding" | "two-choices" | "least-lag" | "round-robin" | "random";
  /** Requests that the primary counts as having more. */
  readonly primaryPenalty: number;
  /** The zone the proxy is in; empty for none. */
  readonly zone: string;
  /** Fit servers there must be in the zone for it to count. */
  readonly zoneMin: number;
  /** Failures in a row after which a server is ejected; 0: never. */
  readonly ejectFailures: number;
  /** Times slower than the median after which a server is ejected; 0: never. */
  readonly ejectLatency: number;
  /** How long a replica that owes answers may let a ping wait, in milliseconds; 0: for ever. */
  readonly ejectSilenceMs: number;
  /** How long an ejected server gets no reads, in milliseconds. */
  readonly ejectTimeMs: number;
  /** Percent of the replicas that may be ejected. */
  readonly ejectMax: number;
  /** Where reads of information_schema go. */
  readonly informationSchema: "primary" | "replica";
  /** The forms of hints that count. */
  readonly hints: readonly ("own" | "hostgroup" | "maxscale")[];
  /** Hostgroups that mean the primary, as numbers in text. */
  readonly primaryHostgroups: readonly string[];
  /** Bytes of statements whose facts are kept, in each worker. */
  readonly cacheMaxBytes: number;
}

/** Where some statements go: those for which all that is given fits. */
export interface Rule {
  /** Its name; empty: its number stands for it. */
  readonly name: string;
  readonly user: string;
  readonly schema: string;
  readonly clients: readonly Network[];
  readonly digest: string;
  /** A regular expression. */
  readonly statement: string;
  readonly target: "any" | "primary" | "replica";
  readonly tags: readonly string[];
  readonly consistency: "default" | ConsistencyLevel;
  /** Whether the audit log has them, whatever `[audit]` says of accounts and share. */
  readonly audit: "default" | "always" | "never";
}

/** The PROXY protocol in front of and behind the proxy. */
export interface ProxyProtocol {
  /** Networks whose PROXY headers (v1 and v2) are expected and believed. */
  readonly trusted: readonly Network[];
  /** What is sent to servers. */
  readonly backend: "off" | "v2";
}

/** Options of every TCP socket. */
export interface Tcp {
  /** Idle time before keep-alive probes, in milliseconds; 0: off. */
  readonly keepaliveMs: number;
  /** Whether Nagle's algorithm is off (TCP_NODELAY). */
  readonly noDelay: boolean;
}

/** The files of the configuration. */
export interface ConfigFiles {
  readonly writeBack: "file" | "overlay";
  /** Empty: none, or one beside the file if changes go there. */
  readonly overlayPath: string;
}

/** A port of the proxy itself. */
export interface Endpoint {
  /** Its address; absent when it is off. */
  readonly listen?: ListenAddress;
}

/** The admin port. */
export interface AdminEndpoint extends Endpoint {
  /** A path, `auto` or `off`. */
  readonly socket: string;
  /** Password of `admin`; empty for none. */
  readonly password: string;
  /** Password of `stats`; empty for none. */
  readonly statsPassword: string;
  /** Under which tools for ProxySQL find the primary. */
  readonly writerHostgroup: number;
  /** Under which they find all other servers; another one. */
  readonly readerHostgroup: number;
}

/** The HTTP port. */
export interface HttpEndpoint extends Endpoint {
  /** Who gets the tables. */
  readonly api: "local" | "all" | "off";
}

/** What is measured of statements. */
export interface Metrics {
  /** Whether they are counted and timed. */
  readonly statements: boolean;
  /** Digests kept, each server's on its own. */
  readonly digestsMax: number;
}
