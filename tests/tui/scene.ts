// A proxy as it might be recorded: a primary and two replicas under load, the primary dies and is
// replaced. All of it is computed from the second it is, so that every run draws the same.

import type { Row, Snapshot } from "../../tui/snapshot.ts";

/** When the scene begins: Friday, 27 November 2026, 14:00:00 UTC. */
export const SCENE_START_MS = Date.UTC(2026, 10, 27, 14, 0, 0);
/** The second at which the primary dies, and the one at which another has taken over. */
export const DEATH_S = 150;
const TAKEN_OVER_S = 152;
const UPTIME_S = 3 * 86_400 + 4 * 3600;
const WORKERS = 2;
const SERVERS = ["db1:3306", "db2:3306", "db3:3306"] as const;

/** What can be chosen of the scene. */
export interface SceneOptions {
  /** @default {64} */
  readonly sessions?: number;
}

/** All seconds from the first to the given one, that one too. */
export function scene(seconds: number, options: SceneOptions = {}): readonly Snapshot[] {
  return Array.from({ length: seconds + 1 }, (_, second) => sceneAt(second, options));
}

/** The proxy at a second of the scene. */
export function sceneAt(second: number, { sessions = 64 }: SceneOptions = {}): Snapshot {
  const time = (at: number) => new Date(SCENE_START_MS + at * 1000).toISOString();
  const isOut = second >= DEATH_S && second < TAKEN_OVER_S;
  const commands = commandsUntil(second);
  const frontends = frontendRows(second, { sessions, isOut });
  const proxy: Row = {
    version: "0.1.0",
    pid: 4242,
    started: time(-UPTIME_S),
    uptime_s: UPTIME_S + second,
    workers: WORKERS,
    ready: 1,
    listen: "0.0.0.0:3307",
    pool_mode: "transaction",
    auth_mode: "synced",
    flavor: "async",
    primary_server: isOut ? null : primaryAt(second),
    clients: sessions,
    commands,
  };
  return {
    atMs: SCENE_START_MS + second * 1000,
    tables: {
      proxy: [proxy],
      workers: Array.from({ length: WORKERS }, (_, worker) => ({
        worker,
        pid: 4243 + worker,
        uptime_s: UPTIME_S + second,
        clients: Math.round(sessions / WORKERS),
        commands: Math.round(commands / WORKERS),
        rss_bytes: 88_000_000,
        cpu_us: second * 400_000,
      })),
      servers: serverRows(second),
      events: eventRows(second, time),
      pools: poolRows(second, isOut),
      pins: pinRows(frontends),
      counters: counterRows(second, sessions, commands),
      stages: stageRows(second, commands),
      errors: second < DEATH_S ? [] : [{
        code: 1290,
        server: "db1:3306",
        count: 12,
        first_seen: time(DEATH_S),
        last_seen: time(DEATH_S + 1),
      }],
      log: logRows(second, time),
      frontends,
      states: stateRows(frontends),
      backends: backendRows(second),
      digests: digestRows(commands),
      rules: [
        rule(1, "reports", { user: "report", target: "replica", hits: second * 40 }),
        rule(2, "queue", { statement: "FROM jobs", target: "primary", hits: second * 9 }),
      ],
      properties: [
        ["limits.clients_max", "10000", "10000"],
        ["limits.clients_per_user_max", "0", "0"],
        ["limits.unauthenticated_max", "1000", "1000"],
        ["limits.login_timeout", "10s", "10s"],
        ["pool.connections_max", "24", "128"],
        ["pool.mode", "transaction", "session"],
        ["pool.wait_timeout", "10s", "10s"],
      ].map(([name, value, initial]) => ({
        name,
        value,
        default_value: initial,
        source: value === initial ? "default" : "file",
        live: 1,
      })),
    },
  };
}

function rule(number: number, name: string, rest: Row): Row {
  return { number, name, user: null, db: null, statement: null, ...rest };
}

