// Guessing passwords: what failed logins of an address lead to, whichever worker they come to. Logins
// that are under way at the same time have all passed the first look at how many have failed, so that
// the last word is said behind them.

import { LoginRefusedError } from "../../backend/mod.ts";
import type { SqlError } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import { ACCESS_DENIED, EarlyRefusal } from "./login_refusal.ts";

/**
 * A client has proved who it is: failures of its address are forgotten.
 *
 * @returns Why it is not let in nevertheless: so many have failed meanwhile that its address is
 * refused. It would tell which of many passwords is the right one otherwise.
 */
export function noteProved(
  { address, context: { throttle, peers } }: ClientSession,
): SqlError | undefined {
  const decision = throttle.check(address || undefined);
  if (decision.kind === "refuse") return decision.error;
  if (throttle.succeeded(address || undefined)) peers.tellOfLogin(address, true);
  return undefined;
}

/**
 * A client is not let in. A wrong password or name counts for its address.
 *
 * @returns Why, for the client: of many that fail at once only so many learn that their password is
 * wrong as may fail one behind the other.
 */
export function noteRefused(
  { address, context: { throttle, peers } }: ClientSession,
  refused: unknown,
): unknown {
  if (errorOf(refused)?.code !== ACCESS_DENIED || address === "") return refused;
  const decision = throttle.check(address);
  if (decision.kind === "refuse") return new LoginRefusedError(decision.error);
  throttle.failed(address);
  peers.tellOfLogin(address, false);
  return refused;
}

function errorOf(refused: unknown): SqlError | undefined {
  const isRefusal = refused instanceof LoginRefusedError || refused instanceof EarlyRefusal;
  return isRefusal ? refused.error : undefined;
}
