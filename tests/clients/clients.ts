// The client programs and how each is run.

import { resolve } from "node:path";
import { programFolder } from "../setup/programs.ts";
import type { ServerKind } from "../servers/mod.ts";
import { mariadbCommandLine, mysqlCommandLine } from "./command_line.ts";
import type { Behaviour } from "./script.ts";

/** One run of a client: where it connects and what it does. */
export interface ClientRun {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly behaviours: readonly Behaviour[];
  /** File of the behaviours in the form of `writeScript`. */
  readonly script: string;
}

/** A client program with its variant. */
export interface Client {
  readonly name: string;
  /** What it needs of this machine (see tests/setup). */
  readonly needs: readonly string[];
  /** The server kinds it can log in to. */
  readonly kinds: readonly ServerKind[];
  /** Accounts that it cannot always log in to, proxy or not. */
  readonly unreliableFor?: readonly ("native" | "ed25519" | "sha256")[];
  /** It moves large values over TLS too: one of each kind of TLS library. */
  readonly isLargeOverTls?: boolean;
  /** Runs the behaviours; what it printed. Throws an Error if the program itself fails. */
  run(run: ClientRun): Promise<string>;
}

const BOTH: readonly ServerKind[] = ["mariadb", "mysql"];
const RUN_MS_MAX = 40_000;

function program(name: string, needs: readonly string[], command: readonly string[]): Client {
  return {
    name,
    needs,
    kinds: BOTH,
    run({ script, host, port, tls }) {
      return transcript([...command, script, host, String(port), tls ? "1" : "0"]);
    },
  };
}

async function transcript(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: RUN_MS_MAX,
    killSignal: "SIGKILL",
  });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) {
    const last = output.trim().split("\n").slice(-6).join("\n");
    const how = child.signalCode === null
      ? `ended with ${status}`
      : `was killed after ${RUN_MS_MAX} ms`;
    throw new Error(`"${command[0]}" ${how}: ${errors.slice(-1000)}\nlast printed:\n${last}`);
  }
  // Some drivers write notes there.
  return errors === "" ? output : `${output}standard error:\n${errors}`;
}

const source = (name: string) => resolve(import.meta.dir, name);
const node = ["node", source("node_client.mjs")];
// Debian's modules belong to Debian's interpreters, whatever else is on the PATH.
const python = ["/usr/bin/python3", source("python_client.py")];
const perl = ["/usr/bin/perl", source("perl_client.pl")];
const ruby = ["/usr/bin/ruby", source("ruby_client.rb")];
const php = ["/usr/bin/php", source("php_client.php")];
const javaFolder = programFolder("java");
const java = ["java", "-XX:TieredStopAtLevel=1", "-cp", `${javaFolder}:${javaFolder}/*`, "Client"];

/** Every client of the matrix. */
export const CLIENTS: readonly Client[] = [
  {
    name: "mariadb command line",
    needs: ["mariadb"],
    kinds: BOTH,
    run: mariadbCommandLine(),
  },
  {
    name: "mariadb command line, zlib",
    needs: ["mariadb"],
    kinds: BOTH,
    run: mariadbCommandLine("--compress"),
  },
  // MySQL 9's programs have no mysql_native_password, which MariaDB's accounts use.
  { name: "mysql command line", needs: ["mysql"], kinds: ["mysql"], run: mysqlCommandLine() },
  {
    name: "mysql command line, zlib",
    needs: ["mysql"],
    kinds: ["mysql"],
    run: mysqlCommandLine("--compression-algorithms=zlib"),
  },
  {
    name: "mysql command line, zstd",
    needs: ["mysql"],
    kinds: ["mysql"],
    run: mysqlCommandLine("--compression-algorithms=zstd"),
  },
  { ...program("mysql2 (npm)", ["node"], [...node, "mysql2"]), isLargeOverTls: true },
  program("mariadb (npm)", ["node"], [...node, "mariadb"]),
  program("PyMySQL", ["pymysql"], [...python, "pymysql"]),
  program("mysqlclient", ["mysqlclient"], [...python, "MySQLdb"]),
  program("DBD::mysql, text", ["dbd-mysql"], [...perl, "mysql_text"]),
  program("DBD::mysql, prepared", ["dbd-mysql"], [...perl, "mysql_prepared"]),
  program("DBD::MariaDB, prepared", ["dbd-mariadb"], [...perl, "MariaDB_prepared"]),
  program("PHP mysqli", ["php"], [...php, "mysqli"]),
  program("PHP PDO, native prepares", ["php"], [...php, "pdo_native"]),
  program("PHP PDO, emulated prepares", ["php"], [...php, "pdo_emulated"]),
  program("Ruby mysql2", ["ruby"], ruby),
  {
    ...program("libmariadb", ["clients/c"], [`${programFolder("c")}/client`]),
    isLargeOverTls: true,
  },
  {
    ...program("go-sql-driver", ["clients/go"], [`${programFolder("go")}/client`]),
    // It takes the last byte of the 32 random ones off where that is 0: each 256th login fails.
    unreliableFor: ["ed25519"],
    isLargeOverTls: true,
  },
  program("Connector/J, text", ["clients/java"], [...java, "text"]),
  {
    ...program("Connector/J, prepared", ["clients/java"], [...java, "prepared"]),
    isLargeOverTls: true,
  },
  {
    ...program("mysql_async", ["clients/rust"], [`${programFolder("rust")}/client`]),
    unreliableFor: ["ed25519"], // for the same reason
  },
];
