// How MySQL and MariaDB say what a switchover of asynchronous replication says to servers.

import type { ServerAddress } from "../../config/mod.ts";
import type { Row } from "../flavor.ts";
import { addressOf, isOn, numeric, text } from "../flavors/answers.ts";
import { MariadbPosition } from "../mariadb_position.ts";
import { insist, type Party, quoted, type SwitchoverSettings } from "./plan.ts";

/** A replica's one channel. */
export interface FollowedSource {
  readonly host: string;
  readonly port: number;
  /** Who the source is, as `identityOf` tells it. */
  readonly id: string;
  readonly isRunning: boolean;
  /** Why not. */
  readonly error: string;
  readonly usesGtid: boolean;
}

/** One of the two. */
export interface Dialect {
  readonly rights: readonly string[];
  /** Whom a server follows; several channels are refused; undefined: nobody. */
  source(party: Party): Promise<FollowedSource | undefined>;
  /** Who a server is. */
  identity(party: Party): Promise<string>;
  /** Why it cannot be the primary of others; empty: it can. */
  unfit(party: Party): Promise<string>;
  /** How far its data goes. */
  position(party: Party): Promise<string>;
  /** Whether the primary has all that a replica has. */
  contains(primary: Party, position: string): Promise<boolean>;
  /** One row with a zero when the position was reached. */
  waitFor(position: string, timeoutMs: number): string;
  readonly start: string;
  readonly stop: string;
  readonly forget: string;
  /** Follows another source with the credentials that it has. */
  follow(host: string, port: number): string;
  /** What makes the old primary a replica; found out before anything is changed. */
  demotion(
    parties: { readonly primary: Party; readonly target: Party },
    settings: SwitchoverSettings,
  ): Promise<(host: string, port: number) => string>;
  readonly close: string;
  readonly reopen: string;
  /** The variable that makes a source wait for acknowledgements. */
  readonly semiSync: string;
}

/** Where a server says that it is found. */
export async function reportedAddress({ session }: Party): Promise<ServerAddress | undefined> {
  const [row] = await session.query(
    "SELECT @@report_host AS host, @@report_port AS report_port, @@port AS port",
  );
  return addressOf(text(row, "host"), numeric(row, "report_port") || numeric(row, "port"));
}

