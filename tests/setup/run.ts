// Runs a command of the set-up.

/** Runs `command`; its output. Throws an Error with the end of its output if it fails. */
export async function run(
  command: readonly string[],
  { env, cwd }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<string> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) {
    const end = (errors.trim() || output.trim()).split("\n").slice(-5).join("\n");
    throw new Error(`"${command.slice(0, 3).join(" ")}" ended with ${status}: ${end}`);
  }
  return output;
}
