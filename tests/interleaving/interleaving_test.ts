// A session behind the proxy cannot tell that it is there: random programs of two to six sessions
// get the same packets as on direct connections, byte for byte. So do the programs in programs/, each
// of which has failed once. `just soak` plays programs without end; those in open/ differ still.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defectsIn } from "../fuzz/proxy_state.ts";
import { testSeed } from "../fuzz/random.ts";
import { serverKinds } from "../servers/mod.ts";
import { type Against, type Arena, openArena } from "./arena.ts";
import { campaign, tryProgram } from "./campaign.ts";
import { compare, explain } from "./comparison.ts";
import { kindsFor, makeProgram } from "./generator.ts";
import { KindCount } from "./kind_count.ts";
import { rehearse, replay } from "./performance.ts";
import { formatProgram, parseProgram } from "./program_text.ts";
import { shrink } from "./shrink.ts";

const LANES = 4;
/** So many programs may not differ, also where none does so again. */
const FAILURES_MAX = 2;
/**
 * How many programs each way of pooling plays, on a slow machine as many of them as there is time for;
 * continuous integration has the time for more.
 */
const CAMPAIGNS: readonly {
  readonly against: Against;
  readonly pipeline?: string;
  readonly programs: number;
  readonly lanes: number;
}[] = [
  { against: "session", programs: 500, lanes: LANES },
  { against: "transaction", programs: process.env["CI"] === "true" ? 5000 : 500, lanes: 6 },
  { against: "transaction", pipeline: "16", programs: 500, lanes: 6 },
];
const PLAY_MS_MAX = 150_000;
const PROGRAMS_MIN = 500;
const CAMPAIGN_MS_MAX = 600_000;
const START_MS_MAX = 120_000;

const seed = testSeed("interleaving");
const folder = join(import.meta.dir, "programs");
const named = readdirSync(folder).filter((file) => file.endsWith(".txt")).map((file) => ({
  file,
  program: parseProgram(readFileSync(join(folder, file), "utf8")),
}));

/**
 * No statement raises an error with so long a text again once another client has been on the
 * connection: docs/pooling.md, "What differs".
 */
const ALONE = new Set(["long_error_beside_several_statements.txt"]);

for (const kind of serverKinds()) {
  describe(`reads on another server than writes, ${kind}`, () => {
    let arena: Arena;

    beforeAll(async () => {
      arena = await openArena({ kind, against: "split", lanes: LANES });
    }, START_MS_MAX);

    afterAll(async () => {
      await arena?.[Symbol.asyncDispose]();
    }, START_MS_MAX);

    for (const { file, program } of named) {
      if (!program.servers.includes(kind)) continue;
      test(file, async () => {
        const trial = await tryProgram(program, arena.lanes[0]!, { fresh: true });
        expect(trial.difference === undefined ? "" : explain(trial)).toBe("");
      });
    }
  });

  describe(`transaction pooling before ${kind}`, () => {
    let arena: Arena;

    beforeAll(async () => {
      arena = await openArena({ kind, against: "transaction", lanes: LANES });
    }, START_MS_MAX);

    afterAll(async () => {
      await arena?.[Symbol.asyncDispose]();
    }, START_MS_MAX);

    for (const { file, program } of named) {
      if (!program.servers.includes(kind)) continue;
      test(file, async () => {
        const trial = await tryProgram(program, arena.lanes[0]!, { fresh: true });
        expect(trial.difference === undefined ? "" : explain(trial)).toBe("");
      });
    }

    test("a difference is found and the program shrunk", async () => {
      const lane = arena.lanes[0]!;
      const text = `connections 2
a enter first db={db} collation=45 flags=DEPRECATE_EOF
a query SELECT 'nothing'
b enter first db={db} collation=45 flags=DEPRECATE_EOF
b query SELECT 'wanted', DATABASE()
`;
      const program = parseProgram(text);
      await lane.renew(program);
      const direct = await rehearse(program, lane.direct);
      const stage = lane.proxied(program);
      const { names } = stage;
      const elsewhere = { ...stage, names: { ...names, db: names.db2 } };
      const proxied = await replay(program.steps, elsewhere);
      const difference = compare(direct, proxied, undefined);
      expect(difference).toEqual({ at: 3, sort: "answer to query" });
      const shown = explain({ program, direct, proxied, difference });
      expect(shown).toContain(`# direct: 4: ROW "wanted", "${names.db}"`);
      expect(shown).toContain(`# proxy:  4: ROW "wanted", "${names.db2}"`);
    });
  });

  for (const crowd of [0, 1]) {
    test(`the same before ${kind}, all that may in line, ${crowd} others beside`, async () => {
      await using arena = await openArena({
        kind,
        against: "transaction",
        pipeline: "16",
        crowd,
        lanes: 1,
      });
      const differences: string[] = [];
      for (const { file, program } of named) {
        if (!program.servers.includes(kind)) continue;
        if (crowd > 0 && ALONE.has(file)) {
          console.log(`${kind}: not between other clients: ${file}`);
          continue;
        }
        const trial = await tryProgram(program, arena.lanes[0]!, { fresh: crowd === 0 });
        if (trial.difference !== undefined) differences.push(`${file}:\n${explain(trial)}`);
      }
      expect(differences).toEqual([]);
      expect(arena.logs().flatMap(defectsIn)).toEqual([]);
    }, CAMPAIGN_MS_MAX);
  }

  for (const { against, pipeline = "auto", programs, lanes } of CAMPAIGNS) {
    const name = `${programs} random programs with ${against} pooling, pipeline ${pipeline}`;
    test(`${name}, before ${kind}`, async () => {
      await using arena = await openArena({ kind, against, pipeline, lanes });
      const count = new KindCount(kind);
      const report = await campaign(arena, {
        seed,
        programs,
        msMax: PLAY_MS_MAX,
        failuresMax: FAILURES_MAX,
        onTrial: (trial) => count.add(trial),
      });
      const rate = (report.programs / report.seconds).toFixed(1);
      console.log(`${kind}: ${report.programs} programs, ${count.seen} kinds, ${rate} a second`);
      expect(arena.deaths()).toEqual([]);
      for (const { seed, trial, lane, before } of report.failures) {
        const again = await tryProgram(trial.program, lane, { fresh: true });
        if (again.difference === undefined) {
          // A matter of time: what it was is told, and more than one is too many.
          console.log(`The program of seed ${seed} differed once:\n${explain(trial)}`);
          continue;
        }
        const shrunk = await shrink({ seed, trial: again, lane, before });
        throw new Error(`The program of seed ${seed} differs:\n${explain(shrunk)}`);
      }
      expect(report.failures.length).toBeLessThan(FAILURES_MAX);
      expect(report.programs).toBeGreaterThanOrEqual(PROGRAMS_MIN);
      expect(arena.logs().flatMap(defectsIn)).toEqual([]);
      expect(count.seen).toBeGreaterThan(kindsFor(kind).length / 2);
    }, CAMPAIGN_MS_MAX);
  }

  test(`the statement kinds for ${kind} are many, each with a name of its own`, () => {
    const names = kindsFor(kind).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(400);
    expect(new Set(names).size).toBe(names.length);
  });

  test(`programs for ${kind} are the same from the same seed, and from their text`, () => {
    for (let i = 0; i < 300; i++) {
      const options = { seed: seed + i, server: kind };
      const program = makeProgram(options);
      expect(makeProgram(options)).toEqual(program);
      const steps = program.steps.map(({ kind: _, ...step }) => step);
      expect(parseProgram(formatProgram(program)).steps as unknown).toEqual(steps);
    }
  });
}
