// mysql_servers, mysql_users, mysql_query_rules and global_variables with what is like them: each as it
// runs, and as it is being edited (memory.ts).

import { formatNetwork, type Rule, type UserAccount } from "../../config/mod.ts";
import { nativeHash } from "../../auth/mod.ts";
import { type Table, table } from "../table.ts";
import { diskSource } from "../config_files.ts";
import { type GroupedServer, groupedServers, hostgroupsOf } from "./hostgroups.ts";
import { variableRows, VARIABLES } from "./variables.ts";

/** Stands for a password; who writes it back leaves the password as it is. */
export const PASSWORD_MASK = "********";

const UNUSED = "Not used here: always the same.";
const integer = (value: number) => `NOT NULL DEFAULT ${value}`;
const EMPTY = "NOT NULL DEFAULT ''";

/** A table as it is edited, as it is in force, and as the configuration file has it. */
export interface Layers {
  readonly memory: Table;
  readonly runtime: Table;
  readonly disk: Table;
}

function layers<Row>(name: string, declaration: Parameters<typeof table<Row>>[1]): Layers {
  return {
    memory: table<Row>(name, declaration),
    runtime: table<Row>(`runtime_${name}`, {
      ...declaration,
      doc: `As \`${name}\`, as it is in force; it cannot be written to.`,
    }),
    disk: table<Row>(name, {
      ...declaration,
      schema: "disk",
      doc: `As \`${name}\`, as the configuration file has it; it cannot be written to.`,
      rows: (source) => declaration.rows(diskSource(source)),
    }),
  };
}

/** One row a server. */
export const serverLayers: Layers = layers<GroupedServer>("mysql_servers", {
  doc:
    "The servers in their hostgroups: a primary is in `admin.writer_hostgroup`, all others are in " +
    "`admin.reader_hostgroup`. What can be written is `status`, `weight` and, where `backends` stands " +
    "in the file, which servers there are.",
  key: ["hostgroup_id", "hostname", "port"],
  rows: ({ view }) => groupedServers(view.running),
  columns: {
    hostgroup_id: ["INTEGER", "The hostgroup.", ({ hostgroup }) => hostgroup, integer(0)],
    hostname: ["TEXT", "Its host, or the path of its socket.", ({ host }) => host, "NOT NULL"],
    port: ["INTEGER", "Its port; 0: a socket.", ({ port }) => port, integer(3306)],
    gtid_port: ["INTEGER", UNUSED, () => 0, integer(0)],
    status: [
      "TEXT",
      "`ONLINE`; `OFFLINE_SOFT`: drained; `SHUNNED`: it gets no new work, as the proxy sees it; " +
      "written, it is `ONLINE`.",
      ({ status }) => status,
      "NOT NULL DEFAULT 'ONLINE' CHECK (upper(status) IN " +
      "('ONLINE', 'SHUNNED', 'OFFLINE_SOFT', 'OFFLINE_HARD'))",
    ],
    weight: [
      "INTEGER",
      "Its share of the work beside others of its role.",
      ({ weight }) => weight,
      "NOT NULL DEFAULT 1 CHECK (weight >= 0)",
    ],
    compression: ["INTEGER", UNUSED, () => 0, integer(0)],
    max_connections: ["INTEGER", UNUSED, () => 1000, integer(1000)],
    max_replication_lag: ["INTEGER", UNUSED, () => 0, integer(0)],
    use_ssl: ["INTEGER", UNUSED, () => 0, integer(0)],
    max_latency_ms: ["INTEGER", UNUSED, () => 0, integer(0)],
    comment: ["TEXT", "Its tags, with commas.", ({ tags }) => tags.join(","), EMPTY],
  },
});

/** A user with the writers' hostgroup. */
interface UserRow extends UserAccount {
  readonly hostgroup: number;
  /** As it is shown. */
  readonly password: string;
}

/**
 * A password as ProxySQL shows it: its hash. One that is configured as a hash is shown as it is,
 * another one by mysql_native_password's, which depends on nothing but the password: who writes the
 * same hash again finds it there.
 */
export function shownPassword({ secret }: UserAccount): string {
  return secret.kind === "hash" ? secret.hash : nativeHash(secret.password);
}

