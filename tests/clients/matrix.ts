// Runs one client through all behaviours and makes its transcript comparable.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Accounts, freshDatabase, type RealServer } from "../servers/mod.ts";
import { cacheFolder } from "../setup/cache.ts";
import { behaviours, END, INFILE, INFILE_TEXT } from "./behaviours.ts";
import type { Client } from "./clients.ts";
import { writeScript } from "./script.ts";

/** One cell of the matrix. */
export interface Cell {
  readonly client: Client;
  readonly server: RealServer;
  readonly tls: boolean;
  /** The behaviours that move tens of megabytes rather than all the others. */
  readonly large: boolean;
}

/** The transcripts of a client, direct and through proxies. */
export interface Transcripts {
  readonly direct: string;
  /** What each proxy shows otherwise, by its name: unified differences, "" when there is none. */
  readonly differences: ReadonlyMap<string, string>;
}

/** A name that says it all, also as a file name. */
export function cellName({ client, server, tls, large }: Cell): string {
  return `${client.name}, ${server.kind}, ${tls ? "TLS" : "plain"}${large ? ", large" : ""}`;
}

/** Runs a cell's client at the server and at proxies, given by their names. */
export async function runCell(
  cell: Cell,
  proxies: ReadonlyMap<string, { readonly port: number }>,
): Promise<Transcripts> {
  const { client, server, tls, large } = cell;
  const folder = mkdtempSync(join(tmpdir(), "mp-client-"));
  try {
    writeFileSync(join(folder, INFILE), INFILE_TEXT);
    const database = `c_${Bun.hash(cellName(cell)).toString(36)}`;
    const accounts: { -readonly [Name in keyof Accounts]: Accounts[Name] } = { ...server.accounts };
    for (const name of client.unreliableFor ?? []) delete accounts[name];
    const list = behaviours({ kind: server.kind, accounts, database, folder })
      .filter(({ name, isLarge }) => isLarge === large || name === END);
    const script = join(folder, "script");
    writeFileSync(script, writeScript(list));
    const at = async (port: number) => {
      await freshDatabase(server, database);
      const run = { host: server.host, port, tls, behaviours: list, script };
      return masked(await client.run(run), { folder, port });
    };
    const kept = join(cacheFolder(), "transcripts");
    await mkdir(kept, { recursive: true });
    const file = join(kept, cellName(cell).replace(/[^A-Za-z0-9]+/g, "_"));
    const direct = await at(server.port);
    writeFileSync(`${file}.direct`, direct);
    const differences = new Map<string, string>();
    for (const [name, { port }] of proxies) {
      writeFileSync(`${file}.${name}`, await at(port));
      differences.set(name, difference(`${file}.direct`, `${file}.${name}`));
    }
    await server.sql(`DROP DATABASE ${database}`);
    return { direct, differences };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Hides what differs from run to run even without a proxy, and nothing else. */
function masked(
  transcript: string,
  { folder, port }: { readonly folder: string; readonly port: number },
): string {
  return transcript
    .replaceAll(folder, "FOLDER")
    .replaceAll(new RegExp(`\\b${port}\\b`, "g"), "PORT")
    // Connector/Node puts the connection's id into every message.
    .replaceAll(/\(conn:\d+,/g, "(conn:ID,")
    // The numbers of COM_STATISTICS.
    .replaceAll(/(Uptime: |Threads: |Questions: |Slow queries: |Opens: )\d+/g, "$1N")
    .replaceAll(/(Flush tables: |Open tables: |per second avg: )[\d.]+/g, "$1N")
    // How long a statement took, as the command-line clients say it.
    .replaceAll(/\(\d+(?: min| hours?)?[\d. ]*sec\)/g, "(TIME)");
}

const SHOWN_LINES = 80;

function difference(one: string, other: string): string {
  const { stdout } = Bun.spawnSync(["diff", "-a", "-U", "4", one, other]);
  const lines = stdout.toString().split("\n").map((line) => line.slice(0, 300));
  if (lines.length <= SHOWN_LINES) return lines.join("\n");
  const rest = lines.length - SHOWN_LINES;
  return [...lines.slice(0, SHOWN_LINES), `... ${rest} more lines`].join("\n");
}
