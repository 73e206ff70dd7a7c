// Carries a server's challenges to the client and the client's answers back: the server decides,
// and the proxy keeps no password.
//
// The sha2 plugins send the password itself over an encrypted transport and RSA-encrypted over a
// plain one. Where the two legs differ in that, the answer of one leg is made over for the other.

import { encryptPassword, type RsaKey } from "../../auth/mod.ts";
import { type Authenticator, LoginRefusedError, RELAY_PLUGIN } from "../../backend/mod.ts";
import type { PacketChannel } from "../../net/mod.ts";
import { AuthPacket, Capability, decodeAuthSwitch, encodeAuthMoreData } from "../../wire/mod.ts";

const NONE = new Uint8Array(0);
const SHA2 = "caching_sha2_password";
const SHA256 = "sha256_password";
const CLEAR = "mysql_clear_password";
const FAST_AUTH_SUCCESS = 3;
const FULL_AUTHENTICATION = 4;
const SHA2_KEY_REQUEST = 2;
const SHA256_KEY_REQUEST = 1;
const SALT_LENGTH = 20;

/** The two ends of a relayed login. */
export interface RelayedClient {
  readonly channel: PacketChannel;
  readonly capabilities: number;
  /** The client's own connection is TLS. */
  readonly encrypted: boolean;
  /** The client's own connection is a unix socket. */
  readonly local: boolean;
  /** The server is reached through a unix socket. */
  readonly serverLocal: boolean;
  /** The proxy's key, for clients that ask for one. */
  readonly rsaKey: RsaKey;
}

/** Lets the client of a channel answer. */
export class RelayAuthenticator implements Authenticator {
  /** The client was asked something: without that nobody has proved anything. */
  asked = false;
  readonly #client: RelayedClient;
  #plugin = "";
  #salt: Uint8Array = NONE;
  /** The password of a client on an encrypted leg, until the server has sent its key. */
  #password: Uint8Array | undefined;

  constructor(client: RelayedClient) {
    this.#client = client;
  }

  /** The client has answered a challenge of the proxy's; only the server's own counts. */
  first(): { plugin: string; response: Uint8Array } {
    return { plugin: RELAY_PLUGIN, response: NONE };
  }

  async answer(payload: Uint8Array, secure: boolean): Promise<Uint8Array | undefined> {
    const { channel, capabilities } = this.#client;
    if (payload[0] === AuthPacket.SWITCH) {
      if (!(capabilities & Capability.PLUGIN_AUTH)) throw new LoginRefusedError(OLD_CLIENT);
      const { plugin, data } = decodeAuthSwitch(payload);
      this.#plugin = plugin;
      this.#salt = Uint8Array.from(data.subarray(0, SALT_LENGTH));
      const { encrypted, local } = this.#client;
      if (plugin === CLEAR && !(secure && (encrypted || local))) {
        const reason = "it needs encrypted connections from the client to the server";
        throw new LoginRefusedError(pluginError(plugin, reason));
      }
    } else if (this.#password !== undefined) return this.#encrypt(payload);
    this.asked = true;
    channel.send(payload);
    if (this.#isFastSuccess(payload)) return undefined;
    const answer = await channel.read();
    if (this.#plugin !== SHA2 && this.#plugin !== SHA256) return answer;
    const clientGives = this.#sendsPassword(this.#client.encrypted, this.#client.local);
    const serverTakes = this.#sendsPassword(secure && !this.#client.serverLocal, secure);
    if (clientGives === serverTakes) return answer;
    return serverTakes ? await this.#decrypt(answer) : this.#askForKey(payload, answer);
  }

  /** A password goes unencrypted through TLS; through a unix socket by one of the plugins only. */
  #sendsPassword(encrypted: boolean, local: boolean): boolean {
    return encrypted || (local && this.#plugin === SHA2);
  }

  #isFastSuccess(payload: Uint8Array): boolean {
    return this.#plugin === SHA2 && payload[0] === AuthPacket.MORE_DATA &&
      payload.length === 2 && payload[1] === FAST_AUTH_SUCCESS;
  }

  /** Client encrypted, server not: the client's answer is the password where one is due. */
  #askForKey(payload: Uint8Array, answer: Uint8Array): Uint8Array {
    const isPassword = this.#plugin === SHA256
      ? answer.length > 1
      : payload[0] === AuthPacket.MORE_DATA && payload[1] === FULL_AUTHENTICATION;
    if (!isPassword) return answer;
    this.#password = Uint8Array.from(answer.subarray(0, answer.length - 1));
    return Uint8Array.of(this.#plugin === SHA2 ? SHA2_KEY_REQUEST : SHA256_KEY_REQUEST);
  }

  #encrypt(payload: Uint8Array): Uint8Array {
    const password = this.#password!;
    this.#password = undefined;
    const publicPem = new TextDecoder().decode(payload.subarray(1));
    const outcome = encryptPassword(password, { salt: this.#salt, publicPem });
    password.fill(0);
    if ("fail" in outcome) throw new LoginRefusedError(pluginError(this.#plugin, outcome.fail));
    return outcome.encrypted;
  }

  /** Client not encrypted, server encrypted: the client wants a key, the server the password. */
  async #decrypt(answer: Uint8Array): Promise<Uint8Array> {
    const { channel, rsaKey } = this.#client;
    const request = this.#plugin === SHA2 ? SHA2_KEY_REQUEST : SHA256_KEY_REQUEST;
    if (answer.length !== 1 || answer[0] !== request) return answer;
    channel.send(encodeAuthMoreData(await rsaKey.publicPem()));
    const password = await rsaKey.decryptPassword(await channel.read(), this.#salt);
    const terminated = new Uint8Array((password?.length ?? 0) + 1);
    if (password) terminated.set(password);
    return terminated;
  }
}

const OLD_CLIENT = {
  code: 1251,
  sqlState: "08004",
  message: "Client does not support authentication protocol requested by server; " +
    "consider upgrading MySQL client",
};

function pluginError(plugin: string, reason: string) {
  return {
    code: 2061,
    sqlState: "HY000",
    message: `Authentication plugin '${plugin}' reported error: ${reason}`,
  };
}