/** MySQL from 8.0.23 on. */
export const mysql: Dialect = {
  rights: ["SYSTEM_VARIABLES_ADMIN", "REPLICATION_SLAVE_ADMIN", "RELOAD"],

  async source(party) {
    const rows = (await party.session.query("SHOW REPLICA STATUS")).filter((row) =>
      !text(row, "channel_name").startsWith("group_replication")
    );
    insist(rows.length < 2, `${party.server.name} replicates by ${rows.length} channels`);
    const [row] = rows;
    if (row === undefined) return undefined;
    const channel = text(row, "channel_name");
    insist(channel === "", `${party.server.name} replicates by a channel with a name, ${channel}`);
    return {
      host: text(row, "source_host"),
      port: numeric(row, "source_port") ?? 0,
      id: text(row, "source_uuid").toLowerCase(),
      isRunning: isYes(row, "replica_io_running") && isYes(row, "replica_sql_running"),
      error: text(row, "last_sql_error") || text(row, "last_io_error"),
      usesGtid: text(row, "auto_position") === "1",
    };
  },

  identity: async (party) => (await value(party, "SELECT @@server_uuid")).toLowerCase(),

  async unfit(party) {
    const [row] = await party.session.query(
      "SELECT @@log_bin AS bin, @@log_replica_updates AS updates, @@gtid_mode AS gtid",
    );
    if (text(row, "bin") !== "1") return "log_bin is off";
    if (text(row, "updates") !== "1") return "log_replica_updates is off";
    return text(row, "gtid") === "ON" ? "" : "gtid_mode is not ON";
  },

  position: async (party) =>
    (await value(party, "SELECT @@global.gtid_executed")).replaceAll("\n", ""),

  contains: async (primary, position) =>
    await value(
      primary,
      `SELECT GTID_SUBSET('${position}', @@global.gtid_executed)`,
    ) === "1",

  waitFor: (position, timeoutMs) =>
    `SELECT WAIT_FOR_EXECUTED_GTID_SET('${position}', ${timeoutMs / 1000})`,

  start: "START REPLICA",
  stop: "STOP REPLICA",
  forget: "RESET REPLICA ALL",

  follow: (host, port) =>
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST=${quoted(host)}, SOURCE_PORT=${port}, ` +
    "SOURCE_AUTO_POSITION=1",

  async demotion({ target }, settings) {
    const [row] = await target.session.query(
      "SELECT * FROM mysql.slave_master_info WHERE Channel_name = ''",
    );
    insist(
      settings.replicationUser !== "" || text(row, "user_name") !== "",
      `${target.server.name} does not keep the account that it replicates with: ` +
        "failover.replication_user says one",
    );
    const options = sourceOptions(row, settings);
    return (host, port) => `${mysql.follow(host, port)}, ${options.join(", ")}`;
  },

  close: "SET GLOBAL super_read_only = 1",
  reopen: "SET GLOBAL read_only = 0", // the other one goes off with it
  semiSync: "rpl_semi_sync_source_enabled",
};

/** How the target connects, for another server to connect likewise. */
function sourceOptions(row: Row | undefined, settings: SwitchoverSettings): readonly string[] {
  const isOwn = settings.replicationUser === "";
  const texts = [
    ["SOURCE_USER", isOwn ? text(row, "user_name") : settings.replicationUser],
    ["SOURCE_PASSWORD", isOwn ? text(row, "user_password") : settings.replicationPassword],
    ["SOURCE_SSL_CA", text(row, "ssl_ca")],
    ["SOURCE_SSL_CAPATH", text(row, "ssl_capath")],
    ["SOURCE_SSL_CERT", text(row, "ssl_cert")],
    ["SOURCE_SSL_KEY", text(row, "ssl_key")],
    ["SOURCE_SSL_CIPHER", text(row, "ssl_cipher")],
    ["SOURCE_TLS_VERSION", text(row, "tls_version")],
    ["SOURCE_PUBLIC_KEY_PATH", text(row, "public_key_path")],
  ].flatMap(([name, written]) => written === "" ? [] : [`${name}=${quoted(written)}`]);
  const numbers = [
    ["SOURCE_SSL", "enabled_ssl"],
    ["SOURCE_SSL_VERIFY_SERVER_CERT", "ssl_verify_server_cert"],
    ["GET_SOURCE_PUBLIC_KEY", "get_public_key"],
    ["SOURCE_CONNECT_RETRY", "connect_retry"],
    ["SOURCE_RETRY_COUNT", "retry_count"],
  ].flatMap(([name, column]) => {
    const number = numeric(row, column);
    return number === undefined ? [] : [`${name}=${number}`];
  });
  return [...texts, ...numbers];
}

/** MariaDB from 10.5 on. */
export const mariadb: Dialect = {
  rights: ["READ_ONLY ADMIN", "REPLICATION SLAVE ADMIN", "REPLICATION MASTER ADMIN", "RELOAD"],

  async source(party) {
    const rows = await party.session.query("SHOW ALL SLAVES STATUS");
    insist(rows.length < 2, `${party.server.name} replicates by ${rows.length} connections`);
    const [row] = rows;
    if (row === undefined) return undefined;
    const name = text(row, "connection_name");
    insist(name === "", `${party.server.name} replicates by a connection with a name, ${name}`);
    return {
      host: text(row, "master_host"),
      port: numeric(row, "master_port") ?? 0,
      id: text(row, "master_server_id"),
      isRunning: isYes(row, "slave_io_running") && isYes(row, "slave_sql_running"),
      error: text(row, "last_sql_error") || text(row, "last_io_error"),
      usesGtid: /^(?:slave|current)_pos$/i.test(text(row, "using_gtid")),
    };
  },

  identity: (party) => value(party, "SELECT @@server_id"),

  async unfit(party) {
    const [row] = await party.session.query(
      "SELECT @@log_bin AS bin, @@log_slave_updates AS updates",
    );
    if (text(row, "bin") !== "1") return "log_bin is off";
    return text(row, "updates") === "1" ? "" : "log_slave_updates is off";
  },

  position: (party) => value(party, "SELECT @@global.gtid_binlog_pos"),

  /** What a replica has and the primary has not stands in a domain of its own, or further on. */
  async contains(primary, position) {
    const own = MariadbPosition.parse(await mariadb.position(primary));
    return own.contains(MariadbPosition.parse(position));
  },

  waitFor: (position, timeoutMs) => `SELECT MASTER_GTID_WAIT('${position}', ${timeoutMs / 1000})`,

  start: "START SLAVE",
  stop: "STOP SLAVE",
  forget: "RESET SLAVE ALL",

  follow: (host, port) =>
    `CHANGE MASTER TO MASTER_HOST=${quoted(host)}, MASTER_PORT=${port}, MASTER_USE_GTID=slave_pos`,

  async demotion({ primary, target }, { replicationUser, replicationPassword }) {
    const [major = 0, minor = 0] = primary.server.version.split(".").map(Number);
    // Its own writes count as replicated, so that it does not ask for them.
    const isNew = major > 10 || (major === 10 && minor >= 10);
    const [kept] = await primary.session.query("SHOW ALL SLAVES STATUS");
    insist(
      replicationUser !== "" || text(kept, "master_user") !== "",
      `${primary.server.name} was never a replica and MariaDB does not tell its replicas' ` +
        "password: failover.replication_user and replication_password say what it is to use",
    );
    const account = replicationUser === ""
      ? ""
      : `, MASTER_USER=${quoted(replicationUser)}, MASTER_PASSWORD=${quoted(replicationPassword)}`;
    const [row] = await target.session.query("SHOW ALL SLAVES STATUS");
    const options = masterOptions(row).map((option) => `, ${option}`).join("");
    return (host, port) =>
      `CHANGE MASTER TO MASTER_HOST=${quoted(host)}, MASTER_PORT=${port}${account}${options}, ` +
      (isNew
        ? "MASTER_USE_GTID=slave_pos, MASTER_DEMOTE_TO_SLAVE=1"
        : "MASTER_USE_GTID=current_pos");
  },

  close: "SET GLOBAL read_only = 1",
  reopen: "SET GLOBAL read_only = 0",
  semiSync: "rpl_semi_sync_master_enabled",
};

