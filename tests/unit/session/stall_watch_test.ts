// The watch over replicas that hang, as it is turned off while it runs.

import { expect, test } from "bun:test";
import { type Router, RouteServer } from "../../../mod/route/mod.ts";
import type { SessionContext } from "../../../mod/session/mod.ts";
import { StallWatch } from "../../../mod/session/failover/stall_watch.ts";
import { until } from "../../cluster/watching.ts";

test("turned off, it takes no replica for hung any more", async () => {
  const [one, other] = [new RouteServer("one"), new RouteServer("other")];
  const route = { ejectSilenceMs: 30 };
  const watch = new StallWatch(
    { config: { route } } as unknown as SessionContext,
    {
      router: { primary: undefined, replicas: [one, other] } as unknown as Router,
      serverOf: () => undefined,
      ask: () => {},
      closeQuestion: () => {},
    },
  );
  one.isStalled = true;
  other.noteSent(performance.now());
  watch.begin();
  route.ejectSilenceMs = 0;
  await until("it gets reads again", () => !one.isStalled, { limitMs: 2000 });
  expect(other.isStalled).toBe(false);
});
