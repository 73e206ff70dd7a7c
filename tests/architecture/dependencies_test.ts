// Who may import whom: data flows through the folders in one direction, each has one door, and
// what is heavy is loaded only when it is needed.

import { describe, expect, test } from "bun:test";
import { folderOf, readSources } from "./sources.ts";
import type { Import, Source } from "./sources.ts";

/** A folder may import from those before it. */
const order = [
  "mod/wire",
  "mod/sql",
  "mod/config",
  "mod/observe",
  "mod/auth",
  "mod/net",
  "mod/backend",
  "mod/cluster",
  "mod/route",
  "mod/session",
  "mod/proxy",
  "mod/admin",
  "commands",
];

const sources = await readSources();
const product = sources.filter(({ path }) => /^(main\.ts|mod|commands|tui|fixtures)/.test(path));

describe("dependencies", () => {
  test("every folder under mod/ has its place in the order", () => {
    const folders = new Set(product.map(({ path }) => folderOf(path)));
    const unknown = [...folders].filter((it) => it.startsWith("mod") && !order.includes(it));
    expect(unknown).toEqual([]);
  });

  test("imports go in one direction", () => {
    const wrong = importsWhere(product, (source, { target }) => {
      const from = folderOf(source.path);
      const to = folderOf(target);
      if (from === to) return false;
      if (/^(tests|bench|tools)\b/.test(to)) return true;
      if (source.path === "main.ts") return to !== "commands";
      // The dashboard knows a proxy only by its admin port, so that it works before a remote one.
      if (from === "tui") return source.path !== "tui/live_feed.ts" || to !== "mod/admin";
      if (to === "tui") return from !== "commands";
      if (from.startsWith("fixtures")) return to === "commands" || to === "";
      if (to.startsWith("fixtures")) return from !== "commands";
      return order.indexOf(to) < 0 || order.indexOf(to) > order.indexOf(from);
    });
    expect(wrong).toEqual([]);
  });

  test("another folder is entered through its mod.ts", () => {
    const wrong = importsWhere(product, (source, { target }) => {
      const to = folderOf(target);
      return to !== folderOf(source.path) && target !== `${to}/mod.ts`;
    });
    expect(wrong).toEqual([]);
  });

  test("the command line reaches tui/, fixtures/ and the proxy by dynamic import only", () => {
    const wrong = importsWhere(product, (source, { target, dynamic, typeOnly }) => {
      const heavy = /^(tui|fixtures|mod\/(proxy|admin))\//.test(target);
      return folderOf(source.path) === "commands" && heavy && !dynamic && !typeOnly;
    });
    expect(wrong).toEqual([]);
  });

  test("no files import each other in a circle", () => {
    expect(findCircle(product)).toBeUndefined();
  });

  test("own files are imported with their extension and exist", () => {
    const paths = new Set(sources.map(({ path }) => path));
    const wrong = importsWhere(sources, (_, { target }) => !paths.has(target) && !asset(target));
    expect(wrong).toEqual([]);
  });
});

/** Files that are not source but may be imported. */
function asset(target: string): boolean {
  return /\.(json|sql|txt|toml|sh|pem|py)$/.test(target);
}

function importsWhere(
  files: readonly Source[],
  isWrong: (source: Source, imported: Import) => boolean,
): readonly string[] {
  return files.flatMap((source) =>
    source.imports.filter((it) => it.own && isWrong(source, it))
      .map((it) => `${source.path} imports ${it.target}`)
  );
}

/** The paths of a circle of imports that are there at run time, if there is one. */
function findCircle(files: readonly Source[]): readonly string[] | undefined {
  const byPath = new Map(files.map((source) => [source.path, source]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const { target, own, typeOnly, dynamic } of byPath.get(path)?.imports ?? []) {
      if (!own || typeOnly || dynamic) continue;
      const circle = visit(target, [...trail, path]);
      if (circle) return circle;
    }
    done.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const circle = visit(path, []);
    if (circle) return circle;
  }
  return undefined;
}
