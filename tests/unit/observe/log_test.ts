// The event log: levels of single modules, and storms of lines that say the same.

import { describe, expect, test } from "bun:test";
import { createLog, type LogSettings } from "../../../mod/observe/mod.ts";

function logOf(settings: Partial<LogSettings> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    format: "text",
    module: "proxy",
    ...settings,
    // Without the time.
    write: (line) => lines.push(line.trimEnd().replace(/^\S+ /, "")),
  });
  return { log, lines };
}

describe("levels", () => {
  test("each module may have its own, and all can be changed", () => {
    const { log, lines } = logOf({ levels: new Map([["cluster", "debug"], ["auth", "error"]]) });
    const [cluster, auth] = [log.of("cluster"), log.of("auth")];
    const all = () => {
      for (const each of [log, cluster, auth]) {
        each.debug("a");
        each.warn("b");
      }
    };
    all();
    expect(lines.splice(0)).toEqual([
      "warn  b module=proxy",
      "debug a module=cluster",
      "warn  b module=cluster",
    ]);
    log.configure({ level: "error", levels: new Map([["auth", "warn"]]), format: "json" });
    all();
    expect(lines.map((line) => line.replace(/.*"severity"/, '{"severity"'))).toEqual([
      '{"severity":"warn","event":"b","module":"auth"}',
    ]);
  });
});

describe("storms", () => {
  test("what is the same many times becomes one line with a count; nothing is lost", () => {
    const { log, lines } = logOf();
    const backend = log.of("backend");
    for (let i = 0; i < 1000; i++) backend.error("refused", { session: i, code: 1040 });
    for (let i = 0; i < 3; i++) backend.error("refused", { session: i, code: 1045 });
    backend.info("server found", { server: "a" });
    expect(lines.length).toBe(5 + 3 + 1);
    log.flush();
    expect(lines.length).toBe(5 + 3 + 1 + 1);
    expect(lines.at(-1)).toBe("error refused session=999 code=1040 module=backend repeated=995");
    // A new window begins with a line.
    backend.error("refused", { session: 1, code: 1040 });
    log.flush();
    expect(lines.at(-1)).toBe("error refused session=1 code=1040 module=backend");
  });

  test("the window ends by itself", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const log = createLog({
      level: "info",
      format: "text",
      write: (line) => line.includes("repeated=2") && resolve(line),
    });
    for (let i = 0; i < 7; i++) log.warn("again");
    // What ends the window does not keep the process alive; this does.
    const alive = setInterval(() => {}, 1000);
    expect(await promise).toContain("warn  again repeated=2");
    clearInterval(alive);
  });

  test("lines that differ in more than whom they are about are none", () => {
    const { log, lines } = logOf();
    for (let i = 0; i < 50; i++) log.error("configuration refused", { reason: `line ${i}` });
    expect(lines.length).toBe(50);
  });
});
