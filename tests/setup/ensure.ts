// Installs and builds what the tests need and is missing, and records what can't be had, for the
// tests to say so. Quick when all is there.
// Usage: bun tests/setup/ensure.ts

import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism, release, totalmem, type } from "node:os";
import { serverVersion } from "../servers/programs.ts";
import { availabilityFile, mysqlFolder } from "./cache.ts";
import { missingPackages, PACKAGES, REQUIREMENTS } from "./packages.ts";
import { PROGRAMS } from "./programs.ts";
import { run } from "./run.ts";

/** Kinds of servers that CI cannot do without. */
const SERVERS = ["mariadb", "mysql"] as const;

/** Reasons by requirement; null where it is there. */
const found: Record<string, string | null> = {};

const started = performance.now();
await installPackages();
await installMysql();
for (const program of PROGRAMS) {
  const name = `clients/${program.name}`;
  const needed = program.needs.map((need) => found[need]).find((why) => why != null);
  found[name] = needed ??
    await timed(`building ${name}`, { needed: !program.isBuilt(), work: program.build });
}
writeFileSync(availabilityFile(), JSON.stringify(found, null, 2) + "\n");
for (const [name, why] of Object.entries(found)) {
  if (why !== null) console.log(`missing: ${name}: ${why}`);
}
console.log(`the tests' needs are checked (${seconds(started)})`);
if (process.env["CI"] === "true") {
  // Without a real server the tests show little: no green light for that where it counts.
  const missing = SERVERS.filter((kind) => found[kind] !== null);
  if (missing.length > 0) {
    console.error(`CI needs real servers; missing: ${missing.join(", ")}`);
    process.exit(1);
  }
  const versions = SERVERS.map((kind) => `${kind} ${serverVersion(kind)}`);
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB`;
  const machine = [`${availableParallelism()} cores`, memory, `${type()} ${release()}`];
  console.log(`${machine.join(", ")}; ${versions.join(", ")}`);
}

async function installPackages(): Promise<void> {
  const missing = await missingPackages(PACKAGES);
  if (missing.length > 0 && Bun.which("apt-get") !== null && process.getuid?.() === 0) {
    await timed(`installing ${missing.join(" ")}`, {
      needed: true,
      work: async () => {
        const env = {
          DEBIAN_FRONTEND: "noninteractive",
          // Debian starts no service of a package in run level 1.
          RUNLEVEL: "1",
        };
        // Others may be installing something on a machine that has just started.
        const apt = ["apt-get", "-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300"];
        // One list of several that can't be read need not matter.
        await run([...apt, "update"], { env }).catch((error: Error) => console.log(error.message));
        const install = [...apt, "install", "-y", "--no-install-recommends"];
        try {
          await run([...install, ...missing], { env });
        } catch {
          // One that can't be had must not keep the others away.
          for (const name of missing) await run([...install, name], { env }).catch(() => {});
        }
      },
    });
  }
  const absent = new Set(await missingPackages(PACKAGES));
  for (const { name, packages, programs } of REQUIREMENTS) {
    // A program from elsewhere does as well.
    const path = `${process.env["PATH"]}:/usr/sbin`;
    const there = programs.length > 0 && programs.every((each) => Bun.which(each, { PATH: path }));
    const lacking = packages.filter((each) => absent.has(each));
    found[name] = lacking.length === 0 || there
      ? programs.length === 0 || there ? null : `no program ${programs.join(", ")}`
      : packages.length === 0
      ? `no program ${programs.join(", ")}`
      : `needs the package ${lacking.join(", ")} (root installs it by itself)`;
  }
}

async function installMysql(): Promise<void> {
  const folder = mysqlFolder();
  found["mysql"] = await timed(`unpacking MySQL into ${folder}`, {
    needed: !existsSync(`${folder}/bin/mysqld`),
    work: () => run(["bash", `${import.meta.dir}/mysql.sh`, folder]),
  });
}

/** Does `work` if it is `needed`, and shows the time; why it failed, or null. */
async function timed(
  what: string,
  { needed, work }: { readonly needed: boolean; readonly work: () => Promise<unknown> },
): Promise<string | null> {
  if (!needed) return null;
  const start = performance.now();
  console.log(`${what} ...`);
  try {
    await work();
    console.log(`${what}: done (${seconds(start)})`);
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    console.log(`${what}: failed (${seconds(start)}): ${why}`);
    return why.split("\n").at(-1) ?? why;
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
