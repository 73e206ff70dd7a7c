// The client programs that are built: C, Go, Java and Rust.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheFolder } from "./cache.ts";
import { run } from "./run.ts";

/** A client program that is built into the cache. */
export interface BuiltProgram {
  readonly name: string;
  /** What must be there to build and run it. */
  readonly needs: readonly string[];
  /** It is there and no source is newer. */
  isBuilt(): boolean;
  /** Builds it. Throws an Error with the end of the compiler's output. */
  build(): Promise<void>;
}

/** Folder into which the client program `name` is built. */
export function programFolder(name: string): string {
  return join(cacheFolder(), "clients", name);
}

const SOURCES = resolve(import.meta.dir, "../clients");

function program(
  name: string,
  { needs, build }: {
    readonly needs: readonly string[];
    /** Builds from the folder `sources` into the folder `into`. */
    readonly build: (sources: string, into: string) => Promise<unknown>;
  },
): BuiltProgram {
  const sources = join(SOURCES, name);
  const folder = programFolder(name);
  return {
    name,
    needs,
    isBuilt: () => existsSync(folder) && statSync(folder).mtimeMs >= newest(sources),
    async build() {
      const into = `${folder}.new`;
      rmSync(into, { recursive: true, force: true });
      mkdirSync(into, { recursive: true });
      await build(sources, into);
      rmSync(folder, { recursive: true, force: true });
      renameSync(into, folder);
    },
  };
}

/** All built client programs; each builds from its folder under tests/clients. */
export const PROGRAMS: readonly BuiltProgram[] = [
  program("c", {
    needs: ["libmariadb"],
    async build(sources, into) {
      const flags = (await run(["mariadb_config", "--cflags", "--libs"])).trim().split(/\s+/);
      const source = join(sources, "client.c");
      await run(["gcc", "-O1", "-Wall", "-o", join(into, "client"), source, ...flags, "-lpthread"]);
    },
  }),
  program("go", {
    needs: ["go"],
    build: (sources, into) => run(["go", "build", "-o", join(into, "client")], { cwd: sources }),
  }),
  program("java", {
    needs: ["java"],
    async build(sources, into) {
      const copy = ["dependency:copy-dependencies", `-DoutputDirectory=${into}`];
      await run(["mvn", "-q", "-B", ...copy], { cwd: sources });
      await run(["javac", "-cp", `${into}/*`, "-d", into, join(sources, "Client.java")]);
    },
  }),
  program("rust", {
    needs: ["rust"],
    async build(sources, into) {
      // Compiled dependencies stay between builds.
      const env = { CARGO_TARGET_DIR: programFolder("rust-target") };
      await run(["cargo", "build", "-q", "--release", "--locked"], { cwd: sources, env });
      const built = join(programFolder("rust-target"), "release/client");
      await run(["cp", built, join(into, "client")]);
    },
  }),
];

/** The newest modification time of the files in a folder, ms since 1970. */
function newest(folder: string): number {
  const times = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
  return Math.max(...times);
}
