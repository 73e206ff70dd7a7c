// The accounts and databases every real server under test starts with.

/** An account as a client names it; `plugin` is what the server authenticates it with. */
export interface Account {
  readonly user: string;
  readonly password: string;
  readonly plugin: string;
}

/** Accounts by purpose; those a server kind lacks are absent. */
export interface Accounts {
  /** All privileges, any host. The plugin is the server kind's usual one. */
  readonly app: Account;
  /** Another such account, to change to. */
  readonly second: Account;
  /** Empty password, any host. */
  readonly nopass: Account;
  /** REQUIRE SSL. */
  readonly tlsonly: Account;
  /** Reads mysql.*, sees all processes, kills connections: what a proxy's own account needs. */
  readonly monitor: Account;
  /** REPLICATION SLAVE. */
  readonly repl: Account;
  /** mysql_native_password; MariaDB only. */
  readonly native?: Account;
  /** client_ed25519; MariaDB only. */
  readonly ed25519?: Account;
  /** sha256_password; MySQL only. */
  readonly sha256?: Account;
}

function account(user: string, plugin: string, password = user): Account {
  return { user, password, plugin };
}

const MARIADB: Accounts = {
  app: account("app", "mysql_native_password"),
  second: account("second", "mysql_native_password"),
  nopass: account("nopass", "mysql_native_password", ""),
  tlsonly: account("tlsonly", "mysql_native_password"),
  monitor: account("monitor", "mysql_native_password"),
  repl: account("repl", "mysql_native_password"),
  native: account("native", "mysql_native_password"),
  ed25519: account("ed25519", "ed25519"),
};

const MYSQL: Accounts = {
  app: account("app", "caching_sha2_password"),
  second: account("second", "caching_sha2_password"),
  nopass: account("nopass", "caching_sha2_password", ""),
  tlsonly: account("tlsonly", "caching_sha2_password"),
  monitor: account("monitor", "caching_sha2_password"),
  repl: account("repl", "caching_sha2_password"),
  sha256: account("sha256", "sha256_password"),
};

/** The two server kinds tests know. */
export type ServerKind = "mariadb" | "mysql";

/** Accounts of a server kind. */
export function accountsOf(kind: ServerKind): Accounts {
  return kind === "mariadb" ? MARIADB : MYSQL;
}

/** Statements that make the accounts and databases on a fresh server. */
export function accountStatements(kind: ServerKind): string[] {
  // MariaDB's bootstrap starts without grant tables; this loads them.
  const statements = kind === "mariadb" ? ["FLUSH PRIVILEGES"] : [];
  const create = ({ user, password, plugin }: Account, options = "") => {
    const how = kind === "mariadb"
      ? `VIA ${plugin} USING PASSWORD('${password}')`
      : `WITH ${plugin} BY '${password}'`;
    statements.push(`CREATE USER '${user}'@'%' IDENTIFIED ${how}${options}`);
  };
  const accounts = accountsOf(kind);
  statements.push(
    "CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY ''",
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION",
  );
  const { app, second, nopass, native, ed25519, sha256 } = accounts;
  for (const each of [app, second, nopass, native, ed25519, sha256]) {
    if (each === undefined) continue;
    create(each);
    statements.push(`GRANT ALL PRIVILEGES ON *.* TO '${each.user}'@'%' WITH GRANT OPTION`);
  }
  create(accounts.tlsonly, " REQUIRE SSL");
  statements.push("GRANT SELECT ON *.* TO 'tlsonly'@'%'");
  create(accounts.monitor);
  create(accounts.repl);
  statements.push(
    "GRANT PROCESS, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'monitor'@'%'",
    "GRANT SELECT ON mysql.* TO 'monitor'@'%'",
    kind === "mariadb"
      ? "GRANT CONNECTION ADMIN, REPLICA MONITOR ON *.* TO 'monitor'@'%'"
      : "GRANT CONNECTION_ADMIN ON *.* TO 'monitor'@'%'",
    "GRANT SELECT ON performance_schema.* TO 'monitor'@'%'",
    "GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'",
    "CREATE DATABASE IF NOT EXISTS test",
    "CREATE DATABASE IF NOT EXISTS other",
  );
  return statements;
}
