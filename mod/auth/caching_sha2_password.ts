// caching_sha2_password: a scramble that is enough when the other side has the password's double
// digest in memory (fast path), else the password itself over TLS, a unix socket or RSA.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html

import { digest, equalSecrets, saltBytes, terminated, xor } from "./digests.ts";
import type { Credential } from "./credential.ts";
import {
  type Accepted,
  type AuthPlugin,
  type ClientChallenge,
  type ClientConversation,
  judgeEmptyAnswer,
  type ServerChallenge,
  type ServerConversation,
  type ServerStep,
  terminatedSalt,
  type Verdict,
  WAIT,
} from "./plugin.ts";
import { judgePassword, PasswordReader, sendPassword } from "./full_password.ts";

const REQUEST_PUBLIC_KEY = 2;
const FAST_AUTH_SUCCESS = 3;
const PERFORM_FULL_AUTHENTICATION = 4;

/** SHA256(SHA256(password)): what the fast path needs to know of a password. */
export function cachingSha2Digest(password: Uint8Array): Uint8Array {
  return digest("sha256", [digest("sha256", [password])]);
}

/** A client's answer to a salt: SHA256(pw) XOR SHA256(SHA256(SHA256(pw)) + salt). */
export function cachingSha2Scramble(password: Uint8Array, salt: Uint8Array): Uint8Array {
  const stage1 = digest("sha256", [password]);
  return xor(stage1, digest("sha256", [digest("sha256", [stage1]), saltBytes(salt)]));
}

/** Whether a client's answer to a salt was made with the password of a double digest. */
export function verifyCachingSha2Scramble(
  answer: Uint8Array,
  options: { readonly salt: Uint8Array; readonly digest: Uint8Array },
): boolean {
  if (answer.length !== 32) return false;
  const stage1 = xor(answer, digest("sha256", [options.digest, saltBytes(options.salt)]));
  return equalSecrets(digest("sha256", [stage1]), options.digest);
}

/** The plugin `caching_sha2_password`. */
export const cachingSha2Password: AuthPlugin = {
  name: "caching_sha2_password",
  answersGreeting: true,
  challenge: terminatedSalt,
  towardsServer(options) {
    return options.credential.kind === "password" ? new ServerSide(options) : undefined;
  },
  towardsClient(options) {
    return new ClientSide(options);
  },
};

class ServerSide implements ServerConversation {
  readonly #options: ServerChallenge;
  #state: "scrambled" | "key requested" | "password sent" = "scrambled";

  constructor(options: ServerChallenge) {
    this.#options = options;
  }

  start(): ServerStep {
    const { credential, challenge } = this.#options;
    if (credential.isEmpty) return { send: new Uint8Array(0) };
    return { send: cachingSha2Scramble(credential.reveal(), challenge) };
  }

  more(data: Uint8Array): ServerStep {
    if (this.#state === "key requested") {
      this.#state = "password sent";
      const serverPublicKey = Buffer.from(data).toString("latin1");
      return sendPassword({ ...this.#options, serverPublicKey });
    }
    if (this.#state === "scrambled" && data.length === 1) {
      if (data[0] === FAST_AUTH_SUCCESS) return WAIT;
      if (data[0] === PERFORM_FULL_AUTHENTICATION) return this.#sendInFull();
    }
    return { fail: "caching_sha2_password: unexpected data from the server" };
  }

  #sendInFull(): ServerStep {
    const { credential, secureTransport, serverPublicKey, publicKeyRetrieval } = this.#options;
    if (secureTransport || serverPublicKey !== undefined) {
      this.#state = "password sent";
      return secureTransport
        ? { send: terminated(credential.reveal()) }
        : sendPassword(this.#options);
    }
    if (!publicKeyRetrieval) {
      return { fail: "caching_sha2_password: the server wants the password, which needs TLS" };
    }
    this.#state = "key requested";
    return { send: Uint8Array.of(REQUEST_PUBLIC_KEY) };
  }
}

class ClientSide implements ClientConversation {
  readonly #options: ClientChallenge;
  readonly #reader: PasswordReader;

  constructor(options: ClientChallenge) {
    this.#options = options;
    this.#reader = new PasswordReader(options, REQUEST_PUBLIC_KEY);
  }

  first(answer: Uint8Array): Verdict {
    const options = this.#options;
    // Clients without a password send nothing, or a lone NUL when they answer a switch.
    if (answer.length === 0 || (answer.length === 1 && answer[0] === 0)) {
      return judgeEmptyAnswer(options);
    }
    const onlyEmpty = options.secrets.length > 0 && options.secrets.every((s) => s.isEmpty);
    if (answer.length !== 32 || onlyEmpty) return { deny: "with password" };
    // A scramble that fits no known digest is no failure: the full exchange decides, as at a server.
    return this.#fastPath(answer) ?? { more: Uint8Array.of(PERFORM_FULL_AUTHENTICATION) };
  }

  async next(packet: Uint8Array): Promise<Verdict> {
    const reading = await this.#reader.read(packet);
    if ("more" in reading || "deny" in reading) return reading;
    return await judgePassword(reading.password, this.#options);
  }

  #fastPath(answer: Uint8Array): Accepted | undefined {
    const { challenge: salt, learned, secrets } = this.#options;
    for (const secret of secrets) {
      const known = secret.hash === undefined ? secret.credential : undefined;
      if (known === undefined) continue;
      const expected = cachingSha2Digest(known.reveal());
      if (verifyCachingSha2Scramble(answer, { salt, digest: expected })) return fast(known);
    }
    if (learned && verifyCachingSha2Scramble(answer, { salt, digest: learned.digest })) {
      return fast(learned.credential);
    }
    return undefined;
  }
}

function fast(credential: Credential): Accepted {
  return { accept: credential, verified: true, preface: Uint8Array.of(FAST_AUTH_SUCCESS) };
}
