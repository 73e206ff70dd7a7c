// When a worker gives memory back: with nothing to do, and clients that have come or gone.

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

test("clients that came and stay: once, two seconds behind their last commands", () => {
  const { traffic, look } = worker();
  traffic.clientsAccepted = traffic.clients = 9000;
  expect(look(10 * SECOND, 50)).toBe(0);
  expect(look(2 * SECOND - 1)).toBe(0);
  expect(look(1)).toBe(1);
  expect(look(3600 * SECOND)).toBe(1);
});

test("clients that leave: once more", () => {
  const { traffic, look } = worker();
  traffic.clientsAccepted = traffic.clients = 9000;
  expect(look(2 * SECOND)).toBe(1);
  traffic.clients = 8600;
  expect(look(60 * SECOND)).toBe(1);
  traffic.clients = 0;
  expect(look(60 * SECOND)).toBe(2);
});

test("a few clients are not worth it, however long it is quiet", () => {
  const { traffic, look } = worker();
  traffic.clientsAccepted = 249;
  expect(look(3600 * SECOND)).toBe(0);
  traffic.clientsAccepted = 250; // has come, and has gone
  expect(look(1)).toBe(1);
});

test("never while there is something to do", () => {
  const { traffic, look } = worker();
  for (let visits = 0; visits < 100_000; visits += 1000) {
    traffic.clientsAccepted = visits;
    expect(look(1, 2)).toBe(0);
  }
  expect(look(2 * SECOND, 1)).toBe(1); // a monitor's statements now and then are nothing to do
});
