// When a worker gives memory back: with nothing to do, and clients that have gone.

import { expect, test } from "bun:test";
import { CollectionAtRest } from "../../../mod/proxy/collection_at_rest.ts";

const SECOND = 4;

/** A worker's counters, and how often its memory was collected. */
function worker() {
  const traffic = { commands: 0, clientsAccepted: 0, clients: 0 };
  let collected = 0;
  const collection = new CollectionAtRest(() => collected++);
  const look = (looks: number, commandsEach = 0) => {
    for (let at = 0; at < looks; at++) {
      traffic.commands += commandsEach;
      collection.look(traffic);
    }
    return collected;
  };
  return { traffic, look };
}

test("clients that have come and stay have left nothing", () => {
  const { traffic, look } = worker();
  traffic.clientsAccepted = traffic.clients = 9000;
  expect(look(3600 * SECOND)).toBe(0);
});

test("clients that have gone: once, two seconds behind the last event", () => {
  const { traffic, look } = worker();
  traffic.clientsAccepted = traffic.clients = 9000;
  look(10 * SECOND, 50);
  traffic.clients = 0;
  expect(look(1)).toBe(0);
  expect(look(2 * SECOND - 1)).toBe(0);
  expect(look(1)).toBe(1);
  expect(look(3600 * SECOND)).toBe(1);
});

test("not for fewer than are still there, which all would have to be looked at", () => {
  const { traffic, look } = worker();
  traffic.clientsAccepted = 9000;
  traffic.clients = 6000;
  expect(look(60 * SECOND)).toBe(0);
  traffic.clients = 4000;
  expect(look(60 * SECOND)).toBe(1);
});

test("a few clients are not worth it, however long it is quiet", () => {
  const { traffic, look } = worker();
  traffic.clientsAccepted = 499;
  expect(look(3600 * SECOND)).toBe(0);
  traffic.clientsAccepted = 500;
  expect(look(2 * SECOND + 1)).toBe(1);
});

test("never while there is something to do", () => {
  const { traffic, look } = worker();
  for (let visits = 0; visits < 100_000; visits += 1000) {
    traffic.clientsAccepted = visits;
    expect(look(1, 2)).toBe(0);
  }
  expect(look(2 * SECOND, 1)).toBe(1); // a monitor's statements now and then are nothing to do
});
