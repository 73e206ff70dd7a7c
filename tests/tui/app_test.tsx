// The dashboard as somebody uses it: keys pressed, frames looked at.

import { afterEach, describe, expect, test } from "bun:test";
import { stripVTControlCharacters } from "node:util";
import { cleanup, render } from "ink-testing-library";
import type { ReactElement } from "react";
import { LiveApp, RecordingApp } from "../../tui/app.tsx";
import type { Feed, Wanted } from "../../tui/feed.ts";
import type { Snapshot } from "../../tui/snapshot.ts";
import { TABS } from "../../tui/state.ts";
import { THEME_NAMES } from "../../tui/theme.ts";
import { DEATH_S, scene, sceneAt } from "./scene.ts";

afterEach(cleanup);

const snapshots = scene(DEATH_S + 10);
const beginning = { state: { intervalMs: 1000, theme: "mono", paused: true } } as const;

/** What ink-testing-library gives, of a size that can be changed. */
class Shown {
  readonly #instance: ReturnType<typeof render>;

  constructor(tree: ReactElement, columns = 100, rows = 24) {
    this.#instance = render(tree);
    this.resize(columns, rows);
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.#instance.stdin.write(key);
  }

  resize(columns: number, rows: number): void {
    const { stdout } = this.#instance;
    Object.defineProperties(stdout, {
      columns: { value: columns, configurable: true },
      rows: { value: rows, configurable: true },
    });
    stdout.emit("resize");
  }

  /** The last frame without its colours. */
  get frame(): string {
    return stripVTControlCharacters(this.#instance.lastFrame() ?? "");
  }

  /** The last frame with them. */
  get painted(): string {
    return this.#instance.lastFrame() ?? "";
  }

  /** Waits until a frame is as wanted; what it is after 20 s fails the test. */
  async until(wanted: string | RegExp | ((frame: string) => boolean)): Promise<string> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const { frame } = this;
      const isWanted = typeof wanted === "string"
        ? frame.includes(wanted)
        : wanted instanceof RegExp
        ? wanted.test(frame)
        : wanted(frame);
      if (isWanted) return frame;
      if (Date.now() > deadline) throw new Error(`Not shown: ${wanted}\n${frame}`);
      await Bun.sleep(5);
    }
  }
}

/** A recording that stands still. */
function still(startAt: number, size: readonly [columns: number, rows: number] = [100, 24]): Shown {
  return new Shown(
    <RecordingApp beginning={beginning} snapshots={snapshots} name="failover" startAt={startAt} />,
    ...size,
  );
}

const KEYS = { down: "\x1b[B", escape: "\x1b", enter: "\r", left: "\x1b[D", backspace: "\x7f" };

