// stats_mysql_free_connections, _prepared_statements_info, _gtid_executed and _client_host_cache: what
// connections and sessions have, how far servers are, who fails to log in.

import { createHash } from "node:crypto";
import { formatPosition } from "../../cluster/mod.ts";
import type {
  BackendFacts,
  ConnectionDetails,
  FailedAddress,
  PreparedDetails,
} from "../../session/mod.ts";
import { digestOf } from "../../sql/mod.ts";
import { type Source, type Table, table } from "../table.ts";
import { grown } from "./baselines.ts";
import { type GroupedServer, groupedServers, hostgroupsOf, serverFinder } from "./hostgroups.ts";
import { RESET } from "./statement_stats.ts";

interface FreeConnection extends BackendFacts {
  readonly found: GroupedServer | undefined;
  readonly writer: number;
  /** Undefined: nobody knows but the server. */
  readonly known: ConnectionDetails | undefined;
}

const freeConnections = table<FreeConnection>("stats_mysql_free_connections", {
  schema: "stats",
  doc: "Server connections that no session has.",
  rows: async (source) => {
    const find = serverFinder(source);
    const { writer } = hostgroupsOf(source.view.running.config);
    const details = (await source.details()).flatMap(({ connections }) => connections);
    const known = new Map(details.map((each) => [`${each.server} ${each.thread}`, each]));
    return (await source.surveys()).flatMap(({ backends }) => backends)
      .filter(({ session }) => session === null)
      .map((facts) => ({
        ...facts,
        found: find(facts.server),
        writer,
        known: known.get(`${facts.server} ${facts.thread}`),
      }));
  },
  columns: {
    fd: ["INTEGER", "The server's id of it.", ({ thread }) => thread],
    hostgroup: [
      "INTEGER",
      "The server's hostgroup.",
      ({ found, writer }) => found?.hostgroup ?? writer,
    ],
    srv_host: [
      "TEXT",
      "Its host, or the path of its socket.",
      ({ found, server }) => found?.host ?? server,
    ],
    srv_port: ["INTEGER", "Its port; 0: a socket.", ({ found }) => found?.port ?? 0],
    user: ["TEXT", "The account's name.", ({ user }) => user],
    schema: ["TEXT", "Its default schema; empty: none, or not known.", ({ db }) => db ?? ""],
    init_connect: ["TEXT", "There is nothing like it here: empty.", () => ""],
    time_zone: [
      "TEXT",
      "What is set on it; empty: not known.",
      ({ known }) => known?.timeZone ?? "",
    ],
    sql_mode: ["TEXT", "The same.", ({ known }) => known?.sqlMode ?? ""],
    autocommit: [
      "TEXT",
      "`1` or `0`; empty: not known.",
      ({ known }) => known?.autocommit == null ? "" : known.autocommit ? "1" : "0",
    ],
    idle_ms: ["INTEGER", "How long nobody has used it.", ({ idleMs }) => Math.round(idleMs ?? 0)],
    statistics: [
      "TEXT",
      'As JSON: its age and its prepared statements, `{"age_ms":7,"prepared":1}`.',
      ({ ageMs, known }) =>
        JSON.stringify({
          ...(ageMs === null ? {} : { age_ms: Math.round(ageMs) }),
          ...(known === undefined ? {} : { prepared: known.prepared }),
        }),
    ],
    mysql_info: [
      "TEXT",
      'As JSON: charsets and settings that are set on it, `{"charset":"utf8mb4","settings":"…"}`.',
      ({ known }) =>
        known === undefined
          ? "{}"
          : JSON.stringify({ charset: known.charsets.client, settings: known.settings }),
    ],
  },
});

interface PreparedRow extends PreparedDetails {
  readonly number: number;
  readonly digest: string;
}

const MODE = { noBackslashEscapes: false, ansiQuotes: false };

/** As stats_mysql_query_digest has it, where that has it. */
function digestFinder({ view }: Source): (text: string) => string {
  const known = new Map(
    view.running.metrics().digests.flatMap(({ digest }) =>
      digest === undefined ? [] : [[digest.text, digest.hash] as const]
    ),
  );
  return (text) => {
    const bytes = Buffer.from(text);
    const normalised = digestOf(bytes, 0, bytes.length, MODE);
    const hash = known.get(Buffer.from(normalised, "latin1").toString()) ??
      createHash("sha256").update(normalised, "latin1").digest("hex");
    return `0x${hash.slice(0, 16).toUpperCase()}`;
  };
}

