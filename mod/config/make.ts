// From the checked keys of a file to the configuration value: names, units, absent parts.

import type { Account, Config, Endpoint, UserAccount, UserSecret } from "./config.ts";
import type { StatementLogSettings } from "./logs.ts";
import type { ListenAddress } from "./address.ts";
import type { File } from "./schema.ts";

/** Makes the value and freezes all of it. */
export function makeConfig(
  file: File,
  revision: number,
  { backends = file.backends }: Partial<Pick<Config, "backends">> = {},
): Config {
  const account: { account?: Account } = file.account.user === "" ? {} : { account: file.account };
  return freeze({
    revision,
    listen: file.listen,
    workers: file.workers,
    watch: file.watch,
    backends,
    config: { writeBack: file.config.write_back, overlayPath: file.config.overlay },
    ...account,
    clientTls: {
      mode: file.client_tls.mode,
      certPath: file.client_tls.cert,
      keyPath: file.client_tls.key,
      caPath: file.client_tls.ca,
      minVersion: file.client_tls.min_version,
    },
    backendTls: {
      mode: file.backend_tls.mode,
      caPath: file.backend_tls.ca,
      certPath: file.backend_tls.cert,
      keyPath: file.backend_tls.key,
    },
    compression: {
      clients: file.compression.clients,
      backend: file.compression.backend,
      zstdLevel: file.compression.zstd_level,
    },
    auth: {
      mode: file.auth.mode,
      syncIntervalMs: file.auth.sync_interval,
      learnedTtlMs: file.auth.learned_ttl,
      failuresMax: file.auth.failures_max,
      failureWindowMs: file.auth.failure_window,
      failureDelayMs: file.auth.failure_delay,
      addressesMax: file.auth.addresses_max,
    },
    users: file.user.map(makeUser),
    limits: {
      clientsMax: file.limits.clients_max,
      clientsPerUserMax: file.limits.clients_per_user_max,
      unauthenticatedMax: file.limits.unauthenticated_max,
      loginTimeoutMs: file.limits.login_timeout,
      idleTimeoutMs: file.limits.idle_timeout,
      packetMaxBytes: file.limits.packet_max,
      bufferMaxBytes: file.limits.buffer_max,
    },
    pool: {
      mode: file.pool.mode,
      pipeline: file.pool.pipeline,
      consolidate: file.pool.consolidate,
      connectionsMax: file.pool.connections_max,
      connectionsMin: file.pool.connections_min,
      maxAgeMs: file.pool.max_age,
      waitTimeoutMs: file.pool.wait_timeout,
      idleMax: file.pool.idle_max,
      idleTimeoutMs: file.pool.idle_timeout,
      connectTimeoutMs: file.pool.connect_timeout,
    },
    monitor: {
      intervalMs: file.monitor.interval,
      quickIntervalMs: file.monitor.quick_interval,
      timeoutMs: file.monitor.timeout,
      failuresMax: file.monitor.failures_max,
      lagQuery: file.monitor.lag_query,
    },
    cluster: {
      flavor: file.cluster.flavor,
      discover: file.cluster.discover,
      lagMaxMs: file.cluster.lag_max,
      slowStartMs: file.cluster.slow_start,
      forgetAfterMs: file.cluster.forget_after,
      eventsMax: file.cluster.events_max,
      stateDirPath: file.cluster.state_dir,
    },
    servers: file.server,
    route: {
      split: file.route.split,
      consistency: file.route.consistency,
      waitTimeoutMs: file.route.wait_timeout,
      primaryReads: file.route.primary_reads,
      replicaShare: file.route.replica_share,
      transactions: file.route.transactions,
      balance: file.route.balance,
      primaryPenalty: file.route.primary_penalty,
      zone: file.route.zone,
      zoneMin: file.route.zone_min,
      ejectFailures: file.route.eject_failures,
      ejectLatency: file.route.eject_latency,
      ejectSilenceMs: file.route.eject_silence,
      ejectTimeMs: file.route.eject_time,
      ejectMax: file.route.eject_max,
      informationSchema: file.route.information_schema,
      hints: file.route.hints,
      primaryHostgroups: file.route.primary_hostgroups,
      cacheMaxBytes: file.route.cache_max,
    },
    rules: file.rule,
    failover: {
      maxWaitMs: file.failover.max_wait,
      maxParked: file.failover.max_parked,
      parkedBytesMaxBytes: file.failover.parked_bytes_max,
      replay: file.failover.replay,
      replayStatementsMax: file.failover.replay_statements_max,
      replayBytesMaxBytes: file.failover.replay_bytes_max,
      replayTimeMaxMs: file.failover.replay_time_max,
      replayMemoryMaxBytes: file.failover.replay_memory_max,
      commitMarks: file.failover.commit_marks,
      drainMs: file.failover.drain,
      replicationUser: file.failover.replication_user,
      replicationPassword: file.failover.replication_password,
    },
    drain: {
      timeoutMs: file.drain.timeout,
      takeoverTimeoutMs: file.drain.takeover_timeout,
    },
    proxyProtocol: file.proxy_protocol,
    tcp: { keepaliveMs: file.tcp.keepalive, noDelay: file.tcp.no_delay },
    log: file.log,
    admin: {
      ...makeEndpoint(file.admin.listen),
      socket: file.admin.socket,
      password: file.admin.password,
      statsPassword: file.admin.stats_password,
      writerHostgroup: file.admin.writer_hostgroup,
      readerHostgroup: file.admin.reader_hostgroup,
    },
    http: { ...makeEndpoint(file.http.listen), api: file.http.api },
    audit: {
      ...makeStatementLog(file.audit),
      users: file.audit.users,
      exceptUsers: file.audit.except_users,
      sample: file.audit.sample,
    },
    slowLog: { ...makeStatementLog(file.slow_log), thresholdMs: file.slow_log.threshold },
    metrics: { statements: file.metrics.statements, digestsMax: file.metrics.digests_max },
  });
}

function makeUser(user: File["user"][number]): UserAccount {
  const secret: UserSecret = user.hash === undefined
    ? { kind: "password", password: user.password ?? "" }
    : { kind: "hash", hash: user.hash };
  return {
    name: user.name,
    host: user.host,
    secret,
    plugin: user.plugin,
    require: user.require,
  };
}

function makeStatementLog(log: File["audit"] | File["slow_log"]): StatementLogSettings {
  return {
    filePath: log.file,
    textMaxBytes: log.text_max,
    sizeMaxBytes: log.size_max,
    ageMaxMs: log.age_max,
    keep: log.keep,
    bufferMaxBytes: log.buffer_max,
    overflow: log.overflow,
  };
}

function makeEndpoint(listen: ListenAddress | undefined): Endpoint {
  return listen === undefined ? {} : { listen };
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}
