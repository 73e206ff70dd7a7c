// What an authentication plugin is to the proxy: two small conversations, one towards a server that
// challenges the proxy, one towards a client that the proxy challenges. Bytes in, actions out.

import type { AuthError } from "./auth_error.ts";
import type { Credential } from "./credential.ts";
import type { RsaKey } from "./rsa.ts";
import type { RandomFill } from "./salt.ts";
import { EMPTY_PASSWORD, type Secret } from "./secret.ts";

/** What to do next in a login at a server. `send` is a packet's payload, possibly empty. */
export type ServerStep =
  | { readonly send: Uint8Array }
  | { readonly wait: true }
  | { readonly fail: string };

/** What a conversation with a server starts from. */
export interface ServerChallenge {
  readonly credential: Credential;
  /** The server's salt or nonce; a NUL after a 20-byte salt may still be there. */
  readonly challenge: Uint8Array;
  /** Whether the server is reached over TLS or a unix socket. */
  readonly secureTransport: boolean;
  /** Whether it is reached over TLS: for sha256_password a unix socket is not secure. */
  readonly tls: boolean;
  /** PEM public key of the server, when it is known beforehand. */
  readonly serverPublicKey?: string;
  /** Whether the server may be asked for its public key over an open connection. */
  readonly publicKeyRetrieval: boolean;
}

/** One login at a server with one plugin. */
export interface ServerConversation {
  /** The first answer to the challenge. */
  start(): ServerStep;
  /** The answer to an AuthMoreData packet; `data` is what follows its 0x01. */
  more(data: Uint8Array): ServerStep;
}

/** A password that a client proved earlier. */
export interface LearnedPassword {
  readonly credential: Credential;
  /** SHA256(SHA256(password)), with which caching_sha2_password answers at once. */
  readonly digest: Uint8Array;
}

/** What a conversation with a client starts from. */
export interface ClientChallenge {
  /** The bytes that {@link AuthPlugin.challenge} made, or the greeting's salt. */
  readonly challenge: Uint8Array;
  /** Whether the client is connected over TLS or a unix socket. */
  readonly secureTransport: boolean;
  /** Whether it is connected over TLS. */
  readonly tls: boolean;
  readonly rsaKey: RsaKey;
  /** The account's secrets; any of them will do. None fits when this is empty. */
  readonly secrets: readonly Secret[];
  readonly learned?: LearnedPassword;
  /** Take whatever password the client gives in full: the server will decide. */
  readonly provisional: boolean;
}

/** What a client's answer amounts to. */
export type Verdict =
  /** Send AuthMoreData with this (after its 0x01) and read on. */
  | { readonly more: Uint8Array }
  /** The client is who it says. */
  | Accepted
  /** It is not, or cannot show it. */
  | { readonly deny: "with password" | "without password" }
  /** The conversation itself is impossible. */
  | { readonly error: AuthError };

/** A proof that holds. */
export interface Accepted {
  /** What can log in at the server; undefined when the proof did not show that. */
  readonly accept: Credential | undefined;
  /** False when nothing was checked and the server has to decide. */
  readonly verified: boolean;
  /** AuthMoreData (after its 0x01) that has to be sent right before the OK packet. */
  readonly preface?: Uint8Array;
  /** Stored form of the password, for {@link certificateProof}. */
  readonly proofKey?: Uint8Array;
}

/** One login of a client with one plugin. */
export interface ClientConversation {
  /** The client's first answer to the challenge. */
  first(answer: Uint8Array): Verdict | Promise<Verdict>;
  /** Each further packet of the client. */
  next(packet: Uint8Array): Verdict | Promise<Verdict>;
}

/** An authentication plugin, both directions. */
export interface AuthPlugin {
  /** The client plugin's name on the wire. */
  readonly name: string;
  /**
   * Whether a client that starts with this plugin answers the greeting's salt. If not, it has to
   * be switched to the plugin to get a challenge of the right kind.
   */
  readonly answersGreeting: boolean;
  /** The data of an AuthSwitchRequest; `salt` is the greeting's. */
  challenge(salt: Uint8Array, random: RandomFill): Uint8Array;
  /** A login at a server, or undefined when the credential cannot answer this plugin. */
  towardsServer(options: ServerChallenge): ServerConversation | undefined;
  /** A client's login. */
  towardsClient(options: ClientChallenge): ClientConversation;
}

/** Nothing to send: the server speaks next. */
export const WAIT: ServerStep = { wait: true };

/** The salt with the NUL that servers send after it. */
export function terminatedSalt(salt: Uint8Array): Uint8Array {
  const data = new Uint8Array(salt.length + 1);
  data.set(salt);
  return data;
}

/** The verdict for a client that sent no password. */
export function judgeEmptyAnswer(options: ClientChallenge): Verdict {
  const empty = options.secrets.find((secret) => secret.isEmpty);
  if (empty !== undefined) return { accept: empty.credential, verified: true };
  if (options.provisional) return { accept: EMPTY_PASSWORD, verified: false };
  return { deny: "without password" };
}
