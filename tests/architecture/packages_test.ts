// The lock file is one that `npm ci` accepts on every platform.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { root } from "./sources.ts";

interface LockedPackage {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = await Bun.file(join(root, "package-lock.json")).json() as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

describe("packages", () => {
  test("package-lock.json has the packages of every platform, without which npm ci refuses it", () => {
    const missing = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies).filter((it) => !lock.packages[`node_modules/${it}`])
    );
    expect(missing).toEqual([]);
  });

  test("every dependency is of one exact version, the locked one", () => {
    const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
    const locked = Object.keys(wanted).map((it) => [
      it,
      lock.packages[`node_modules/${it}`]?.version,
    ]);
    expect(Object.fromEntries(locked)).toEqual(wanted);
  });

  test("every recipe of the justfile is an npm script and the other way round", async () => {
    const justfile = await Bun.file(join(root, "justfile")).text();
    const recipes = [...justfile.matchAll(/^([\w-]+)(?: [^\n:]*)?:(?!=)/gm)].map(([, name]) =>
      name!
    );
    const scripts = Object.entries(manifest.scripts);
    expect(scripts.map(([name]) => name).sort()).toEqual(
      recipes.filter((it) => it !== "default").sort(),
    );
    for (const [name, script] of scripts) expect(script).toBe(`node tools/run.mjs ${name}`);
  });
});