/** One row an account of the configuration. */
export const userLayers: Layers = layers<UserRow>("mysql_users", {
  doc: "The accounts of the configuration (`[[user]]`), which decide in the mode `static` of " +
    "`auth.mode`.",
  key: ["username", "backend", "attributes"],
  rows: ({ view: { running: { config } }, showsSecrets }) =>
    config.users.map((user) => ({
      ...user,
      hostgroup: hostgroupsOf(config).writer,
      password: showsSecrets ? shownPassword(user) : PASSWORD_MASK,
    })),
  columns: {
    username: ["TEXT", "The account's name.", ({ name }) => name, "NOT NULL"],
    password: [
      "TEXT",
      "Its hash: the one that is configured, or that of mysql_native_password; written again, or " +
      `as \`${PASSWORD_MASK}\`, it stays as it is. For \`stats\` \`${PASSWORD_MASK}\`.`,
      ({ password }) => password,
    ],
    active: ["INTEGER", UNUSED, () => 1, integer(1)],
    use_ssl: [
      "INTEGER",
      "1 if the client's connection must be TLS.",
      ({ require }) => require !== "none",
      integer(0),
    ],
    default_hostgroup: [
      "INTEGER",
      "The writers' hostgroup.",
      ({ hostgroup }) => hostgroup,
      integer(0),
    ],
    default_schema: ["TEXT", UNUSED, () => null],
    schema_locked: ["INTEGER", UNUSED, () => 0, integer(0)],
    transaction_persistent: ["INTEGER", UNUSED, () => 1, integer(1)],
    fast_forward: ["INTEGER", UNUSED, () => 0, integer(0)],
    backend: ["INTEGER", UNUSED, () => 1, integer(1)],
    frontend: ["INTEGER", UNUSED, () => 1, integer(1)],
    max_connections: ["INTEGER", UNUSED, () => 10_000, integer(10_000)],
    attributes: [
      "TEXT",
      'The account\'s host as JSON, `{"host":"10.%"}`; empty: `%`.',
      ({ host }) => host === "%" ? "" : JSON.stringify({ host }),
      EMPTY,
    ],
    comment: ["TEXT", "The authentication plugin.", ({ plugin }) => plugin, EMPTY],
  },
});

interface RuleRow extends Rule {
  readonly number: number;
  readonly hostgroup: number | null;
}

/** Empty where there is nothing of it. */
function ruleAttributes({ tags, consistency }: Rule): string {
  const attributes = {
    ...(tags.length > 0 && { tags }),
    ...(consistency !== "default" && { consistency }),
  };
  return Object.keys(attributes).length === 0 ? "" : JSON.stringify(attributes);
}

const given = (text: string) => text === "" ? null : text;

