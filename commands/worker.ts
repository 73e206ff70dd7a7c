// The command that a worker process runs: not for people, and in no overview.

/** Runs a worker on the word of the proxy that started it; resolves with its exit status. */
export async function run(): Promise<number> {
  const { runWorkerProcess } = await import("../mod/proxy/mod.ts");
  return await runWorkerProcess();
}