describe("before a recording", () => {
  test("the first screen says who is up, who is down and what has happened", async () => {
    const frame = await still(DEATH_S + 6).until("Events");
    expect(frame).toMatch(/mysqlproxy 0\.1\.0 {2}up 3d04h {2}2 workers .* failover .*‖ 157\/161/);
    expect(frame).toMatch(/^ qps +\d+\.\dk/m);
    expect(frame).toMatch(/db1:3306 +none +× down +6s/);
    expect(frame).toMatch(/db2:3306 +primary +● up/);
    expect(frame).toMatch(/failover-ended +– +db2:3306 +db2:3306 takes writes \(1\.4s\)/);
  });

  test("every tab has its number, and none is empty", async () => {
    const shown = still(DEATH_S + 1);
    await shown.until("Servers");
    const frames = new Set<string>();
    for (const [at] of TABS.entries()) {
      shown.press(String(at + 1));
      const frame = await shown.until((frame) => !frames.has(frame));
      expect(frame.split("\n").length).toBe(24);
      frames.add(frame);
    }
    shown.press("1");
    await shown.until("Servers");
    shown.press(KEYS.left);
    await shown.until("login refused");
  });

  test("snapshots go by one by one, and by themselves once it plays", async () => {
    const shown = still(10);
    await shown.until("‖ 11/161");
    shown.press("]");
    await shown.until("‖ 12/161");
    shown.press("[");
    await shown.until("‖ 11/161");
    shown.press(" ");
    await shown.until(/▶ 1[2-9]\/161/);
  });

  test("a resize never breaks it", async () => {
    const shown = still(DEATH_S + 1);
    await shown.until("Servers");
    for (const [at] of TABS.entries()) {
      shown.press(String(at + 1), KEYS.enter);
      for (const [columns, rows] of [[1, 1], [20, 5], [79, 11], [133, 37], [200, 60], [80, 24]]) {
        shown.resize(columns!, rows!);
        await shown.until((frame) => {
          const lines = frame.split("\n");
          const widest = Math.max(...lines.map((line) => Bun.stringWidth(line)));
          return lines.length <= rows! && widest <= Math.max(20, columns!);
        });
      }
      shown.press(KEYS.escape);
    }
    shown.press("1");
    await shown.until(/db2:3306 +primary/);
  });

  test("every theme says the same; without colours nothing is coloured", async () => {
    const shown = still(DEATH_S + 6);
    const frame = await shown.until("Servers");
    expect(shown.painted).not.toContain("\x1b[3");
    const painted = new Set([shown.painted]);
    for (const _ of THEME_NAMES.slice(1)) {
      const before = shown.painted;
      shown.press("t");
      await shown.until(() => shown.painted !== before);
      expect(shown.frame).toBe(frame);
      painted.add(shown.painted);
    }
    expect(painted.size).toBe(THEME_NAMES.length);
  });

  test("nothing that a table holds gets at the terminal", async () => {
    const hostile = structuredClone(snapshots[DEATH_S + 6]!) as unknown as {
      tables: Record<string, Record<string, unknown>[]>;
    };
    for (const rows of Object.values(hostile.tables)) {
      for (const row of rows) {
        for (const [name, value] of Object.entries(row)) {
          if (typeof value === "string") row[name] = `${value}\x1b[35mX\x1b]0;X\x07\r\x9b2J`;
        }
      }
    }
    const shown = new Shown(
      <RecordingApp
        beginning={beginning}
        snapshots={[snapshots[0]!, hostile as unknown as Snapshot]}
        name="hostile"
        startAt={1}
      />,
      160,
      50,
    );
    const frames = new Set<string>();
    for (const [at] of TABS.entries()) {
      shown.press(String(at + 1));
      frames.add(await shown.until((frame) => !frames.has(frame)));
      shown.press(KEYS.enter);
      frames.add(await shown.until((frame) => !frames.has(frame)));
      for (const code of ["\x1b[35m", "\x1b]", "\x07", "\r", "\x9b"]) {
        expect(shown.painted).not.toContain(code);
      }
    }
    expect([...frames].join("")).toContain("·[35mX");
  });

  test("takes no orders", async () => {
    const shown = still(10);
    await shown.until("Servers");
    shown.press("2");
    await shown.until("Frontends");
    shown.press("2x");
    await shown.until("a recording takes no orders");
  });
});

/** A proxy that answers with the scene, until it is told to be gone. */
class SceneFeed implements Feed {
  readonly name = "proxy1:3308";
  readonly orders: string[] = [];
  readonly wanted: Wanted[] = [];
  refusal: string | undefined;
  gone: string | undefined;
  #second = 0;

