// The admin port: a small MySQL server that answers about the proxy itself.
// Who may log in: the proxy's own account, or, where it has none, `admin` without a password from
// this machine only.

import { clientAddress, ClientLogin, newSalt, RsaKey, staticAccounts } from "../auth/mod.ts";
import type { Config, ListenAddress } from "../config/mod.ts";
import {
  ChannelClosedError,
  listen,
  type Listener,
  PacketChannel,
  type Stream,
} from "../net/mod.ts";
import type { Log } from "../observe/mod.ts";
import {
  Capability,
  Command,
  decodeHandshakeResponse,
  encodeAuthMoreData,
  encodeAuthSwitch,
  encodeErr,
  encodeGreeting,
  encodeOk,
  encodeTextResult,
  ServerStatus,
} from "../wire/mod.ts";
import { type AdminView, answerStatement } from "./statements.ts";

const PACKET_MAX = 1024 * 1024;
const UTF8MB4 = 45;
const DEFAULT_PLUGIN = "caching_sha2_password";
const LOGIN_MS = 10_000;
const CAPABILITIES = Capability.LONG_PASSWORD | Capability.FOUND_ROWS | Capability.LONG_FLAG |
  Capability.CONNECT_WITH_DB | Capability.PROTOCOL_41 | Capability.TRANSACTIONS |
  Capability.SECURE_CONNECTION | Capability.MULTI_RESULTS | Capability.PLUGIN_AUTH |
  Capability.CONNECT_ATTRS | Capability.PLUGIN_AUTH_LENENC | Capability.DEPRECATE_EOF;

/**
 * Opens the admin port.
 *
 * @throws {ListenError} If the address cannot be listened on.
 */
export function openAdminPort(
  address: ListenAddress,
  options: { readonly view: AdminView; readonly log: Log },
): Promise<Listener> {
  const accounts = adminAccounts(options.view.running.config);
  let connections = 0;
  return listen(address, {
    accept(stream) {
      void converse(stream, { ...options, accounts, id: ++connections }).catch((error: unknown) => {
        if (!(error instanceof ChannelClosedError)) {
          options.log.warn("admin session failed", { reason: String(error) });
        }
        stream.destroy();
      });
    },
  });
}

/** Without an account of the proxy's own, only this machine may ask, and only as `admin`. */
function adminAccounts(config: Config) {
  const account = config.account;
  const secret = (password: string) => ({ kind: "password" as const, password });
  const users = account
    ? [{
      name: account.user,
      host: "%",
      secret: secret(account.password),
      require: "none" as const,
    }]
    : ["127.0.0.1", "::1", "localhost"].map((host) => ({
      name: "admin",
      host,
      secret: secret(""),
      require: "none" as const,
    }));
  return staticAccounts(users, { revision: 1 }).snapshot;
}

interface AdminSession {
  readonly view: AdminView;
  readonly log: Log;
  readonly accounts: ReturnType<typeof adminAccounts>;
  readonly id: number;
}

async function converse(stream: Stream, session: AdminSession): Promise<void> {
  const channel = new PacketChannel(PACKET_MAX).attach(stream);
  const timer = setTimeout(() => stream.destroy(), LOGIN_MS);
  const capabilities = await authenticate(channel, stream, session).finally(() =>
    clearTimeout(timer)
  );
  if (capabilities === undefined) return;
  for (;;) {
    const payload = await channel.read();
    const command = payload[0];
    if (command === Command.QUIT) return stream.end();
    const ok = encodeOk({}, capabilities);
    if (command === Command.PING || command === Command.INIT_DB) channel.send(ok);
    else if (command === Command.RESET_CONNECTION) channel.send(ok);
    else if (command !== Command.QUERY) {
      channel.send(encodeErr({ code: 1047, sqlState: "08S01", message: "Unknown command" }));
    } else {
      const text = new TextDecoder().decode(payload.subarray(1));
      const answer = await answerStatement(text, session.view);
      if (answer === "ok") channel.send(ok);
      else if ("code" in answer) channel.send(encodeErr(answer));
      else stream.write(encodeTextResult(answer, { capabilities }));
    }
  }
}

/** Gives the client's capability flags, or undefined where it was refused. */
async function authenticate(
  channel: PacketChannel,
  stream: Stream,
  session: AdminSession,
): Promise<number | undefined> {
  const salt = newSalt();
  channel.send(encodeGreeting({
    serverVersion: `8.4.0-${session.view.versionComment.replaceAll(" ", "-")}`,
    threadId: session.id,
    salt,
    capabilities: CAPABILITIES,
    mariadbCapabilities: 0,
    collation: UTF8MB4,
    status: ServerStatus.AUTOCOMMIT,
    authPlugin: DEFAULT_PLUGIN,
  }));
  const response = decodeHandshakeResponse(await channel.read());
  const capabilities = response.capabilities & CAPABILITIES;
  const user = new TextDecoder().decode(response.user);
  const { policy, table } = session.accounts;
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
    secureTransport: stream.local,
    pluginAuth: (capabilities & Capability.PLUGIN_AUTH) !== 0,
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
  if (step.kind === "reject") {
    session.log.warn("admin login refused", { user, client: stream.remoteAddress });
    channel.send(encodeErr(step.error));
    stream.end();
    return undefined;
  }
  session.log.info("admin login", { user, client: stream.remoteAddress });
  if (step.preface) channel.send(encodeAuthMoreData(step.preface));
  channel.send(encodeOk({}, capabilities));
  return capabilities;
}

const RSA_KEY = new RsaKey();
