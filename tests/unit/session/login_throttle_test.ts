// What failed logins of an address lead to, and what other workers are told of them.

import { expect, test } from "bun:test";
import { FailureThrottle } from "../../../mod/auth/mod.ts";
import { LoginRefusedError } from "../../../mod/backend/mod.ts";
import type { ClientSession } from "../../../mod/session/client_session.ts";
import { noteProved, noteRefused } from "../../../mod/session/login/login_throttle.ts";

const DENIED = new LoginRefusedError({ code: 1045, sqlState: "28000", message: "Access denied" });
const BLOCKED = 1129;

function sessionFrom(address: string) {
  const told: (readonly [address: string, hasSucceeded: boolean])[] = [];
  const throttle = new FailureThrottle({
    failuresMax: 2,
    windowMs: 60_000,
    delayMs: 0,
    addressesMax: 10,
    now: () => 1000,
  });
  const peers = {
    tellOfLogin: (...login: [address: string, hasSucceeded: boolean]) => told.push(login),
  };
  return { session: { address, context: { throttle, peers } } as unknown as ClientSession, told };
}

test("other workers are told of failures, and of a success that forgives some", () => {
  const { session, told } = sessionFrom("192.0.2.1");
  expect(noteProved(session)).toBeUndefined();
  expect(told).toEqual([]);
  expect(noteRefused(session, DENIED)).toBe(DENIED);
  expect(noteProved(session)).toBeUndefined();
  expect(told).toEqual([["192.0.2.1", false], ["192.0.2.1", true]]);
});

test("behind as many failures as there may be, right and wrong are told the same", () => {
  const { session, told } = sessionFrom("192.0.2.1");
  expect(noteRefused(session, DENIED)).toBe(DENIED);
  expect(noteRefused(session, DENIED)).toBe(DENIED);
  expect(noteRefused(session, DENIED)).toMatchObject({ error: { code: BLOCKED } });
  expect(noteProved(session)).toMatchObject({ code: BLOCKED });
  expect(told).toHaveLength(2);
});

test("neither other errors count nor clients of a unix socket", () => {
  const { session, told } = sessionFrom("192.0.2.1");
  const other = new LoginRefusedError({ code: 1049, sqlState: "42000", message: "no schema" });
  expect(noteRefused(session, other)).toBe(other);
  const local = sessionFrom("");
  for (let i = 0; i < 3; i++) expect(noteRefused(local.session, DENIED)).toBe(DENIED);
  expect(noteProved(local.session)).toBeUndefined();
  expect([...told, ...local.told]).toEqual([]);
});
