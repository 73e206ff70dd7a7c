// The admin port: a small MySQL server that answers about the proxy itself, over TCP and a unix
// socket.

import { rmSync } from "node:fs";
import { clientAddress, ClientLogin, FailureThrottle, newSalt, RsaKey } from "../auth/mod.ts";
import type { ListenAddress } from "../config/mod.ts";
import {
  ChannelClosedError,
  listen,
  type Listener,
  PacketChannel,
  type Stream,
} from "../net/mod.ts";
import type { Log } from "../observe/mod.ts";
import { AdminAudit, throttleLimits } from "../proxy/mod.ts";
import {
  Capability,
  Command,
  decodeHandshakeResponse,
  encodeAuthMoreData,
  encodeAuthSwitch,
  encodeBinaryResult,
  encodeEarlyErr,
  encodeErr,
  encodeFieldList,
  encodeGreeting,
  encodeOk,
  encodePrepared,
  encodeTextResult,
  type HandshakeResponse,
  isSslRequest,
  MalformedPacketError,
  ServerStatus,
  type SqlError,
} from "../wire/mod.ts";
import { ADMIN_USER, adminAccounts, roleOf } from "./accounts.ts";
import type { AdminSession } from "./admin_session.ts";
import { AdminDatabase } from "./database.ts";
import { automaticSockets } from "./local_socket.ts";
import { parseSetStatement } from "./set_statement.ts";
import { Baselines } from "./proxysql/baselines.ts";
import { PreparedStatements } from "./prepared_statements.ts";
import { fieldsOf } from "./show_tables.ts";
import { answerStatement, useDatabase } from "./statements.ts";
import type { AdminRole, AdminView, Answer } from "./view.ts";

const PACKET_MAX = 1024 * 1024;
const UTF8MB4 = 45;
const DEFAULT_PLUGIN = "caching_sha2_password";
/** Time for a login, in milliseconds; more than the longest delay after failed ones. */
const LOGIN_MS = 15_000;
const CAPABILITIES = Capability.LONG_PASSWORD | Capability.FOUND_ROWS | Capability.LONG_FLAG |
  Capability.CONNECT_WITH_DB | Capability.PROTOCOL_41 | Capability.TRANSACTIONS |
  Capability.SECURE_CONNECTION | Capability.MULTI_RESULTS | Capability.PLUGIN_AUTH |
  Capability.CONNECT_ATTRS | Capability.PLUGIN_AUTH_LENENC | Capability.DEPRECATE_EOF;
const RSA_KEY = new RsaKey();

/** The open admin port. */
export interface AdminPort {
  /** Where it listens. */
  readonly addresses: readonly ListenAddress[];
  close(): void;
}

/** What all connections to the port have in common. */
interface PortContext {
  readonly view: AdminView;
  readonly log: Log;
  /** By role: who may only read sees no hash of a password, and no edit that may hold one. */
  readonly tables: Readonly<Record<AdminRole, AdminDatabase>>;
  readonly audit: AdminAudit;
  /** Failed logins by address. */
  readonly throttle: FailureThrottle;
  nextId(): number;
}

/**
 * Opens the admin port where the configuration says.
 *
 * @throws {ListenError} If an address cannot be listened on.
 */
