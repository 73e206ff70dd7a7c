// Starts a server process under supervise.sh, so that it ends when the test run ends.

import { join } from "node:path";
import type { Subprocess } from "bun";

const SUPERVISOR = join(import.meta.dir, "supervise.sh");

/** A supervised process. */
export interface SupervisedProcess {
  readonly pid: number;
  /** Resolves to the exit status (128 + signal for a signal) when the process has ended. */
  readonly exited: Promise<number>;
  /** Kills the process, if it still runs, and removes its folder. */
  discard(): Promise<void>;
}

/**
 * Starts `command` in `folder`, which is removed at the end; what it prints goes to
 * `folder`/out.log.
 */
export async function supervise(
  folder: string,
  { command, env }: {
    readonly command: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<SupervisedProcess> {
  const supervisor: Subprocess<"pipe", "pipe", "inherit"> = Bun.spawn(
    ["sh", SUPERVISOR, folder, ...command],
    {
      cwd: folder,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: { ...process.env, ...env },
      // A session of its own: Ctrl-C in the terminal reaches the tests only, and they end the rest.
      detached: true,
    },
  );
  const lines = readLines(supervisor.stdout);
  const pid = Number(await nextLine(lines));
  const exited = nextLine(lines).then(Number);
  supervisor.unref();
  return {
    pid,
    exited,
    async discard() {
      await supervisor.stdin.end();
      await supervisor.exited;
    },
  };
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function nextLine(lines: AsyncGenerator<string>): Promise<string> {
  const { value, done } = await lines.next();
  // The supervisor ends without a status only if it is killed itself.
  return done === true ? "137" : value;
}

/** Below those that the kernel gives to outgoing connections, so that none takes the port first. */
const PORTS = { from: 20_000, to: 32_000 };
const PORT_TRIES = 100;
/** Those given out: who has got one may not listen yet. */
const given = new Set<number>();

/** A TCP port on loopback that nothing listens on now. Throws an Error where none is found. */
export function freePort(): number {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (given.has(port)) continue;
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      given.add(port);
      return port;
    } catch (error) {
      if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    }
  }
  throw new Error(`No free port among ${PORT_TRIES} from ${PORTS.from} to ${PORTS.to}`);
}
