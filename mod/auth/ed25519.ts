// client_ed25519 (MariaDB): the client signs a nonce of 32 bytes. Nothing that the proxy could use
// at the server comes out of it, unless it knows the password otherwise.

import { ed25519PublicKey, ed25519Sign, ed25519Verify, parseEd25519Hash } from "./ed25519_keys.ts";
import type { AuthPlugin, ClientChallenge, Verdict } from "./plugin.ts";
import { newNonce } from "./salt.ts";
import type { Secret } from "./secret.ts";

const NONCE_LENGTH = 32;

/** The plugin `client_ed25519`; servers call theirs `ed25519`. */
export const clientEd25519: AuthPlugin = {
  name: "client_ed25519",
  answersGreeting: false,
  challenge: (_salt, random) => newNonce(NONCE_LENGTH, random),

  towardsServer({ credential, challenge }) {
    if (credential.kind !== "password") return undefined;
    return {
      start: () => {
        if (challenge.length < NONCE_LENGTH) {
          return { fail: "client_ed25519: the server's nonce is too short" };
        }
        const nonce = challenge.subarray(0, NONCE_LENGTH);
        return { send: ed25519Sign(credential.reveal(), nonce) };
      },
      more: () => ({ fail: "client_ed25519: the server asked for more data" }),
    };
  },

  towardsClient(options) {
    return { first: (answer) => judge(answer, options), next: () => ({ deny: "with password" }) };
  },
};

// A MariaDB server lets nobody in without a password here, and says that one was used; so here.
function judge(answer: Uint8Array, options: ClientChallenge): Verdict {
  for (const secret of options.secrets) {
    const publicKey = storedKey(secret);
    if (publicKey === undefined) continue;
    if (!ed25519Verify(answer, { nonce: options.challenge, publicKey })) continue;
    const accept = secret.credential ?? options.learned?.credential;
    return { accept, verified: true, proofKey: publicKey };
  }
  return { deny: "with password" };
}

function storedKey(secret: Secret): Uint8Array | undefined {
  if (secret.isEmpty) return undefined;
  if (secret.hash !== undefined) return parseEd25519Hash(secret.hash);
  return secret.credential && ed25519PublicKey(secret.credential.reveal());
}
