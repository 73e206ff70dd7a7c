// mysql_native_password: one answer of 20 bytes, from which SHA1(password) can be recovered by
// whoever knows the stored hash. That is enough to log in at the server as the same account.

import {
  type AuthPlugin,
  type ClientChallenge,
  judgeEmptyAnswer,
  terminatedSalt,
  type Verdict,
} from "./plugin.ts";
import { Credential } from "./credential.ts";
import {
  nativeScramble,
  nativeStage1,
  nativeStage2,
  parseNativeHash,
  recoverNativeStage1,
} from "./native_scramble.ts";
import type { Secret } from "./secret.ts";

/** The plugin `mysql_native_password`. */
export const nativePassword: AuthPlugin = {
  name: "mysql_native_password",
  answersGreeting: true,
  challenge: terminatedSalt,

  towardsServer({ credential, challenge }) {
    const stage1 = credential.kind === "native"
      ? credential.reveal()
      : nativeStage1(credential.reveal());
    const answer = credential.isEmpty ? new Uint8Array(0) : nativeScramble(stage1, challenge);
    return {
      start: () => ({ send: answer }),
      more: () => ({ fail: "mysql_native_password: the server asked for more data" }),
    };
  },

  towardsClient(options) {
    return { first: (answer) => judge(answer, options), next: () => ({ deny: "with password" }) };
  },
};

function judge(answer: Uint8Array, options: ClientChallenge): Verdict {
  if (answer.length === 0) return judgeEmptyAnswer(options);
  for (const secret of options.secrets) {
    const stage2 = storedStage2(secret);
    if (stage2 === undefined) continue;
    const stage1 = recoverNativeStage1(answer, { salt: options.challenge, stage2 });
    if (stage1 === undefined) continue;
    const accept = secret.credential ?? Credential.nativeStage1(stage1);
    return { accept, verified: true, proofKey: stage2 };
  }
  return { deny: "with password" };
}

function storedStage2(secret: Secret): Uint8Array | undefined {
  if (secret.isEmpty) return undefined;
  if (secret.hash !== undefined) return parseNativeHash(secret.hash);
  return secret.credential && nativeStage2(nativeStage1(secret.credential.reveal()));
}
