// What is kept over restarts is there again, also when a file was damaged.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StateFiles } from "../../../mod/cluster/mod.ts";
import { TOPOLOGY } from "./sample_topology.ts";

function inFolder(run: (folder: string, files: StateFiles, errors: string[]) => Promise<void>) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "mp-state-"));
    const errors: string[] = [];
    try {
      await run(folder, filesIn(folder, errors), errors);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function filesIn(folder: string, errors: string[]): StateFiles {
  return new StateFiles(folder, { onError: (reason) => void errors.push(reason) });
}

const SEEN = [
  { kind: "tcp", host: "db1", port: 3306 },
  { kind: "tcp", host: "db2", port: 3306 },
  { kind: "tcp", host: "db3", port: 3306 },
] as const;

describe("StateFiles", () => {
  test(
    "servers and orders are there again; who never answered is not",
    inFolder(async (folder, files, errors) => {
      expect(await files.read()).toEqual({ servers: [], orders: {} });
      files.saveTopology(TOPOLOGY);
      files.saveOrders({ "db2:3306": { draining: true, weight: 4 } });
      await files.written();
      expect(await filesIn(folder, errors).read()).toEqual({
        servers: [...SEEN],
        orders: { "db2:3306": { draining: true, weight: 4 } },
      });
      expect(errors).toEqual([]);
    }),
  );

  test(
    "a damaged file is told, and the one before it is read",
    inFolder(async (folder, files, errors) => {
      files.saveTopology(TOPOLOGY);
      await files.written();
      files.saveTopology({ ...TOPOLOGY, epoch: 4, servers: TOPOLOGY.servers.slice(0, 1) });
      await files.written();
      expect((await files.read()).servers.length).toBe(1);
      writeFileSync(join(folder, "topology.json"), '{"servers": [{"addr');
      expect((await files.read()).servers).toEqual([...SEEN]);
      expect(errors).toEqual([`cannot read ${join(folder, "topology.json")}: it is damaged`]);
    }),
  );

  test(
    "only what routing hangs on makes it write, and nothing is left beside the files",
    inFolder(async (folder, files) => {
      files.saveTopology(TOPOLOGY);
      await files.written();
      files.saveTopology({ ...TOPOLOGY, revision: 99 });
      await files.written();
      expect(existsSync(join(folder, "topology.json.bak"))).toBe(false);
      for (let epoch = 4; epoch < 30; epoch++) files.saveTopology({ ...TOPOLOGY, epoch });
      await files.written();
      expect(readdirSync(folder).sort()).toEqual(["topology.json", "topology.json.bak"]);
      expect(JSON.parse(readFileSync(join(folder, "topology.json"), "utf8"))).toMatchObject({
        primary: "db1:3306",
        flavor: "async",
      });
    }),
  );

  test("a folder that cannot be written to is told, and harms nothing else", async () => {
    const errors: string[] = [];
    const files = filesIn("/dev/null/state", errors);
    expect(await files.read()).toEqual({ servers: [], orders: {} });
    files.saveTopology(TOPOLOGY);
    await files.written();
    expect(errors.at(-1)).toStartWith("cannot write /dev/null/state/topology.json: ");
  });
});
