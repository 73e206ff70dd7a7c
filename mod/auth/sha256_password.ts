// sha256_password: the password in full at every login, over TLS or RSA. A unix socket is no secure
// transport here: MySQL 9.7 refuses a clear password over one, and its clients send none.
// https://dev.mysql.com/doc/refman/8.4/en/sha256-pluggable-authentication.html

import {
  type AuthPlugin,
  type ClientChallenge,
  type ClientConversation,
  judgeEmptyAnswer,
  type ServerChallenge,
  type ServerConversation,
  type ServerStep,
  terminatedSalt,
  type Verdict,
} from "./plugin.ts";
import { judgePassword, PasswordReader, sendPassword } from "./full_password.ts";

const REQUEST_PUBLIC_KEY = 1;

/** The plugin `sha256_password`. */
export const sha256Password: AuthPlugin = {
  name: "sha256_password",
  answersGreeting: true,
  challenge: terminatedSalt,
  towardsServer(options) {
    return options.credential.kind === "password" ? new ServerSide(tlsOnly(options)) : undefined;
  },
  towardsClient(options) {
    return new ClientSide(tlsOnly(options));
  },
};

function tlsOnly<T extends { readonly secureTransport: boolean; readonly tls: boolean }>(
  options: T,
): T {
  return { ...options, secureTransport: options.tls };
}

class ServerSide implements ServerConversation {
  readonly #options: ServerChallenge;
  #keyRequested = false;

  constructor(options: ServerChallenge) {
    this.#options = options;
  }

  start(): ServerStep {
    const { credential, secureTransport, serverPublicKey, publicKeyRetrieval } = this.#options;
    if (credential.isEmpty) return { send: Uint8Array.of(0) };
    if (secureTransport || serverPublicKey !== undefined) return sendPassword(this.#options);
    if (!publicKeyRetrieval) {
      return { fail: "sha256_password: the server wants the password, which needs TLS" };
    }
    this.#keyRequested = true;
    return { send: Uint8Array.of(REQUEST_PUBLIC_KEY) };
  }

  more(data: Uint8Array): ServerStep {
    if (!this.#keyRequested) return { fail: "sha256_password: unexpected data from the server" };
    this.#keyRequested = false;
    const serverPublicKey = Buffer.from(data).toString("latin1");
    return sendPassword({ ...this.#options, serverPublicKey });
  }
}

class ClientSide implements ClientConversation {
  readonly #options: ClientChallenge;
  readonly #reader: PasswordReader;

  constructor(options: ClientChallenge) {
    this.#options = options;
    this.#reader = new PasswordReader(options, REQUEST_PUBLIC_KEY);
  }

  async first(answer: Uint8Array): Promise<Verdict> {
    if (answer.length === 0 || (answer.length === 1 && answer[0] === 0)) {
      return judgeEmptyAnswer(this.#options);
    }
    return await this.next(answer);
  }

  async next(packet: Uint8Array): Promise<Verdict> {
    const reading = await this.#reader.read(packet);
    if ("more" in reading || "deny" in reading) return reading;
    return await judgePassword(reading.password, this.#options);
  }
}