/** The newest first, as the dashboard asks for them. */
function logRows(second: number, time: (at: number) => string): readonly Row[] {
  const all: readonly (readonly [number, string, string, string, number | null])[] = [
    [-UPTIME_S, "info", "listening", "address=0.0.0.0:3307", null],
    [42, "info", "login refused", "client=10.0.1.99:51012 user=shop code=1045", 1],
    [DEATH_S, "warn", "server state changed", "server=db1:3306 from=up to=down", null],
    [TAKEN_OVER_S, "info", "failover ended", "server=db2:3306 took_ms=1420", null],
  ];
  return all.filter(([at]) => at <= second).map(([at, severity, event, fields, worker], index) => ({
    number: index + 1,
    time: time(at),
    severity,
    worker,
    event,
    fields,
  })).toReversed();
}

function primaryAt(second: number): string {
  return second < DEATH_S ? SERVERS[0] : SERVERS[1];
}

/** A little up and down, the same every time. */
function wave(second: number, depth: number): number {
  return 1 + depth * Math.sin(second / 17) + depth / 2 * Math.sin(second / 5.3);
}

function qpsAt(second: number): number {
  if (second >= DEATH_S && second < TAKEN_OVER_S) return 3100;
  return Math.round(11_800 * wave(second, 0.18));
}

function commandsUntil(second: number): number {
  let sum = 812_000_000;
  for (let at = 0; at < second; at++) sum += qpsAt(at);
  return sum;
}

function serverRows(second: number): readonly Row[] {
  return SERVERS.map((name, at) => {
    const isDead = at === 0 && second >= DEATH_S;
    const isPrimary = name === primaryAt(second);
    const isLagging = at === 2 && second >= 60 && second < 75;
    const since = isDead ? DEATH_S : isLagging ? 60 : at === 2 && second >= 75 ? 75 : -UPTIME_S;
    const share = isDead ? 0 : isPrimary ? 0.34 : 0.33;
    return {
      name,
      role: isPrimary ? "primary" : isDead ? "none" : "replica",
      state: isDead ? "down" : isLagging ? "lagging" : "up",
      since_s: second - since,
      reason: isDead ? "connection refused" : isLagging ? "12.4 s behind" : "",
      lag_ms: isDead ? null : isPrimary ? 0 : isLagging ? 12_400 : 3 + at,
      transactions_behind: isDead ? null : isPrimary ? 0 : isLagging ? 18_211 : at,
      weight: 1,
      version: "9.7.0",
      rtt_ms: isDead ? null : 0.3,
      error: isDead ? "connect ECONNREFUSED 10.0.0.11:3306" : "",
      connections_used: isDead ? 0 : isPrimary ? 14 : 9,
      connections_idle: isDead ? 0 : 6,
      connections_max: 24,
      outstanding: isDead ? 0 : 11,
      sent: Math.round(commandsUntil(isDead ? DEATH_S : second) * (isDead ? 0.34 : share)),
      errors: at === 0 ? (second < DEATH_S ? 0 : 12) : 0,
      p50_us: isDead ? null : 310 + 20 * at,
      p95_us: isDead ? null : isLagging ? 6400 : 1900 + 120 * at,
      p99_us: isDead ? null : 7800 + 300 * at,
    };
  });
}

function eventRows(second: number, time: (at: number) => string): readonly Row[] {
  const all: readonly (readonly [at: number, kind: string, server: string | null, ...string[]])[] =
    [
      [60, "lag-crossed", "db3:3306", "up to date", "late", "12.4 s behind"],
      [60, "state-changed", "db3:3306", "up", "lagging", "12.4 s behind"],
      [75, "state-changed", "db3:3306", "lagging", "up", "caught up"],
      [150, "state-changed", "db1:3306", "up", "suspect", "the connection ended"],
      [150, "state-changed", "db1:3306", "suspect", "down", "connection refused"],
      [150, "failover-began", null, "db1:3306", "", "the primary is gone"],
      [152, "role-changed", "db2:3306", "replica", "primary", "read_only is off"],
      [152, "failover-ended", null, "", "db2:3306", "db2:3306 takes writes"],
    ];
  return all.filter(([at]) => at <= second).map((
    [at, kind, server, before, after, reason],
    index,
  ) => ({
    number: index + 1,
    time: time(at + index * 0.07),
    kind,
    server,
    before,
    after,
    reason,
    duration_ms: kind === "failover-ended" ? 1420 : null,
  }));
}

