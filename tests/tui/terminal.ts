// A real terminal, as tmux has it: a program runs in it, keys are pressed, the screen is read.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const UNTIL_MS_MAX = 30_000;
const POLL_MS = 30;
const STILL_POLLS = 3;
const STILL_MS = 60;

/** How a program is run in a terminal. */
export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program in a terminal of its own. */
export class Terminal implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "mp-tmux-"));

  private constructor() {}

  /** Starts the program; what it leaves stays to be seen when it has ended. */
  static async start(command: readonly string[], options: TerminalOptions): Promise<Terminal> {
    const terminal = new Terminal();
    const { columns, rows, cwd = terminal.#folder, env = {} } = options;
    const given = { TZ: "UTC", LANG: "C.UTF-8", NO_COLOR: "", CI: "", ...env };
    const variables = Object.entries(given).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    const [first, ...rest] = command;
    const text = [first === "exec" ? first : quoted(first!), ...rest.map(quoted)].join(" ");
    const shell = `${text}; echo "ended with $?"; exec sleep infinity`;
    await terminal.#tmux(
      ...["-f", "/dev/null", "new-session", "-d", "-x", `${columns}`, "-y", `${rows}`],
      ...["-c", cwd, ...variables, shell],
    );
    return terminal;
  }

  /** Presses keys, as tmux names them: `q`, `Down`, `Enter`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** What is seen, line by line, without blanks at their ends. */
  async screen(): Promise<string> {
    const text = await this.#tmux("capture-pane", "-p");
    return text.split("\n").map((line) => line.trimEnd()).join("\n").trimEnd();
  }

  /** The same with the escape sequences of its colours. */
  async painted(): Promise<string> {
    return await this.#tmux("capture-pane", "-e", "-p");
  }

  /** Waits until the screen is as wanted. Throws an Error with what it is after 30 s. */
  async until(wanted: string | RegExp): Promise<string> {
    const deadline = Date.now() + UNTIL_MS_MAX;
    for (;;) {
      const screen = await this.screen();
      const isWanted = typeof wanted === "string" ? screen.includes(wanted) : wanted.test(screen);
      if (isWanted) return screen;
      if (Date.now() > deadline) throw new Error(`Not shown: ${wanted}\n${screen}`);
      await Bun.sleep(POLL_MS);
    }
  }

  /** The same, once it has stood still for a moment: frames may be seen half drawn. */
  async settled(wanted: string | RegExp): Promise<string> {
    let screen = await this.until(wanted);
    for (let same = 0; same < STILL_POLLS;) {
      await Bun.sleep(STILL_MS);
      const next = await this.until(wanted);
      same = next === screen ? same + 1 : 0;
      screen = next;
    }
    return screen;
  }

  /** The process id of the shell, or of the program where the command begins with `exec`. */
  async pid(): Promise<number> {
    return Number(await this.#tmux("display-message", "-p", "#{pane_pid}"));
  }

  /** Waits until the program has ended and left the terminal; its exit status. */
  async exited(): Promise<number> {
    return Number(/^ended with (\d+)$/m.exec(await this.until(/^ended with \d+$/m))![1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server").catch(() => {}); // it ends with its last terminal
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const child = Bun.spawn(["tmux", "-S", join(this.#folder, "socket"), ...args], {
      env: {
        PATH: process.env["PATH"],
        HOME: this.#folder,
        LANG: "C.UTF-8",
        TERM: "xterm-256color",
      },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, status] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    if (status !== 0) throw new Error(`tmux ${args[0]} ended with ${status}: ${stderr.trim()}`);
    return stdout.trimEnd();
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