/** One row a rule. */
export const ruleLayers: Layers = layers<RuleRow>("mysql_query_rules", {
  doc: "The rules of the configuration (`[[rule]]`), in their order: the first that fits counts.",
  key: ["rule_id"],
  rows: ({ view: { running: { config } } }) => {
    const { writer, reader } = hostgroupsOf(config);
    const groups = { any: null, primary: writer, replica: reader };
    return config.rules.map((rule, at) => ({
      ...rule,
      number: at + 1,
      hostgroup: groups[rule.target],
    }));
  },
  columns: {
    rule_id: ["INTEGER", "Its place, from 1 on.", ({ number }) => number],
    active: ["INTEGER", "Always 1; it has to be written.", () => 1, integer(0)],
    username: ["TEXT", "The account it is for. NULL: any.", ({ user }) => given(user)],
    schemaname: ["TEXT", "The default schema it is for. NULL: any.", ({ schema }) => given(schema)],
    flagIN: ["INTEGER", UNUSED, () => 0, integer(0)],
    client_addr: [
      "TEXT",
      "The networks it is for, with commas. NULL: any.",
      ({ clients }) => given(clients.map(formatNetwork).join(",")),
    ],
    proxy_addr: ["TEXT", UNUSED, () => null],
    proxy_port: ["INTEGER", UNUSED, () => null],
    digest: ["TEXT", UNUSED, () => null],
    match_digest: [
      "TEXT",
      "The statement's digest as text, no pattern. NULL: any.",
      ({ digest }) => given(digest),
    ],
    match_pattern: [
      "TEXT",
      "The pattern of its text. NULL: any.",
      ({ statement }) => given(statement),
    ],
    negate_match_pattern: ["INTEGER", UNUSED, () => 0, integer(0)],
    re_modifiers: ["TEXT", UNUSED, () => "CASELESS", "DEFAULT 'CASELESS'"],
    flagOUT: ["INTEGER", UNUSED, () => null],
    replace_pattern: ["TEXT", UNUSED, () => null],
    destination_hostgroup: [
      "INTEGER",
      "The hostgroup of its `target`. NULL: `any`.",
      ({ hostgroup }) => hostgroup,
    ],
    cache_ttl: ["INTEGER", UNUSED, () => null],
    cache_empty_result: ["INTEGER", UNUSED, () => null],
    cache_timeout: ["INTEGER", UNUSED, () => null],
    reconnect: ["INTEGER", UNUSED, () => null],
    timeout: ["INTEGER", UNUSED, () => null],
    retries: ["INTEGER", UNUSED, () => null],
    delay: ["INTEGER", UNUSED, () => null],
    next_query_flagIN: ["INTEGER", UNUSED, () => null],
    mirror_flagOUT: ["INTEGER", UNUSED, () => null],
    mirror_hostgroup: ["INTEGER", UNUSED, () => null],
    error_msg: ["TEXT", UNUSED, () => null],
    OK_msg: ["TEXT", UNUSED, () => null],
    sticky_conn: ["INTEGER", UNUSED, () => null],
    multiplex: ["INTEGER", UNUSED, () => null],
    gtid_from_hostgroup: ["INTEGER", UNUSED, () => null],
    log: [
      "INTEGER",
      "Whether the audit log has its statements: 1 always, 0 never. NULL: as `[audit]` says.",
      ({ audit }) => audit === "default" ? null : Number(audit === "always"),
    ],
    apply: ["INTEGER", "Always 1; it has to be written.", () => 1, integer(0)],
    attributes: [
      "TEXT",
      'What ProxySQL has not, as JSON: `{"tags":["near"],"consistency":"global"}`.',
      ruleAttributes,
      EMPTY,
    ],
    comment: ["TEXT", "Its name.", ({ name }) => name],
  },
});

/** One row: the two hostgroups. */
export const hostgroupLayers: Layers = layers<{ readonly writer: number; readonly reader: number }>(
  "mysql_replication_hostgroups",
  {
    doc: "The two hostgroups, `admin.writer_hostgroup` and `admin.reader_hostgroup`, to be read.",
    key: ["writer_hostgroup"],
    rows: ({ view }) => [hostgroupsOf(view.running.config)],
    columns: {
      writer_hostgroup: ["INTEGER", "The primary's.", ({ writer }) => writer],
      reader_hostgroup: ["INTEGER", "All others'.", ({ reader }) => reader],
      check_type: ["TEXT", UNUSED, () => "read_only"],
      comment: ["TEXT", UNUSED, () => ""],
    },
  },
);

/** One row a variable. */
export const variableLayers: Layers = layers<readonly [string, string]>("global_variables", {
  doc:
    "ProxySQL's names for what the configuration says. Those that can be written, with their keys: " +
    [...VARIABLES.values()].flatMap(({ name, key }) => key ? [`\`${name}\` (\`${key.path}\`)`] : [])
      .join(", ") +
    ".",
  key: ["variable_name"],
  rows: ({ view }) => variableRows(view.running),
  columns: {
    variable_name: ["TEXT", "The name.", ([name]) => name, "NOT NULL"],
    variable_value: ["TEXT", "Its value; times in milliseconds.", ([, value]) => value, "NOT NULL"],
  },
});

const ALL_LAYERS = [serverLayers, userLayers, ruleLayers, hostgroupLayers, variableLayers];

/** Those that are edited, those that show what is in force, and those of the file. */
export const configTables: readonly Table[] = ALL_LAYERS.flatMap(({ memory, runtime, disk }) => [
  memory,
  runtime,
  disk,
]);

/** One row a rule. What has gone where, by reason, is in SHOW ROUTES. */
export const ruleHits: Table = table<readonly [number: number, hits: number]>(
  "stats_mysql_query_rules",
  {
    schema: "stats",
    doc: "The rules by number. SHOW ROUTES tells what has gone where, rules as one reason.",
    rows: ({ view: { running } }) => {
      const { rules: hits } = running.usage();
      return running.config.rules.map((rule, at) => [at + 1, hits.of(rule)] as const);
    },
    columns: {
      rule_id: ["INTEGER", "Its place, from 1 on.", ([number]) => number],
      hits: ["INTEGER", "As in the table `rules`.", ([, hits]) => hits],
    },
  },
);