function poolRows(second: number, isOut: boolean): readonly Row[] {
  return SERVERS.flatMap((server, at) =>
    ["shop", "report"].map((account, which) => {
      const isWriter = server === primaryAt(second) && account === "shop";
      const waiting = isOut && account === "shop" ? 31 : isWriter && second % 30 === 7 ? 2 : 0;
      return {
        server,
        account,
        state: "active",
        sessions: 32 - 8 * which,
        running: at === 0 && second >= DEATH_S ? 0 : isWriter ? 14 : 5 - which,
        idle: at === 0 && second >= DEATH_S ? 0 : 3,
        opening: 0,
        min: 0,
        max: 24,
        waiting,
        maxwait_us: waiting === 0 ? 0 : isOut ? (second - DEATH_S) * 1_000_000 + 420_000 : 4200,
        waits: second * 3,
        waits_timed_out: 0,
        wait_us: second * 9000,
        longest_wait_us: second >= DEATH_S ? 1_420_000 : 8100,
        opened: 24,
        closed: 2,
        evicted: 0,
        retired: 2,
        reset: 11,
        open_failures: at === 0 && second >= DEATH_S ? 3 : 0,
        last_error: at === 0 && second >= DEATH_S ? "connection refused" : "",
      };
    })
  );
}

const STATEMENTS = [
  "SELECT * FROM orders WHERE id = 4711",
  "UPDATE stock SET left_over = left_over - 1 WHERE sku = 'A-113'",
  "SELECT name, price FROM fruit WHERE kind IN ('apple', 'pear') ORDER BY price LIMIT 20",
  "INSERT INTO events (kind, at) VALUES ('click', NOW(6))",
] as const;
const PINS = [null, null, null, "temporary table", null, "user lock", null, "handler"] as const;

function frontendRows(
  second: number,
  { sessions, isOut }: { readonly sessions: number; readonly isOut: boolean },
): readonly Row[] {
  return Array.from({ length: sessions }, (_, at) => {
    const phase = (at * 7 + second) % 10;
    const state = isOut && at % 2 === 0
      ? "wait"
      : phase < 4
      ? "execute"
      : phase === 4
      ? "wait"
      : "sleep";
    const isBusy = state !== "sleep";
    const isLong = at === 3;
    return {
      id: 1_073_741_825 + at,
      worker: at % WORKERS,
      user: at % 5 === 4 ? "report" : "shop",
      host: `10.0.1.${20 + at % 9}:${40_000 + at * 13}`,
      db: at % 5 === 4 ? "archive" : "shop",
      command: isBusy || isLong ? "Query" : null,
      state: isLong ? "execute" : state,
      age_s: 40 + at * 61 + second,
      idle_s: isLong ? 20 + second : isBusy ? 0.002 * (at % 7) : (at * 13 + second) % 90,
      in_transaction: at % 6 === 1 ? 1 : 0,
      server: state === "execute" || isLong ? SERVERS[1 + at % 2] : null,
      thread: state === "execute" || isLong ? 900 + at : null,
      pins: at < 24 ? PINS[at % PINS.length] : null,
      waits_for: state === "wait" && !isLong ? (isOut ? "primary" : "connection") : null,
      charset: "utf8mb4",
      variables: at % 3 === 0
        ? "sql_mode='STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY',time_zone='+00:00'"
        : null,
      prepared: at % 4,
      consistency: "session",
      statement: isLong
        ? "SELECT customer, SUM(total) FROM orders JOIN lines USING (order_id) GROUP BY customer"
        : isBusy
        ? STATEMENTS[at % STATEMENTS.length]
        : null,
      statement_us: null,
      commands: at * 311 + second * 9,
      bytes_received: 1024 * at,
      bytes_sent: 90_000 * at,
      tls: at % 3 === 0 ? 1 : 0,
    };
  });
}

function stateRows(frontends: readonly Row[]): readonly Row[] {
  const states = new Map<string, { sessions: number; longest_s: number | null }>();
  for (const { state, idle_s: idleS } of frontends) {
    const own = states.get(String(state)) ?? { sessions: 0, longest_s: null };
    own.sessions++;
    if (state !== "sleep") own.longest_s = Math.max(own.longest_s ?? 0, Number(idleS));
    states.set(String(state), own);
  }
  return [...states].map(([state, own]) => ({ state, ...own }));
}

