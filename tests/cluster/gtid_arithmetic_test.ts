// The proxy's arithmetic of transaction ids against the server's own functions.

import { describe, expect, test } from "bun:test";
import { GtidSet } from "../../mod/cluster/mod.ts";
import { serverKinds, sharedServer } from "../servers/mod.ts";
import { randomNumbers, seedFromTime } from "../unit/cluster/random.ts";

const PAIRS = 2400;
const BATCH = 100;
const UUIDS = [1, 2, 3].map((n) => `3e11fa47-71ca-11e1-9e33-c80aa942956${n}`);
const TAGS = ["", "", "blue", "a_1"];

describe.skipIf(!serverKinds().includes("mysql"))("GtidSet", () => {
  test(`agrees with MySQL on ${PAIRS} random pairs, tags included`, async () => {
    const server = await sharedServer("mysql");
    const seed = seedFromTime();
    console.log(`seed ${seed}`);
    const random = randomNumbers(seed);
    let subsets = 0;
    for (let done = 0; done < PAIRS; done += BATCH) {
      const pairs = Array.from({ length: BATCH }, () => randomPair(random));
      const rows = await server.sql(
        pairs.map(([a, b]) =>
          `SELECT GTID_SUBSET('${a}', '${b}') AS subset, GTID_SUBTRACT('${a}', '${b}') AS rest,
           GTID_SUBTRACT('${a},${b}', '') AS total`
        ).join(" UNION ALL "),
      );
      for (const [at, [a, b]] of pairs.entries()) {
        const { subset, rest, total } = rows[at]!;
        const [one, two] = [GtidSet.parse(a), GtidSet.parse(b)];
        subsets += Number(subset);
        expect({ a, b, subset: two.contains(one) }).toEqual({ a, b, subset: Number(subset) === 1 });
        expect({ a, b, rest: `${one.subtract(two)}` }).toEqual({ a, b, rest: plain(rest) });
        expect({ a, b, total: `${one.union(two)}` }).toEqual({ a, b, total: plain(total) });
      }
    }
    // Both answers were there to be got wrong.
    expect(subsets).toBeWithin(PAIRS / 20, PAIRS - PAIRS / 20);
  });

  test("refuses what MySQL refuses, of malformed sets", async () => {
    const server = await sharedServer("mysql");
    const uuid = UUIDS[0];
    const texts = [
      `${uuid}`,
      `${uuid}:`,
      `${uuid}:0`,
      `${uuid}:1-`,
      `${uuid}:-1`,
      `${uuid}:1:blue`,
      `${uuid}:1blue:1`,
      `${uuid}:1-2-3`,
      `${uuid}x:1`,
      `${uuid}:${"t".repeat(33)}:1`,
      `${uuid}:5-3`,
      `${uuid}:1,,${UUIDS[1]}:1`,
      ` ${uuid} : 1 - 3 , `,
      `${uuid}:BLUE:1`,
    ];
    for (const text of texts) {
      const theirs = await server.sql(`SELECT GTID_SUBTRACT('${text}', '') AS it`).then(
        ([row]) => plain(row!["it"]),
        () => "refused",
      );
      let ours: string;
      try {
        ours = String(GtidSet.parse(text));
      } catch {
        ours = "refused";
      }
      expect({ text, it: ours }).toEqual({ text, it: theirs });
    }
  });
});

/** Two sets; in half of the cases the first one is made of parts of the second. */
function randomPair(random: (below: number) => number): readonly [string, string] {
  const second = randomSet(random);
  if (random(2) === 0) return [randomSet(random), second];
  const parts = second.split(",").filter(() => random(3) > 0);
  return [parts.join(","), second];
}

function randomSet(random: (below: number) => number): string {
  return Array.from({ length: random(4) }, () => {
    const uuid = UUIDS[random(UUIDS.length)];
    const tag = TAGS[random(TAGS.length)];
    const intervals = Array.from({ length: 1 + random(4) }, () => {
      const first = 1 + random(30);
      return random(2) === 0 ? `${first}` : `${first}-${first + random(12)}`;
    });
    return [uuid, ...(tag === "" ? [] : [tag]), ...intervals].join(":");
  }).join(",");
}

function plain(value: unknown): string {
  return String(value).replaceAll("\n", "");
}