/** How the target connects, without the account: MariaDB does not tell it. */
function masterOptions(row: Row | undefined): readonly string[] {
  const texts = [
    ["MASTER_SSL_CA", "master_ssl_ca_file"],
    ["MASTER_SSL_CAPATH", "master_ssl_ca_path"],
    ["MASTER_SSL_CERT", "master_ssl_cert"],
    ["MASTER_SSL_KEY", "master_ssl_key"],
    ["MASTER_SSL_CIPHER", "master_ssl_cipher"],
  ].flatMap(([name, column]) => {
    const written = text(row, column);
    return written === "" ? [] : [`${name}=${quoted(written)}`];
  });
  const retry = numeric(row, "connect_retry");
  return [
    ...texts,
    `MASTER_SSL=${isOn(row, "master_ssl_allowed") ? 1 : 0}`,
    `MASTER_SSL_VERIFY_SERVER_CERT=${isOn(row, "master_ssl_verify_server_cert") ? 1 : 0}`,
    ...(retry === undefined ? [] : [`MASTER_CONNECT_RETRY=${retry}`]),
  ];
}

function isYes(row: Row, name: string): boolean {
  return text(row, name) === "Yes";
}

/** A statement's only value. */
export async function value({ session }: Party, sql: string): Promise<string> {
  const [row] = await session.query(sql);
  return String(Object.values(row ?? {})[0] ?? "");
}
