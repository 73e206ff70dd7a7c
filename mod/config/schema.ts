// Every key of the configuration file: its type, bounds, default, flag and description.
// Errors, defaults, the commented file and the reference page are all made from this one schema.

import * as v from "valibot";
import {
  addresses,
  boolean,
  choice,
  choiceOrNumber,
  choices,
  duration,
  integer,
  networks,
  path,
  secret,
  size,
  text,
} from "./kinds.ts";
import { isOnThisMachine } from "./address.ts";
import { admin, changes, http, metrics } from "./admin_section.ts";
import { cluster, monitor, serverSchema } from "./cluster_sections.ts";
import { drain, failover } from "./failover_sections.ts";
import { audit, log, slowLog } from "./log_sections.ts";
import { route, ruleSchema } from "./route_sections.ts";
import { mustBeTable, mustBeTables, section } from "./section.ts";

const account = section("The proxy's own account on the servers.", {
  user: text("", {
    doc:
      "Its name. With it the proxy may read accounts, watch the servers and end running statements; without it clients' own logins are relayed.",
    flag: { names: "-u, --user", value: "name", help: "the proxy's own account on the servers" },
    environment: "MYSQLPROXY_USER",
  }),
  password: text("", {
    doc: "Its password. Better given in the environment than here or as a flag.",
    flag: {
      names: "-p, --password",
      value: "password",
      help: "its password; seen by others on the machine, so better MYSQLPROXY_PASSWORD",
    },
    environment: "MYSQLPROXY_PASSWORD",
    secret: true,
  }),
});

const clientTls = section(
  "TLS towards clients.",
  {
    mode: choice(["disabled", "preferred", "required"], "preferred", {
      doc: "Whether TLS is not offered, offered, or demanded of everyone.",
      flag: { names: "--client-tls", value: "mode", help: "TLS towards clients" },
    }),
    cert: path({
      doc: "PEM file with the certificate chain. Without one the proxy makes its own.",
      flag: {
        names: "--tls-cert",
        value: "file",
        help: "certificate chain shown to clients, PEM; without one it is self-made",
      },
    }),
    key: path({
      doc: "PEM file with the private key of `cert`.",
      flag: { names: "--tls-key", value: "file", help: "private key of the certificate, PEM" },
    }),
    ca: path({
      doc: "PEM file with the authorities whose client certificates are accepted.",
      flag: {
        names: "--tls-ca",
        value: "file",
        help: "authorities whose client certificates are accepted, PEM",
      },
    }),
    min_version: choice(["1.2", "1.3"], "1.2", { doc: "The oldest TLS version accepted." }),
  },
);

const backendTls = section(
  "TLS towards servers.",
  {
    mode: choice(
      ["disabled", "preferred", "required", "verify-ca", "verify-identity"],
      "preferred",
      {
        doc:
          "As `--ssl-mode` of MySQL's clients. From `required` on a server without TLS is an error, never a plain connection.",
        flag: { names: "--backend-tls", value: "mode", help: "TLS towards servers" },
      },
    ),
    ca: path({
      doc: "PEM file with the authorities that sign the servers' certificates.",
      flag: {
        names: "--backend-tls-ca",
        value: "file",
        help: "authorities that sign the servers' certificates, PEM",
      },
    }),
    cert: path({
      doc: "PEM file with the certificate shown to servers.",
      flag: {
        names: "--backend-tls-cert",
        value: "file",
        help: "certificate shown to servers, PEM",
      },
    }),
    key: path({
      doc: "PEM file with the private key of `cert`.",
      flag: {
        names: "--backend-tls-key",
        value: "file",
        help: "private key of that certificate, PEM",
      },
    }),
  },
);