export async function openAdminPort(view: AdminView, whole: Log): Promise<AdminPort> {
  const log = whole.of("admin");
  const { admin } = view.running.config;
  let connections = 0;
  const baselines = new Baselines();
  const context: PortContext = {
    view,
    log,
    tables: {
      admin: new AdminDatabase(view, { showsSecrets: true, baselines }),
      stats: new AdminDatabase(view, { showsSecrets: false, baselines }),
    },
    audit: new AdminAudit(() => view.running.config, log),
    throttle: new FailureThrottle({
      ...throttleLimits(view.running.config),
      now: () => performance.now(),
    }),
    nextId: () => ++connections,
  };
  const accept = (stream: Stream) => {
    void converse(stream, context).catch((error: unknown) => {
      const isClients = error instanceof ChannelClosedError ||
        error instanceof MalformedPacketError;
      if (!isClients) log.warn("admin session failed", { reason: String(error) });
      stream.destroy();
    });
  };
  const listeners: Listener[] = [];
  const close = () => {
    context.audit.close();
    for (const { address, close } of listeners) {
      close();
      if (address.kind === "unix") rmSync(address.path, { force: true });
    }
  };
  try {
    if (admin.listen) listeners.push(await listen(admin.listen, { accept, ownerOnly: true }));
    if (admin.socket !== "off") {
      const socket = await listenOnSocket(context, accept);
      if (socket) listeners.push(socket);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { addresses: listeners.map(({ address }) => address), close };
}

/** A path that somebody has chosen must do; the one that nobody has chosen may not. */
async function listenOnSocket(
  { view: { running }, log }: PortContext,
  accept: (stream: Stream) => void,
): Promise<Listener | undefined> {
  const { socket } = running.config.admin;
  if (socket !== "auto") {
    return await listen({ kind: "unix", path: socket }, { accept, ownerOnly: true });
  }
  let failure = "no folder of this user alone for it";
  // A proxy that is being replaced, or another one on the same port, may still have the first name.
  for (const path of automaticSockets(running.addresses)) {
    try {
      return await listen({ kind: "unix", path }, { accept, ownerOnly: true });
    } catch (error) {
      failure = (error as Error).message;
    }
  }
  log.warn("no admin socket", { reason: failure });
  return undefined;
}

async function converse(stream: Stream, context: PortContext): Promise<void> {
  const channel = new PacketChannel(PACKET_MAX).attach(stream);
  const timer = setTimeout(() => stream.destroy(), LOGIN_MS);
  const login = await logIn(channel, stream, { ...context, timer })
    .finally(() => clearTimeout(timer));
  if (login === undefined) return;
  const { session, capabilities } = login;
  const statements = new PreparedStatements();
  const answer = (answer: Answer, encode = encodeTextResult) => {
    if (answer === "ok") channel.send(encodeOk({}, capabilities));
    else if ("affectedRows" in answer) channel.send(encodeOk(answer, capabilities));
    else if ("code" in answer) channel.send(encodeErr(answer));
    else stream.write(encode(answer, { capabilities }));
  };
  for (;;) {
    const payload = await channel.read();
    switch (payload[0]) {
      case Command.QUIT:
        return stream.end();
      case Command.RESET_CONNECTION:
        statements.clear();
        answer("ok");
        break;
      case Command.PING:
        answer("ok");
        break;
      case Command.INIT_DB:
        answer(useDatabase(session, textBehindCommand(payload)));
        break;
      case Command.QUERY:
        answer(await answerAudited(textBehindCommand(payload), session, context));
        break;
      case Command.FIELD_LIST: {
        const fields = fieldsOf(textBehindCommand(payload));
        if ("code" in fields) answer(fields);
        else stream.write(encodeFieldList(fields, { capabilities }));
        break;
      }
      case Command.STATISTICS:
        channel.send(new TextEncoder().encode(statistics(context.view)));
        break;
      case Command.STMT_PREPARE: {
        const prepared = statements.prepare(textBehindCommand(payload));
        if (prepared === undefined) answer(TOO_MANY_PREPARED);
        else stream.write(encodePrepared(prepared.id, prepared.parameters, { capabilities }));
        break;
      }
      case Command.STMT_EXECUTE: {
        const text = statements.textOf(payload);
        if (text === undefined) answer(UNKNOWN_STATEMENT);
        else answer(await answerAudited(text, session, context), encodeBinaryResult);
        break;
      }
      case Command.STMT_SEND_LONG_DATA:
        statements.keepLong(payload);
        break;
      case Command.STMT_RESET:
        answer(statements.reset(payload) ? "ok" : UNKNOWN_STATEMENT);
        break;
      case Command.STMT_CLOSE:
        statements.close(payload);
        break;
      default:
        answer({ code: 1047, sqlState: "08S01", message: "Unknown command" });
    }
  }
}

/** One line, as COM_STATISTICS gives it. */
function statistics({ running }: AdminView): string {
  const { clients, commands } = running.counters();
  return `Uptime: ${Math.round(process.uptime())}  Clients: ${clients}  Commands: ${commands}`;
}

const TOO_MANY_PREPARED: SqlError = {
  code: 1461,
  sqlState: "42000",
  message: "Can't create more prepared statements on this connection",
};

const UNKNOWN_STATEMENT: SqlError = {
  code: 1243,
  sqlState: "HY000",
  message: "Unknown prepared statement handler given to mysqld_stmt_execute",
};

function textBehindCommand(payload: Uint8Array): string {
  return new TextDecoder().decode(payload.subarray(1));
}

/** All goes to the audit log. What changes something is logged; what only looks is so at the level `debug`. */
async function answerAudited(
  text: string,
  session: AdminSession,
  { log, audit }: PortContext,
): Promise<Answer> {
  const { user, client } = session;
  const before = audit.current;
  const shown = withoutSecrets(text);
  const isQuiet = LOOKING.test(text) && parseSetStatement(text.trim()) === undefined;
  const level = isQuiet ? "debug" : "info";
  let outcome = "failed";
  try {
    const answer = await answerStatement(text, session);
    outcome = answer !== "ok" && "code" in answer ? `error ${answer.code}` : "ok";
    return answer;
  } finally {
    // What turns it off, or leads it elsewhere, stands in the one that it has turned off.
    (before ?? audit.current)?.admin({ user, client, text: shown, outcome });
    log[level]("admin command", { user, client, statement: shown.slice(0, 1000), outcome });
  }
}

/** Statements that change nothing, but for SET of a key. */
const LOOKING = /^\s*(select|show|set\s+(?!server|mysql-|admin-)|use|desc|describe|explain)\b/i;

/** Passwords of accounts and of whole configurations are in no log. */
function withoutSecrets(text: string): string {
  if (/^\s*set\b[^=]*password/i.test(text)) return text.replace(/=.*/s, "= '***'");
  if (!/\bmysql_users\b|^\s*config\s/i.test(text)) return text;
  return text.replaceAll(/'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"/gs, "'***'");
}

/** Undefined where the client was refused. */
async function logIn(
  channel: PacketChannel,
  stream: Stream,
  context: PortContext & { readonly timer: Timer },
): Promise<{ readonly session: AdminSession; readonly capabilities: number } | undefined> {
  const { view, tables, throttle, timer } = context;
  const client = stream.local ? "localhost" : stream.remoteAddress;
  const address = stream.local ? undefined : stream.remoteAddress;
  throttle.setLimits(throttleLimits(view.running.config));
  const blocked = throttle.check(address);
  if (blocked.kind === "refuse") {
    noteRefusal({ user: "", client, error: blocked.error }, context);
    channel.send(encodeEarlyErr(blocked.error));
    stream.end();
    return undefined;
  }
  const salt = newSalt();
  const id = context.nextId();
  const tls = stream.local ? undefined : view.running.clientTls();
  channel.send(encodeGreeting({
    serverVersion: `8.4.0-${view.versionComment.replaceAll(" ", "-")}`,
    threadId: id,
    salt,
    capabilities: tls ? CAPABILITIES | Capability.SSL : CAPABILITIES,
    mariadbCapabilities: 0,
    collation: UTF8MB4,
    status: ServerStatus.AUTOCOMMIT,
    authPlugin: DEFAULT_PLUGIN,
  }));
  let payload = await channel.read();
  if (tls && isSslRequest(payload)) {
    await channel.upgrade(tls, true);
    payload = await channel.read();
  }
  const response = decodeHandshakeResponse(payload);
  const capabilities = response.capabilities & CAPABILITIES;
  const given = new TextDecoder().decode(response.user);
  const slowed = throttle.check(address);
  if (slowed.kind === "delay") {
    timer.refresh();
    await Bun.sleep(slowed.delayMs);
    timer.refresh();
  }
  const verdict = stream.local
    ? undefined
    : await authenticate(channel, stream, { response, salt, view });
  // Of many who guess at once, those who come too late learn nothing, be they right or wrong.
  const late = throttle.check(address);
  const refused = late.kind === "refuse" ? late.error : verdict;
  // Whoever may open the socket's file is the proxy's own user, or root: any name will do.
  const user = stream.local && given !== "stats" ? given || ADMIN_USER : given;
  const role = roleOf(user);
  const session: AdminSession = {
    view,
    tables: tables[role],
    id,
    user,
    client,
    role,
    database: "main",
  };
  const schema = new TextDecoder().decode(response.database);
  const error = refused ?? (schema === "" ? "ok" : useDatabase(session, schema));
  if (error !== "ok") {
    if (refused) {
      if (refused.code === ACCESS_DENIED) throttle.failed(address);
      noteRefusal({ user, client, error: refused, session: id }, context);
    }
    channel.send(encodeErr(error));
    stream.end();
    return undefined;
  }
  throttle.succeeded(address);
  context.log.info("admin login", { user, client });
  channel.send(encodeOk({}, capabilities));
  return { session, capabilities };
}

const ACCESS_DENIED = 1045;
type Timer = ReturnType<typeof setTimeout>;

/** Somebody was not let in. */
function noteRefusal(
  { user, client, error: { code, message: reason }, session = 0 }: {
    /** Empty where it has not been said yet. */
    readonly user: string;
    readonly client: string;
    readonly error: SqlError;
    /** Its number, where it has one. */
    readonly session?: number;
  },
  { view: { running }, log, throttle, audit }: PortContext,
): void {
  throttle.expire();
  running.noteAdminRefusal();
  log.warn("admin login refused", { user, client, code });
  audit.current?.loginFailed({ session, user, client, code, reason });
}

/** Gives the error for the client, or undefined where it has proved who it is. */
async function authenticate(
  channel: PacketChannel,
  stream: Stream,
  { response, salt, view }: {
    readonly response: HandshakeResponse;
    readonly salt: Uint8Array;
    readonly view: AdminView;
  },
): Promise<SqlError | undefined> {
  const user = new TextDecoder().decode(response.user);
  const { policy, table } = adminAccounts(view.running.config);
  const address = clientAddress(stream.remoteAddress || undefined, {
    resolvesNames: policy.resolvesNames,
  });
  const account = table.find(user, address);
  const login = new ClientLogin({
    user,
    address,
    ...(account ? { account } : {}),
    policy,
    salt,
    secureTransport: stream.secure,
    pluginAuth: (response.capabilities & Capability.PLUGIN_AUTH) !== 0,
    handlesExpiredPasswords: false,
    defaultPlugin: DEFAULT_PLUGIN,
    rsaKey: RSA_KEY,
    now: () => Date.now(),
  });
  let step = await login.start(response.authPlugin || undefined, response.authResponse);
  while (step.kind === "switch" || step.kind === "more") {
    channel.send(
      step.kind === "switch" ? encodeAuthSwitch(step) : encodeAuthMoreData(step.data),
    );
    step = await login.next(await channel.read());
  }
  if (step.kind === "reject") return step.error;
  if (step.preface) channel.send(encodeAuthMoreData(step.preface));
  return undefined;
}
