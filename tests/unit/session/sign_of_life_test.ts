// A connection that is ready when nobody asks any more does not stay open.

import { expect, test } from "bun:test";
import type { Server, ServerConnection } from "../../../mod/backend/mod.ts";
import { SignOfLife } from "../../../mod/session/failover/sign_of_life.ts";
import { MemoryStream } from "../net/memory_stream.ts";

test("closed while its connection is being opened, it closes that one", async () => {
  const stream = new MemoryStream();
  const opened = Promise.withResolvers<ServerConnection>();
  const server = { openOwnConnection: () => opened.promise } as unknown as Server;
  let given = 0;
  const sign = new SignOfLife(() => server, () => given++);
  sign.prepare(performance.now());
  sign.close();
  opened.resolve({ closed: false, stream } as unknown as ServerConnection);
  await opened.promise;
  await Promise.resolve();
  expect(stream.calls).toContain("end");
  expect(given).toBe(0); // whose it was is not asked after any more
});