const compression = section("Protocol compression, independent on each leg.", {
  clients: choices(["zlib", "zstd"], ["zlib", "zstd"], {
    doc: "Methods offered to clients, whatever the servers can do.",
  }),
  backend: choice(["off", "zlib", "zstd"], "off", {
    doc: "Method asked of servers.",
    flag: {
      names: "--backend-compression",
      value: "method",
      help: "protocol compression asked of servers",
    },
  }),
  zstd_level: integer(3, { min: 1, max: 22 }, { doc: "Level used with zstd." }),
});

const auth = section("How clients are authenticated.", {
  mode: choice(["auto", "relay", "synced", "learned", "static"], "auto", {
    doc:
      "`relay`: the server itself decides and the proxy learns no password. `synced`: accounts are read from the server. `learned`: a password proved once is kept in memory. `static`: the accounts of this file. `auto` chooses by what is configured.",
    flag: { names: "--auth", value: "mode", help: "who decides about logins" },
  }),
  sync_interval: duration("10s", { min: "1s", max: "24h" }, {
    doc: "Time between two readings of the servers' accounts.",
  }),
  learned_ttl: duration("1h", { min: "1s", max: "30d" }, {
    doc: "How long a learned password is kept.",
  }),
  failures_max: integer(20, { min: 0, max: 1_000_000 }, {
    doc:
      "Failed logins of one address within `failure_window` before it is refused; 0 is no limit.",
  }),
  failure_window: duration("60s", { min: "1s", max: "24h" }, {
    doc: "The time over which failed logins are counted.",
  }),
  failure_delay: duration("100ms", { min: "0", max: "10s" }, {
    doc:
      "Delay of the answer after the sixth failed login, doubled by each further one; 0 is none.",
  }),
  addresses_max: integer(10_000, { min: 1, max: 10_000_000 }, {
    doc: "Addresses whose failures are remembered; the oldest is forgotten first.",
  }),
});

/** One `[[user]]`. */
export const userSchema = v.pipe(
  v.object({
    name: text("", { doc: "Account name." }),
    host: text("%", {
      doc: "Host mask as in CREATE USER: `%` and `_` stand for anything, or a netmask or prefix.",
    }),
    password: secret("Password; either this or `hash`."),
    hash: secret(
      "The server's hash of the password, as SHOW CREATE USER prints it; either this or `password`.",
    ),
    plugin: choice(
      ["caching_sha2_password", "mysql_native_password", "sha256_password", "client_ed25519"],
      "caching_sha2_password",
      { doc: "Authentication plugin." },
    ),
    require: choice(["none", "ssl", "x509"], "none", {
      doc: "What the connection must be: anything, TLS, or TLS with a client certificate.",
    }),
  }, mustBeTable),
  v.forward(
    v.partialCheck(
      [["password"], ["hash"]],
      ({ password, hash }) => (password === undefined) !== (hash === undefined),
      "must have either a password or a hash",
    ),
    ["password"],
  ),
);

const limits = section("Ceilings on what clients may take.", {
  clients_max: integer(10_000, { min: 1, max: 1_000_000 }, {
    doc: "Client connections at the same time (error 1040 beyond).",
    flag: { names: "--clients-max", value: "number", help: "client connections at the same time" },
  }),
  clients_per_user_max: integer(0, { min: 0, max: 1_000_000 }, {
    doc: "Client connections of one account name (error 1203 beyond); 0 is no limit.",
    flag: {
      names: "--clients-per-user-max",
      value: "number",
      help: "client connections of one account; 0 is no limit",
    },
  }),
  unauthenticated_max: integer(1000, { min: 1, max: 1_000_000 }, {
    doc: "Connections that have not logged in yet.",
  }),
  login_timeout: duration("10s", { min: "10ms", max: "1h" }, { doc: "Time to log in." }),
  idle_timeout: duration("0", { min: "0", max: "365d" }, {
    doc:
      "Time without a command before a client is disconnected; 0: the server's wait_timeout decides.",
    flag: {
      names: "--idle-timeout",
      value: "duration",
      help: "time without a command; 0: the server's wait_timeout decides",
    },
  }),
  packet_max: size("1GiB", { min: "1KiB", max: "1GiB" }, {
    doc: "Largest payload of one command, all its packets together (error 1153 beyond).",
  }),
  buffer_max: size("1MiB", { min: "16KiB", max: "1GiB" }, {
    doc: "Bytes held per direction and session before their source is paused.",
  }),
});

