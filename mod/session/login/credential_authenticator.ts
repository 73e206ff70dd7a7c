// Logs in at a server with a credential the proxy has: the client has proved itself to the proxy.

import { type Credential, ServerLogin, type ServerStep } from "../../auth/mod.ts";
import { type Authenticator, LoginRefusedError, type Server } from "../../backend/mod.ts";
import { AuthPacket, decodeAuthSwitch, type Greeting } from "../../wire/mod.ts";

/** Answers a server's challenges with a password (or its SHA-1). */
export class CredentialAuthenticator implements Authenticator {
  readonly #credential: Credential;
  readonly #unixSocket: boolean;
  #login: ServerLogin | undefined;

  constructor(credential: Credential, server: Server) {
    this.#credential = credential;
    this.#unixSocket = server.settings.address.kind === "unix";
  }

  first(greeting: Greeting, secure: boolean): { plugin: string; response: Uint8Array } {
    const { plugin, answer } = this.#start(secure).initial(greeting.authPlugin, greeting.salt);
    return { plugin, response: answer };
  }

  answer(payload: Uint8Array, secure: boolean): Promise<Uint8Array | undefined> {
    const login = this.#login ?? this.#start(secure);
    let step: ServerStep;
    if (payload[0] === AuthPacket.SWITCH) {
      const { plugin, data } = decodeAuthSwitch(payload);
      step = login.onAuthSwitch(plugin, data);
    } else step = login.onMoreData(payload.subarray(1));
    if ("fail" in step) {
      throw new LoginRefusedError({
        code: 2059,
        sqlState: "HY000",
        message: `Cannot log in at the server: ${step.fail}`,
      });
    }
    return Promise.resolve("send" in step ? step.send : undefined);
  }

  #start(secureTransport: boolean): ServerLogin {
    return this.#login = new ServerLogin(this.#credential, {
      secureTransport,
      unixSocket: this.#unixSocket,
    });
  }
}
