// The project's source files and what each imports, for the tests of its architecture.

import { join, posix } from "node:path";
import { Glob } from "bun";

/** Root of the project. */
export const root = join(import.meta.dir, "../..");

/** One import statement or expression. */
export interface Import {
  /** What it names, relative to the root for the project's own files. */
  readonly target: string;
  /** Whether it names a file of the project. */
  readonly own: boolean;
  /** `import(...)`, evaluated only when it is reached. */
  readonly dynamic: boolean;
  /** Leaves nothing at run time. */
  readonly typeOnly: boolean;
}

/** A source file. */
export interface Source {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const patterns = [
  "main.ts",
  "{mod,commands,tui,fixtures,tests,bench,tools}/**/*.{ts,tsx,mjs}",
];

/** Reads all source files, sorted by path. */
export async function readSources(): Promise<readonly Source[]> {
  const paths = patterns.flatMap((it) => [...new Glob(it).scanSync({ cwd: root })]).sort();
  return await Promise.all(paths.map(async (path) => {
    const text = await Bun.file(join(root, path)).text();
    return { path, text, imports: importsOf(path, text) };
  }));
}

/** The folder whose mod.ts is the door to a file: `mod/wire`, `fixtures/demo`, `commands`. */
export function folderOf(path: string): string {
  const parts = path.split("/");
  const depth = parts[0] === "mod" || parts[0] === "fixtures" ? 2 : 1;
  return parts.slice(0, Math.min(depth, parts.length - 1)).join("/");
}

/** The text with comments and the insides of plain strings blanked out. */
export function codeOf(text: string): string {
  return text.replace(
    /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g,
    (match) => match.startsWith("/") ? match.replace(/[^\n]/g, " ") : '""',
  );
}

function importsOf(path: string, text: string): readonly Import[] {
  const imports: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s)?[^"';]*?from\s+["']([^"']+)["']/gm;
  for (const [, type, name] of text.matchAll(statement)) {
    imports.push(importOf(path, name!, { dynamic: false, typeOnly: type !== undefined }));
  }
  for (const [, name] of text.matchAll(/^import\s+["']([^"']+)["']/gm)) {
    imports.push(importOf(path, name!, { dynamic: false, typeOnly: false }));
  }
  for (const [, name] of text.matchAll(/\bimport\(\s*["']([^"']+)["']/g)) {
    imports.push(importOf(path, name!, { dynamic: true, typeOnly: false }));
  }
  return imports;
}

function importOf(
  path: string,
  name: string,
  how: Pick<Import, "dynamic" | "typeOnly">,
): Import {
  const own = name.startsWith(".");
  return { ...how, own, target: own ? posix.join(posix.dirname(path), name) : name };
}
