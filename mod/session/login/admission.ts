// Who decides whether a client may come in: the server, asked through the proxy, or the proxy by the
// accounts it knows. Either way the result is what logs in at the server.

import {
  accessDenied,
  clientAddress,
  ClientLogin,
  type Credential,
  DEFAULT_POLICY,
  type KnownClient,
  type LoginAccepted,
  shownHost,
  yieldsCredential,
} from "../../auth/mod.ts";
import { type Authenticator, LoginRefusedError } from "../../backend/mod.ts";
import type { PacketChannel, Stream } from "../../net/mod.ts";
import { Capability, encodeAuthMoreData, encodeAuthSwitch } from "../../wire/mod.ts";
import type { SessionContext } from "../context.ts";
import { CredentialAuthenticator } from "./credential_authenticator.ts";
import { RelayAuthenticator } from "./relay_authenticator.ts";

/** What a client has said of itself so far. */
export interface Applicant {
  readonly channel: PacketChannel;
  /** The client's socket, for what TLS says of it. */
  readonly transport: Stream;
  /** The client's address; empty for a unix socket. */
  readonly address: string;
  readonly user: Uint8Array;
  readonly authPlugin: string;
  readonly authResponse: Uint8Array;
  readonly capabilities: number;
  /** The salt that `authResponse` answers. */
  readonly salt: Uint8Array;
}

/** A client that may come in if the server lets it. */
export interface Admission {
  readonly authenticator: Authenticator;
  /** What the client has proved itself with, where the proxy could judge that. */
  readonly credential?: Credential;
  /** Makes an authenticator for one more login, where the proxy knows a credential. */
  readonly again?: () => Authenticator;
  /** The client was asked for a proof, by the proxy or by the server through it. */
  readonly proved: () => boolean;
  /** Payload of an AuthMoreData packet due right before the OK packet. */
  readonly preface?: Uint8Array | undefined;
  /** What a certificate proof is made with, where the client's plugin has such a thing. */
  readonly proofKey?: Uint8Array | undefined;
  /** The server has accepted the login. */
  readonly accepted: () => void;
  /** The server has refused it, with this error number. */
  readonly refused: (code: number) => void;
}

/** How long a login waits for the accounts to be read first, in milliseconds. */
const READING_MS = 1000;

/**
 * Sessions that the server has let in stay where they are, on the primary: those that come as soon as
 * the proxy or the server has started wait for a moment.
 */
async function firstReading({ onAccountsChanged }: SessionContext): Promise<void> {
  if (onAccountsChanged === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, READING_MS);
  onAccountsChanged().then(resolve, resolve);
  await promise;
  clearTimeout(timer);
}

/**
 * Finds out whether a client may come in.
 *
 * @throws {LoginRefusedError} If not, as far as the proxy itself can tell.
 */
export async function admit(applicant: Applicant, context: SessionContext): Promise<Admission> {
  const { credentials } = context;
  if (credentials.isProvisional) await firstReading(context);
  const { mode } = credentials;
  if (mode === "relay") return relay(applicant, context);
  const user = new TextDecoder().decode(applicant.user);
  const policy = credentials.snapshot?.policy ?? DEFAULT_POLICY;
  const address = clientAddress(applicant.address || undefined, {
    resolvesNames: policy.resolvesNames,
  });
  const known = credentials.lookUp(user, address);
  // An account that is not known here, perhaps only yet, or is proved by something the proxy cannot
  // check is for its server to judge.
  if (mode === "synced" && (!known.account || !yieldsCredential(known.account))) {
    return relay(applicant, context);
  }
  const accepted = await converse(applicant, context, { user, known });
  if (!accepted.credential) {
    const subject = { user, host: shownHost(address) };
    throw new LoginRefusedError(accessDenied(subject, true));
  }
  const { credential } = accepted;
  return {
    credential,
    authenticator: new CredentialAuthenticator(credential, context.server),
    again: () => new CredentialAuthenticator(credential, context.server),
    proved: () => true,
    preface: accepted.preface,
    proofKey: accepted.proofKey,
    accepted: () => credentials.learned.learn(known.key, credential),
    refused: (code) => {
      if (code === ACCESS_DENIED) credentials.learned.drop(known.key);
    },
  };
}

const ACCESS_DENIED = 1045;

function relay(applicant: Applicant, context: SessionContext): Admission {
  const { transport } = applicant;
  const authenticator = new RelayAuthenticator({
    channel: applicant.channel,
    capabilities: applicant.capabilities,
    encrypted: transport.secure,
    local: transport.local,
    serverLocal: context.server.settings.address.kind === "unix",
    rsaKey: context.rsaKey,
  });
  return { authenticator, proved: () => authenticator.asked, accepted() {}, refused() {} };
}

async function converse(
  applicant: Applicant,
  context: SessionContext,
  who: { readonly user: string; readonly known: KnownClient },
): Promise<LoginAccepted> {
  const { credentials, rsaKey } = context;
  const { channel, capabilities, transport } = applicant;
  const { account, learned } = who.known;
  const policy = credentials.snapshot?.policy ?? DEFAULT_POLICY;
  const login = new ClientLogin({
    user: who.user,
    address: clientAddress(applicant.address || undefined, {
      resolvesNames: policy.resolvesNames,
    }),
    ...(account ? { account } : {}),
    policy,
    salt: applicant.salt,
    secureTransport: transport.secure || transport.local,
    ...(transport.secure ? { tls: transport.tlsFacts() } : {}),
    pluginAuth: (capabilities & Capability.PLUGIN_AUTH) !== 0,
    handlesExpiredPasswords: (capabilities & Capability.CAN_HANDLE_EXPIRED_PASSWORDS) !== 0,
    defaultPlugin: context.server.identity?.authPlugin ?? "caching_sha2_password",
    rsaKey,
    ...(learned ? { learned } : {}),
    provisional: credentials.mode === "learned",
    now: () => Date.now(),
  });
  let step = await login.start(
    capabilities & Capability.PLUGIN_AUTH ? applicant.authPlugin : undefined,
    applicant.authResponse,
  );
  for (;;) {
    if (step.kind === "accept") return step;
    if (step.kind === "reject") throw new LoginRefusedError(step.error);
    channel.send(
      step.kind === "switch"
        ? encodeAuthSwitch({ plugin: step.plugin, data: step.data })
        : encodeAuthMoreData(step.data),
    );
    step = await login.next(await channel.read());
  }
}
