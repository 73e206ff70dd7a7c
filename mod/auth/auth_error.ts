// The errors of a login as values, with the codes, states and texts of the servers.

/** Whose texts are used: the two families differ in a few. */
export type Flavor = "mysql" | "mariadb";

/** What an ERR packet needs. */
export interface AuthError {
  /** The server's error number. */
  readonly code: number;
  /** SQLSTATE, five characters. */
  readonly sqlState: string;
  /** The text; never holds a secret. */
  readonly message: string;
}

/** Whom an error names. */
export interface ErrorSubject {
  /** User name as the client gave it. */
  readonly user: string;
  /** Host name or address as the server would show it. */
  readonly host: string;
}

/** 1045: the login failed. */
export function accessDenied(subject: ErrorSubject, usingPassword: boolean): AuthError {
  const used = usingPassword ? "YES" : "NO";
  return {
    code: 1045,
    sqlState: "28000",
    message: `Access denied for user '${subject.user}'@'${subject.host}' (using password: ${used})`,
  };
}

/** 3118 (MySQL) or 4151 (MariaDB): the password was right, the account is locked. */
export function accountLocked(subject: ErrorSubject, flavor: Flavor): AuthError {
  if (flavor === "mariadb") {
    return { code: 4151, sqlState: "HY000", message: "Access denied, this account is locked" };
  }
  return {
    code: 3118,
    sqlState: "HY000",
    message: `Access denied for user '${subject.user}'@'${subject.host}'. Account is locked.`,
  };
}

/** 1862: the password has expired and the client cannot change it after the login. */
export function passwordExpired(): AuthError {
  return {
    code: 1862,
    sqlState: "HY000",
    message: "Your password has expired. To log in you must change it using a client that " +
      "supports expired passwords.",
  };
}

/** 1820: the answer to every statement but a new password, in a session whose password expired. */
export function mustResetPassword(flavor: Flavor): AuthError {
  return {
    code: 1820,
    sqlState: "HY000",
    message: flavor === "mariadb"
      ? "You must SET PASSWORD before executing this statement"
      : "You must reset your password using ALTER USER statement before executing this statement.",
  };
}

/** 1251: the account needs a plugin that a client without CLIENT_PLUGIN_AUTH cannot be asked for. */
export function pluginNotSupportedByClient(): AuthError {
  return {
    code: 1251,
    sqlState: "08004",
    message: "Client does not support authentication protocol requested by server; " +
      "consider upgrading MySQL client",
  };
}

/** 1524: the account has only plugins that the proxy cannot check. */
export function pluginNotLoaded(plugin: string): AuthError {
  return { code: 1524, sqlState: "HY000", message: `Plugin '${plugin}' is not loaded` };
}

/** 3159: the client's plugin would send a clear password and the connection is not encrypted. */
export function secureTransportRequired(): AuthError {
  return {
    code: 3159,
    sqlState: "HY000",
    message: "Connections using insecure transport are prohibited for authentication plugin " +
      "'mysql_clear_password'.",
  };
}

/** 1129: too many failed logins from an address. */
export function hostBlocked(host: string, secondsLeft: number): AuthError {
  return {
    code: 1129,
    sqlState: "HY000",
    message: `Host '${host}' is blocked because of many connection errors; ` +
      `try again in ${secondsLeft} s`,
  };
}