const pool = section("Server connections kept for reuse.", {
  mode: choice(["transaction", "session"], "transaction", {
    doc:
      "`transaction`: a client holds a server connection for a statement, a transaction, or as " +
      "long as something of it cannot be carried over. `session`: until it leaves.",
  }),
  pipeline: choiceOrNumber(["auto", "off"], "auto", { min: 1, max: 1000 }, {
    doc:
      "Whether reads of different sessions go behind each other on one connection. `auto`: those known to be quick; a number: so many at most, quick or not. `transaction` mode only.",
  }),
  consolidate: boolean(false, {
    doc: "Whether reads of different sessions that are word for word the same and under way at " +
      "the same time run once for all. Takes `pipeline`.",
  }),
  connections_max: integer(128, { min: 1, max: 100_000 }, {
    doc: "Connections per server and account, over all workers. Clients beyond that wait. " +
      "`transaction` mode only.",
  }),
  connections_min: integer(0, { min: 0, max: 100_000 }, {
    doc: "Connections per server and account that are kept open, over all workers, once a client " +
      "has logged in. `transaction` mode only, for accounts whose password the proxy knows.",
  }),
  max_age: duration("1h", { min: "0", max: "30d" }, {
    doc: "How long a shared connection is used before another one takes its place, give or take " +
      "a tenth; 0 is for ever. `transaction` mode only.",
  }),
  wait_timeout: duration("10s", { min: "10ms", max: "1h" }, {
    doc: "How long a statement waits for a server connection before its client gets error 1040.",
  }),
  idle_max: integer(64, { min: 0, max: 100_000 }, {
    doc: "Idle connections kept per server; 0 keeps none.",
  }),
  idle_timeout: duration("60s", { min: "10ms", max: "24h" }, {
    doc: "How long an idle connection is kept.",
  }),
  connect_timeout: duration("10s", { min: "10ms", max: "1h" }, {
    doc: "Time to connect to a server.",
    flag: { names: "--connect-timeout", value: "duration", help: "time to connect to a server" },
  }),
});

const proxyProtocol = section("The PROXY protocol of load balancers.", {
  trusted: networks({
    doc: "Networks whose headers (v1 and v2) are believed. Nobody else's are.",
    flag: {
      names: "--proxy-protocol",
      value: "network",
      help: "network whose PROXY headers are believed, as in 10.0.0.0/8",
    },
  }),
  backend: choice(["off", "v2"], "off", {
    doc: "Header sent to servers.",
    flag: {
      names: "--backend-proxy-protocol",
      value: "version",
      help: "PROXY header sent to servers",
    },
  }),
});

const tcp = section("Options of every TCP socket.", {
  keepalive: duration("60s", { min: "0", max: "24h" }, {
    doc: "Idle time before keep-alive probes are sent; 0 is never.",
  }),
  no_delay: boolean(true, { doc: "Whether TCP_NODELAY is set." }),
});

/** Rules are bits of a few words for each statement. */
const RULES_MAX = 256;

