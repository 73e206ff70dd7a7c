// The proxy as a client: logs in at a server with a credential, whatever plugin the server asks for.

import type { Credential } from "./credential.ts";
import { nativePassword } from "./native_password.ts";
import type { ServerConversation, ServerStep } from "./plugin.ts";
import { findPlugin } from "./plugins.ts";

/** How the server is reached and how much it is trusted. */
export interface ServerLoginOptions {
  /** Whether the connection is TLS or a unix socket, so that a clear password may be sent. */
  readonly secureTransport: boolean;
  /**
   * Whether the secure transport is a unix socket, over which sha256_password still needs RSA.
   *
   * @default {false}
   */
  readonly unixSocket?: boolean;
  /** PEM public key of the server, for RSA without asking for it. */
  readonly serverPublicKey?: string;
  /**
   * Whether the server's public key may be asked for over an open connection. Whoever can change
   * that connection's bytes could then give a key of their own and read the password.
   *
   * @default {true}
   */
  readonly publicKeyRetrieval?: boolean;
}

/** What goes into a HandshakeResponse or COM_CHANGE_USER. */
export interface InitialAnswer {
  /** The plugin that the answer is made with, to be named in the packet. */
  readonly plugin: string;
  /** Auth response, possibly empty. */
  readonly answer: Uint8Array;
}

// A conversation has at most five answers (RSA after a switch); a server that wants more is broken.
const STEPS_MAX = 10;

/**
 * One login at a server. Give it the greeting, then each packet until the server's OK or ERR;
 * those two end the login and are the caller's business.
 */
export class ServerLogin {
  readonly #credential: Credential;
  readonly #options: ServerLoginOptions;
  #conversation: ServerConversation | undefined;
  #steps = 0;

  constructor(credential: Credential, options: ServerLoginOptions) {
    this.#credential = credential;
    this.#options = options;
  }

  /**
   * The answer to a greeting's plugin and salt. If the credential cannot answer that plugin, the
   * answer is for mysql_native_password, and the server will switch.
   */
  initial(plugin: string, salt: Uint8Array): InitialAnswer {
    // A clear password is sent only when the server has asked for it in an AuthSwitchRequest.
    const name = plugin === "mysql_clear_password" ? nativePassword.name : plugin;
    for (const candidate of [name, nativePassword.name]) {
      const step = this.#begin(candidate, salt);
      if (step !== undefined && "send" in step) return { plugin: candidate, answer: step.send };
    }
    return { plugin: nativePassword.name, answer: new Uint8Array(0) };
  }

  /** The answer to an AuthSwitchRequest; `data` is all that follows the plugin's name. */
  onAuthSwitch(plugin: string, data: Uint8Array): ServerStep {
    if (++this.#steps > STEPS_MAX) return { fail: "the server never ends the login" };
    const step = this.#begin(plugin, data);
    if (step !== undefined) return step;
    const known = findPlugin(plugin) !== undefined;
    return {
      fail: known
        ? `the server wants plugin "${plugin}", which needs the password itself`
        : `the server wants plugin "${plugin}", which the proxy does not have`,
    };
  }

  /** The answer to an AuthMoreData packet; `data` is what follows its 0x01. */
  onMoreData(data: Uint8Array): ServerStep {
    if (++this.#steps > STEPS_MAX) return { fail: "the server never ends the login" };
    return this.#conversation?.more(data) ?? { fail: "unexpected data from the server" };
  }

  #begin(plugin: string, challenge: Uint8Array): ServerStep | undefined {
    // Names on the wire only: the empty name is no plugin here.
    const found = plugin === "" ? undefined : findPlugin(plugin);
    this.#conversation = found?.towardsServer({
      ...this.#options,
      tls: this.#options.secureTransport && !(this.#options.unixSocket ?? false),
      publicKeyRetrieval: this.#options.publicKeyRetrieval ?? true,
      credential: this.#credential,
      challenge,
    });
    return this.#conversation?.start();
  }
}
