// Carries a server's challenges to the client and the client's answers back: the server decides,
// and the proxy learns no password.

import { type Authenticator, LoginRefusedError, RELAY_PLUGIN } from "../backend/mod.ts";
import type { PacketChannel } from "../net/mod.ts";
import { AuthPacket, Capability, decodeAuthSwitch } from "../wire/mod.ts";

const NONE = new Uint8Array(0);
const FAST_AUTH_SUCCESS = 3;

/** Lets the client of a channel answer. */
export class RelayAuthenticator implements Authenticator {
  /** The client was asked something: without that nobody has proved anything. */
  asked = false;
  readonly #client: PacketChannel;
  readonly #capabilities: number;
  #plugin = "";

  /** @param capabilities The client's capability flags. */
  constructor(client: PacketChannel, capabilities: number) {
    this.#client = client;
    this.#capabilities = capabilities;
  }

  /** The client has answered a challenge of the proxy's; only the server's own counts. */
  first(): { plugin: string; response: Uint8Array } {
    return { plugin: RELAY_PLUGIN, response: NONE };
  }

  async answer(payload: Uint8Array): Promise<Uint8Array | undefined> {
    if (payload[0] === AuthPacket.SWITCH) {
      if (!(this.#capabilities & Capability.PLUGIN_AUTH)) {
        throw new LoginRefusedError({
          code: 1251,
          sqlState: "08004",
          message: "Client does not support authentication protocol requested by server; " +
            "consider upgrading MySQL client",
        });
      }
      this.#plugin = decodeAuthSwitch(payload).plugin;
    }
    this.asked = true;
    this.#client.send(payload);
    const noAnswerDue = payload[0] === AuthPacket.MORE_DATA && payload.length === 2 &&
      payload[1] === FAST_AUTH_SUCCESS && this.#plugin === "caching_sha2_password";
    return noAnswerDue ? undefined : await this.#client.read();
  }
}