  async read(wanted: Wanted): Promise<Snapshot> {
    await Promise.resolve();
    if (this.gone !== undefined) throw new Error(this.gone);
    this.wanted.push(wanted);
    return sceneAt(this.#second++);
  }

  async order(statement: string): Promise<void> {
    await Promise.resolve();
    this.orders.push(statement);
    if (this.refusal !== undefined) throw new Error(this.refusal);
  }

  close(): void {}
}

function live(feed: SceneFeed, intervalMs = 1000): Shown {
  const state = { ...beginning.state, paused: false, intervalMs };
  return new Shown(<LiveApp beginning={{ state }} feed={feed} />);
}

describe("before a proxy", () => {
  test("a tab that is new waits for its tables, and says that they are missing when they are", async () => {
    const gate = Promise.withResolvers<void>();
    class SlowFeed extends SceneFeed {
      override async read(wanted: Wanted): Promise<Snapshot> {
        const { tables, atMs } = await super.read(wanted);
        if (wanted.tables.has("digests")) await gate.promise;
        const { digests: _, ...others } = tables;
        return { atMs, tables: others, asked: [...wanted.tables] };
      }
    }
    const shown = live(new SlowFeed());
    await shown.until("Servers");
    shown.press("4");
    expect(await shown.until(/^ Statements/m)).toMatch(/^ …$/m);
    gate.resolve();
    await shown.until("not measured by this proxy");
  });

  test("a query is killed only after a yes", async () => {
    const feed = new SceneFeed();
    const shown = live(feed);
    await shown.until("Servers");
    shown.press("2");
    await shown.until("1073741828");
    for (const no of ["n", KEYS.enter, KEYS.escape]) {
      shown.press("x");
      await shown.until("Kill the statement of session 1073741828 (shop@10.0.1.23:40039)?");
      shown.press(no);
      if (no === KEYS.enter) shown.press("n"); // Enter is no answer at all
      await shown.until("x kill query");
    }
    expect(feed.orders).toEqual([]);
    shown.press("x");
    await shown.until("Kill the statement");
    shown.press("y");
    await shown.until("done: KILL QUERY 1073741828");
    shown.press("X");
    await shown.until("End the connection of session 1073741828");
    shown.press("y");
    await shown.until("done: KILL 1073741828");
    expect(feed.orders).toEqual(["KILL QUERY 1073741828", "KILL 1073741828"]);
  });

  test("what the proxy says against an order is shown", async () => {
    const feed = new SceneFeed();
    feed.refusal = "stats may only look";
    const shown = live(feed);
    await shown.until("db2:3306");
    shown.press(KEYS.down);
    await shown.until("db2:3306       replica");
    shown.press("d");
    await shown.until("Drain db2:3306?");
    shown.press("y");
    await shown.until("DRAIN SERVER 'db2:3306': stats may only look");
  });

  test("a filter is typed, kept, cleared", async () => {
    const feed = new SceneFeed();
    const shown = live(feed);
    await shown.until("Servers");
    shown.press("2");
    await shown.until("Frontends  64");
    shown.press("/");
    await shown.until("Enter keep");
    // Faster than screens are drawn, and some of it in one piece.
    shown.press("user:");
    shown.press(`reportxy${KEYS.backspace}`);
    shown.press(KEYS.backspace);
    await shown.until("Frontends  12 of 64  filter user:report");
    expect(feed.wanted.at(-1)!.portions!.frontends!.where).toContain("'report'");
    shown.press(KEYS.enter);
    const kept = await shown.until("x kill query");
    expect(kept).not.toContain("shop    shop");
    shown.press(KEYS.escape);
    await shown.until(/Frontends {2}64\s/);
  });

  test("a row can be looked at whole", async () => {
    const shown = live(new SceneFeed());
    await shown.until("Servers");
    shown.press("2");
    await shown.until("Frontends");
    shown.press(KEYS.enter);
    const frame = await shown.until("in transaction");
    expect(frame).toMatch(/statement +SELECT customer, SUM\(total\) FROM orders JOIN lines USING/);
    expect(frame).toContain("GROUP BY customer");
    shown.press(KEYS.escape);
    await shown.until((frame) => !frame.includes("in transaction"));
  });

  test("its loss is shown with the last that was known, and it is found again", async () => {
    const feed = new SceneFeed();
    const shown = live(feed, 100);
    await shown.until("● every 0.1s");
    feed.gone = "connect ECONNREFUSED 127.0.0.1:3308";
    const frame = await shown.until("× no answer for");
    expect(frame).toContain("db2:3306");
    expect(frame).toContain("connect ECONNREFUSED 127.0.0.1:3308; trying again");
    feed.gone = undefined;
    await shown.until("● every 0.1s");
  });

  test("one that is not there yet is waited for", async () => {
    const feed = new SceneFeed();
    feed.gone = "connect ENOENT";
    const shown = live(feed, 100);
    await shown.until("connect ENOENT; trying again");
    feed.gone = undefined;
    await shown.until("Servers");
  });

  test("only what is looked at is asked for", async () => {
    const feed = new SceneFeed();
    const shown = live(feed);
    await shown.until("Servers");
    expect(feed.wanted[0]!.tables.has("frontends")).toBe(false);
    shown.press("4");
    await shown.until("TIME%");
    expect(feed.wanted.at(-1)!.tables).toEqual(new Set(["digests", "digest_totals"]));
  });

  test("a pause holds the screen, not the readings", async () => {
    const feed = new SceneFeed();
    const shown = live(feed, 100);
    await shown.until("qps");
    shown.press("p");
    const frame = await shown.until("‖ paused");
    const before = feed.wanted.length;
    while (feed.wanted.length < before + 3) await Bun.sleep(10);
    expect(shown.frame).toBe(frame);
    shown.press("p");
    await shown.until("● every 0.1s");
  });

  test("the refresh rate, the order and the theme change", async () => {
    const shown = live(new SceneFeed());
    await shown.until("● every 1s");
    shown.press("+");
    await shown.until("● every 0.5s");
    shown.press("-");
    shown.press("-");
    await shown.until("● every 2s");
    shown.press("2");
    await shown.until("TIME▾");
    shown.press("r");
    await shown.until("TIME▴");
    shown.press("s");
    await shown.until("PINNED BY▴");
    shown.press("?");
    const help = await shown.until("Filters: all words must fit");
    expect(help.split("\n").every((line) => line.length <= 100)).toBe(true);
    shown.press("1");
    await shown.until("Frontends  64");
  });
});