/** The schema of a whole configuration file. */
export const fileSchema = v.pipe(
  v.object({
    listen: addresses(["0.0.0.0:3307"], { defaultPort: 3307, portZero: true }, {
      doc: "Where clients are accepted.",
      flag: {
        names: "-l, --listen",
        value: "address",
        help: "where clients are accepted: host:port, [v6]:port or unix:/path",
      },
    }),
    workers: integer(0, { min: 0, max: 256 }, {
      doc: "Worker processes; 0 is one per processor core, but no more than leave each of them " +
        "four of `pool.connections_max`.",
      flag: {
        names: "--workers",
        value: "number",
        help: "worker processes; 0 is one per processor core",
      },
    }),
    backends: addresses([], { defaultPort: 3306, portZero: false }, {
      doc: "The servers. At least one must be given, here, by flag or in the environment.",
      flag: {
        names: "-b, --backend",
        value: "address",
        help: "a server: host, host:port, [v6]:port or unix:/path",
      },
    }),
    watch: boolean(false, {
      doc: "Whether the file is applied whenever it changes, as with SIGHUP.",
    }),
    config: changes,
    account,
    client_tls: clientTls,
    backend_tls: backendTls,
    compression,
    auth,
    user: v.pipe(
      v.optional(v.array(userSchema, mustBeTables("user")), () => []),
      v.metadata({ doc: "An account of the `static` mode; the section may be repeated." }),
    ),
    limits,
    pool,
    monitor,
    cluster,
    server: v.pipe(
      v.optional(v.array(serverSchema, mustBeTables("server")), () => []),
      v.metadata({
        doc: "What is special about a server; the section may be repeated. It adds no server.",
      }),
    ),
    route,
    rule: v.pipe(
      v.optional(
        v.pipe(
          v.array(ruleSchema, mustBeTables("rule")),
          v.maxLength(RULES_MAX, `must be at most ${RULES_MAX}`),
        ),
        () => [],
      ),
      v.metadata({
        doc: "Where some statements go; the section may be repeated. The first that fits counts.",
      }),
    ),
    failover,
    drain,
    proxy_protocol: proxyProtocol,
    tcp,
    log,
    admin,
    http,
    metrics,
    audit,
    slow_log: slowLog,
  }),
  v.forward(
    v.partialCheck([["listen"]], ({ listen }) => listen?.length !== 0, "must name an address"),
    ["listen"],
  ),
  v.forward(
    v.partialCheck(
      [["backends"]],
      ({ backends }) => backends?.length !== 0,
      "must name at least one server, as in --backend 127.0.0.1:3306",
    ),
    ["backends"],
  ),
  v.forward(
    v.partialCheck(
      [["client_tls", "cert"], ["client_tls", "key"]],
      ({ client_tls: tls }) => (tls.cert === "") === (tls.key === ""),
      "must be given together with client_tls.cert",
    ),
    ["client_tls", "key"],
  ),
  v.forward(
    v.partialCheck(
      [["backend_tls", "cert"], ["backend_tls", "key"]],
      ({ backend_tls: tls }) => (tls.cert === "") === (tls.key === ""),
      "must be given together with backend_tls.cert",
    ),
    ["backend_tls", "key"],
  ),
  v.forward(
    v.partialCheck(
      [["account", "user"], ["account", "password"]],
      ({ account }) => account.user !== "" || account.password === "",
      "must be given together with account.password",
    ),
    ["account", "user"],
  ),
  v.forward(
    v.partialCheck(
      [["admin", "listen"], ["admin", "password"], ["account", "user"]],
      ({ admin, account }) =>
        admin.password !== "" || account.user !== "" || isOnThisMachine(admin.listen),
      "must be given, or account.user, when admin.listen can be reached from other machines",
    ),
    ["admin", "password"],
  ),
  v.forward(
    v.partialCheck(
      [["auth", "mode"], ["account", "user"]],
      ({ auth, account }) => auth.mode !== "synced" || account.user !== "",
      'must be given when auth.mode is "synced"',
    ),
    ["account", "user"],
  ),
  v.forward(
    v.partialCheck(
      [["auth", "mode"], ["user"]],
      ({ auth, user }) => auth.mode !== "static" || user?.length !== 0,
      'needs at least one [[user]] to be "static"',
    ),
    ["auth", "mode"],
  ),
);

/** What a valid file says, with defaults filled in; keys still as in TOML. */
export type File = v.InferOutput<typeof fileSchema>;
