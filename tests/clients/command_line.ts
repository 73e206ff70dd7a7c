// Puts behaviours through the command-line clients of MariaDB and MySQL: the text statements of
// each connection become the standard input of one run.

import { mariadbProgram, mysqlProgram } from "../servers/mod.ts";
import type { ClientRun } from "./clients.ts";
import type { Step } from "./script.ts";

const RUN_MS_MAX = 30_000;
// They would print 16 MB a row, twice as wide for its frame.
const LEFT_OUT: ReadonlySet<string> = new Set(["packets as long as can be"]);

/** Runs behaviours with MariaDB's client. */
export function mariadbCommandLine(
  ...extra: readonly string[]
): (run: ClientRun) => Promise<string> {
  return (run) => {
    const program = mariadbProgram("mariadb");
    return commandLine([program, "--no-defaults", run.tls ? "--ssl" : "--skip-ssl", ...extra], run);
  };
}

/** Runs behaviours with MySQL's client. */
export function mysqlCommandLine(...extra: readonly string[]): (run: ClientRun) => Promise<string> {
  return (run) => {
    const tls = `--ssl-mode=${run.tls ? "REQUIRED" : "DISABLED"}`;
    // Without TLS the full caching_sha2_password exchange needs the server's key.
    const program = [mysqlProgram("mysql"), "--no-defaults", "--get-server-public-key"];
    return commandLine([...program, tls, ...extra], run);
  };
}

async function commandLine(program: readonly string[], run: ClientRun): Promise<string> {
  const transcript: string[] = [];
  for (const { name, steps } of run.behaviours) {
    if (LEFT_OUT.has(name)) continue;
    transcript.push(`behaviour ${name}`);
    for (const [connect, statements] of byConnection(steps)) {
      transcript.push(await session(program, { run, connect, statements }));
    }
  }
  return transcript.join("\n") + "\n";
}

/** The steps between one connect and the next. */
function byConnection(steps: readonly Step[]): [Step, string[]][] {
  const connections: [Step, string[]][] = [];
  for (const step of steps) {
    const [operation, first = "", second = ""] = step;
    if (operation === "connect") connections.push([step, []]);
    const statements = connections.at(-1)?.[1];
    if (operation === "query" && first !== "") statements?.push(first);
    if (operation === "load_local") statements?.push(second.replace("%s", () => first));
    if (operation === "use") statements?.push(`USE ${first}`);
    if (operation === "begin") statements?.push("BEGIN");
    if (operation === "commit" || operation === "rollback") statements?.push(operation);
  }
  return connections;
}

async function session(
  program: readonly string[],
  { run, connect, statements }: {
    readonly run: ClientRun;
    readonly connect: Step;
    readonly statements: readonly string[];
  },
): Promise<string> {
  const [, user, password, database, options = ""] = connect;
  const asked = options.split(",");
  const child = Bun.spawn(
    [
      ...program,
      ...[`--host=${run.host}`, `--port=${run.port}`, "--protocol=tcp"],
      ...[`--user=${user}`, `--password=${password}`, `--database=${database}`],
      // One character set says less than the program can: its own steps set others.
      `--default-character-set=${asked.includes("gbk") ? "gbk" : "utf8mb4"}`,
      `--local-infile=${asked.includes("local") ? 1 : 0}`,
      ...(asked.includes("compress") ? ["--compress"] : []),
      // Everything it knows of a result; on with the next statement after an error.
      ...["-vvv", "--column-type-info", "--force", "--show-warnings", "--binary-mode"],
      ...["--unbuffered", "--delimiter=$$"],
    ],
    {
      stdin: Buffer.from(statements.map((statement) => `${statement}$$\n`).join("")),
      stdout: "pipe",
      stderr: "pipe",
      timeout: RUN_MS_MAX,
      killSignal: "SIGKILL",
    },
  );
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.signalCode !== null) {
    throw new Error(`"${program[0]}" was killed after ${RUN_MS_MAX} ms, having printed ${output}`);
  }
  // A password on the command line is warned of by MySQL's program; fine for a test.
  const said = errors.replace(/^mysql: \[Warning\].*\n/m, "");
  return `connect ${user} ${database} ${options}\n${output}standard error:\n${said}`;
}
