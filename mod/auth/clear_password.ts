// mysql_clear_password: the password as it is, and therefore only over TLS or a unix socket.
// https://dev.mysql.com/doc/refman/8.4/en/cleartext-pluggable-authentication.html

import { secureTransportRequired } from "./auth_error.ts";
import { terminated, unterminated } from "./digests.ts";
import { type AuthPlugin, type ClientChallenge, judgeEmptyAnswer, type Verdict } from "./plugin.ts";
import { judgePassword } from "./full_password.ts";

/** The plugin `mysql_clear_password`. */
export const clearPassword: AuthPlugin = {
  name: "mysql_clear_password",
  answersGreeting: true,
  challenge: () => new Uint8Array(0),

  towardsServer({ credential, secureTransport }) {
    if (credential.kind !== "password") return undefined;
    return {
      start: () =>
        secureTransport
          ? { send: terminated(credential.reveal()) }
          : { fail: "mysql_clear_password: refused, the connection to the server has no TLS" },
      more: () => ({ fail: "mysql_clear_password: the server asked for more data" }),
    };
  },

  towardsClient(options) {
    return { first: (answer) => judge(answer, options), next: () => ({ deny: "with password" }) };
  },
};

async function judge(answer: Uint8Array, options: ClientChallenge): Promise<Verdict> {
  // The password has been on the wire by now; refusing it tells the operator that it was.
  if (!options.secureTransport) return { error: secureTransportRequired() };
  // Some drivers leave the terminator out.
  const password = unterminated(answer) ?? answer;
  if (password.length === 0) return judgeEmptyAnswer(options);
  return await judgePassword(password, options);
}