const preparedStatements = table<PreparedRow>("stats_mysql_prepared_statements_info", {
  schema: "stats",
  doc:
    "Statements that sessions with transaction pooling have prepared, at most 10,000 of each worker.",
  rows: async (source) => {
    const all = (await source.details()).flatMap(({ statements }) => statements);
    const digest = digestFinder(source);
    const sums = new Map<string, PreparedDetails>();
    for (const each of all) {
      const key = JSON.stringify([each.user, each.schema, each.text]);
      const known = sums.get(key);
      sums.set(key, {
        ...each,
        clients: each.clients + (known?.clients ?? 0),
        servers: each.servers + (known?.servers ?? 0),
      });
    }
    return [...sums.values()].map((row, at) => ({
      ...row,
      number: at + 1,
      digest: digest(row.text),
    }));
  },
  columns: {
    global_stmt_id: ["INTEGER", "Its place in this table.", ({ number }) => number],
    schemaname: ["TEXT", "The default schema; empty: none.", ({ schema }) => schema],
    username: ["TEXT", "The account's name.", ({ user }) => user],
    digest: [
      "TEXT",
      "As in stats_mysql_query_digest.",
      ({ digest }) => digest,
    ],
    ref_count_client: ["INTEGER", "Statements of sessions.", ({ clients }) => clients],
    ref_count_server: ["INTEGER", "Those on server connections.", ({ servers }) => servers],
    num_columns: ["INTEGER", "There is no such figure: 0.", () => 0],
    num_params: ["INTEGER", "Its parameters.", ({ parameters }) => parameters],
    query: ["TEXT", "The start of its text, at most 1024 bytes.", ({ text }) => text],
  },
});

type Positioned = GroupedServer & { readonly position: string };

const gtidExecuted = table<Positioned>("stats_mysql_gtid_executed", {
  schema: "stats",
  doc: "How far servers with GTIDs are, as they were looked at last.",
  rows: ({ view }) =>
    groupedServers(view.running).flatMap((server) => {
      const { position } = server.watched ?? {};
      const isGtid = position?.kind === "gtid" || position?.kind === "mariadb";
      return isGtid ? [{ ...server, position: formatPosition(position) }] : [];
    }),
  columns: {
    hostname: ["TEXT", "The server's host, or the path of its socket.", ({ host }) => host],
    port: ["INTEGER", "Its port; 0: a socket.", ({ port }) => port],
    gtid_executed: ["TEXT", "Its GTIDs.", ({ position }) => position],
    events: ["INTEGER", "There is no such figure: 0.", () => 0],
  },
});

interface FailingHost {
  readonly address: string;
  readonly failures: number;
  readonly lastMs: number;
}

/** By address. Each worker knows of the others' failures. */
async function failingHosts(source: Source): Promise<FailingHost[]> {
  const all = (await source.details()).flatMap(({ failedAddresses }) => failedAddresses);
  const hosts = new Map<string, FailingHost>();
  for (const { address, failures, ageMs } of all as readonly FailedAddress[]) {
    const known = hosts.get(address);
    hosts.set(address, {
      address,
      failures: Math.max(failures, known?.failures ?? 0),
      lastMs: Math.max(source.nowMs - ageMs, known?.lastMs ?? 0),
    });
  }
  return [...hosts.values()];
}

function clientHosts(name: string, doc: string, resets = false): Table {
  return table<FailingHost>(name, {
    schema: "stats",
    doc,
    resets,
    async rows(source) {
      const hosts = await failingHosts(source);
      if (!resets) return hosts;
      const { hosts: marks } = source.baselines;
      const since = hosts.map((host) => ({
        ...host,
        failures: grown(host.failures, marks.get(host.address)),
      }));
      // Those that the proxy has forgotten are forgotten here, too.
      marks.clear();
      for (const { address, failures } of hosts) marks.set(address, failures);
      return since.filter(({ failures }) => failures > 0);
    },
    columns: {
      client_address: ["TEXT", "The address; of IPv6 its first 64 bits.", ({ address }) => address],
      error_count: ["INTEGER", "Logins that have failed.", ({ failures }) => failures],
      last_updated: [
        "INTEGER",
        "When the last of them did, in seconds since 1970.",
        ({ lastMs }) => Math.floor(lastMs / 1000),
      ],
    },
  });
}

/** All of them. */
export const connectionTables: readonly Table[] = [
  freeConnections,
  preparedStatements,
  gtidExecuted,
  clientHosts(
    "stats_mysql_client_host_cache",
    "Addresses that logins have failed from within `auth.failure_window`, which are slowed and refused.",
  ),
  clientHosts("stats_mysql_client_host_cache_reset", `${RESET} Nobody is let in for it.`, true),
];
