// What workers tell of their servers, added up.

import { expect, test } from "bun:test";
import { type ServerConnection, ServerTraffic } from "../../../mod/backend/mod.ts";
import { defaultConfig } from "../../../mod/config/mod.ts";
import { UsageTotals } from "../../../mod/proxy/usage.ts";

function connection(sent: number, received: number) {
  return { stream: { sent, received } } as unknown as ServerConnection & {
    readonly stream: { sent: number; received: number };
  };
}

test("bytes are told once, of open connections and of those that have ended", () => {
  const traffic = new ServerTraffic();
  expect(traffic.take()).toBeUndefined();
  const [one, other] = [connection(10, 100), connection(1, 2)];
  traffic.opened(one);
  traffic.opened(other);
  expect(traffic.take()).toEqual({ bytesSent: 11, bytesReceived: 102, usedMax: 0 });
  one.stream.sent += 5;
  traffic.closed(one);
  traffic.closed(one);
  one.stream.sent += 1000; // nobody's any more
  expect(traffic.take()).toEqual({ bytesSent: 5, bytesReceived: 0, usedMax: 0 });
  expect(traffic.take()).toBeUndefined();
});

test("the most connections in use between two tellings", () => {
  const traffic = new ServerTraffic();
  for (let i = 0; i < 3; i++) traffic.lent();
  for (let i = 0; i < 2; i++) traffic.givenBack();
  expect(traffic.take()?.usedMax).toBe(3);
  expect(traffic.take()?.usedMax).toBe(1);
  expect(traffic.take()).toBeUndefined();
  traffic.givenBack();
  expect(traffic.take()).toBeUndefined(); // it was 1 yet
  expect(traffic.take()?.usedMax).toBe(0);
  expect(traffic.take()).toBeUndefined();
});

test("workers are added up; the most is taken by itself, and who has ended has none", () => {
  const totals = new UsageTotals();
  const config = defaultConfig();
  const add = (worker: number, usedMax: number, bytesSent = 1) =>
    totals.add(
      { rules: [], servers: [{ server: "db1:3306", bytesSent, bytesReceived: 2, usedMax }] },
      { worker, config },
    );
  add(0, 3);
  add(1, 4);
  add(0, 1);
  const usage = totals.servers.get("db1:3306")!;
  expect([usage.bytesSent, usage.bytesReceived, usage.usedMax]).toEqual([3, 6, 7]);
  expect(usage.takeUsedMax()).toBe(7);
  expect(usage.takeUsedMax()).toBe(5);
  totals.end(1);
  add(0, 2);
  expect(usage.takeUsedMax()).toBe(5); // what it was when it was taken
  expect(usage.takeUsedMax()).toBe(2);
  expect(usage.usedMax).toBe(7);
});

test("servers that nothing goes to any more are forgotten at last", () => {
  const totals = new UsageTotals();
  const config = defaultConfig();
  for (let i = 0; i < 1500; i++) {
    const delta = { bytesSent: 1, bytesReceived: 1, usedMax: 1 };
    const servers = [{ server: `db${i}:3306`, ...delta }, { server: "db:3306", ...delta }];
    totals.add({ rules: [], servers }, { worker: 0, config });
  }
  expect(totals.servers.size).toBe(1000);
  expect(totals.servers.get("db:3306")?.bytesSent).toBe(1500);
});