function pinRows(frontends: readonly Row[]): readonly Row[] {
  const counts = new Map<string, number>();
  for (const { pins, in_transaction: transaction } of frontends) {
    for (const reason of [transaction === 1 ? "transaction" : null, pins]) {
      if (reason !== null) counts.set(String(reason), (counts.get(String(reason)) ?? 0) + 1);
    }
  }
  return [...counts].map(([reason, sessions]) => ({ reason, sessions }));
}

function counterRows(second: number, sessions: number, commands: number): readonly Row[] {
  return Object.entries({
    clients: sessions,
    clients_unauthenticated: 1,
    clients_accepted: 90_000 + second * 4,
    clients_refused_full: 0,
    clients_refused_blocked: 3,
    commands,
    pool_waits: second * 18,
    pool_waits_timed_out: 0,
    logins_failed: 3,
  }).map(([name, value]) => ({ name, value }));
}

function stageRows(second: number, commands: number): readonly Row[] {
  const isSlow = second >= DEATH_S && second < DEATH_S + 6;
  const shares = [
    ["total", 1, 340, isSlow ? 210_000 : 2100 + Math.round(300 * Math.sin(second / 9)), 8300],
    ["execute", 0.78, 290, 1900, 7900],
    ["stream", 0.11, 30, 140, 900],
    ["queue", 0.06, 12, isSlow ? 180_000 : 95, 1200],
    ["restore", 0.03, 18, 60, 210],
    ["consistency", 0.015, 40, 900, 3100],
    ["connect", 0.005, 610, 2400, 6100],
  ] as const;
  return shares.map(([stage, share, p50, p95, p99]) => ({
    stage,
    target: null,
    count: Math.round(commands * Math.min(1, share * 1.3)),
    sum_us: Math.round(commands * 520 * share),
    max_us: 1_600_000,
    p50_us: p50,
    p95_us: p95,
    p99_us: Math.max(p99, p95),
  }));
}

function backendRows(second: number): readonly Row[] {
  return SERVERS.flatMap((server, which) =>
    Array.from({ length: which === 0 && second >= DEATH_S ? 0 : 8 }, (_, at) => ({
      server,
      worker: at % WORKERS,
      thread: 100 * (which + 1) + at,
      user: at % 4 === 3 ? "report" : "shop",
      db: "shop",
      state: at < 5 ? "used" : "idle",
      session: at < 5 ? 1_073_741_825 + which * 8 + at : null,
      outstanding: at < 5 ? 1 : 0,
      age_s: 60 * at + second,
      idle_s: at < 5 ? null : at + second % 4,
      secure: 1,
    }))
  );
}

function digestRows(commands: number): readonly Row[] {
  const texts = [
    ["SELECT * FROM `orders` WHERE `id` = ?", "db2:3306", 0.41, 240, 1.0],
    [
      "SELECT `name` , `price` FROM `fruit` WHERE `kind` IN (...) ORDER BY `price` LIMIT ?",
      "db3:3306",
      0.2,
      900,
      18.4,
    ],
    ["UPDATE `stock` SET `left_over` = `left_over` - ? WHERE `sku` = ?", "db1:3306", 0.12, 1300, 0],
    ["INSERT INTO `events` ( `kind` , `at` ) VALUES (...)", "db1:3306", 0.17, 420, 0],
    [
      "SELECT `customer` , SUM ( `total` ) FROM `orders` JOIN `lines` USING ( `order_id` ) GROUP BY `customer`",
      "db3:3306",
      0.0001,
      4_100_000,
      9120,
    ],
    ["SELECT @@`session` . `transaction_isolation`", "db2:3306", 0.09, 80, 1],
  ] as const;
  return texts.map(([text, target, share, mean, rows], at) => ({
    digest: `${"0123456789abcdef".repeat(3)}${at}`,
    text,
    db: "shop",
    user: "shop",
    target,
    count: Math.round(commands * share),
    errors: at === 2 ? 12 : 0,
    rows_sent: Math.round(commands * share * rows),
    rows_affected: 0,
    sum_us: Math.round(commands * share * mean),
    max_us: mean * 40,
    p50_us: Math.round(mean * 0.7),
    p95_us: mean * 3,
    p99_us: mean * 9,
  }));
}
