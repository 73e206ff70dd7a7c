// Asks servers how they call a digest that is new: STATEMENT_DIGEST() of a statement like it, without
// its values. Control plane; a server that does not have the function is not asked again.

import type { Connection, RowDataPacket } from "mysql2/promise";
import { connectAsOwn } from "../auth/mod.ts";
import { type Config, parseAddress } from "../config/mod.ts";
import { type DigestName, MetricsTotals, type NewDigest } from "../observe/mod.ts";
import { ownEndpoint } from "./credentials.ts";

/** Questions are gathered for so long, in milliseconds: some digests come together. */
const GATHER_MS = 300;
/** Those that wait; further ones keep the proxy's own digest. */
const WAITING_MAX = 2000;
/** Asked on one connection. */
const BATCH_MAX = 200;
const TIMEOUT_MS = 2000;
/** After a failure nobody is asked for so long. */
const PAUSE_MS = 10_000;
const DEFAULT_PORT = 3306;
/** FUNCTION does not exist: MariaDB. */
const NO_FUNCTION = 1305;

/**
 * The sums of a proxy; with an account of its own it learns the servers' digests.
 *
 * @param options.config The one in force.
 * @param options.onNames Told of what servers call digests that were new.
 */
export function makeTotals(digestsMax: number, options: {
  readonly config: () => Config;
  readonly onNames: (names: readonly DigestName[]) => void;
}): MetricsTotals {
  const asker = new DigestAsker(options.config, options.onNames);
  return new MetricsTotals({ digestsMax, onDigest: (digest) => asker.ask(digest) });
}

/**
 * Names without a schema must have one, in which nobody looks for them; those of information_schema
 * are looked for. Undefined: the account may see no other.
 */
async function anySchema(connection: Connection): Promise<string | undefined> {
  const [rows] = await connection.query<RowDataPacket[]>({
    sql: "SHOW DATABASES",
    timeout: TIMEOUT_MS,
  });
  const names = rows.map((row) => String(Object.values(row)[0]));
  return names.find((name) => name.toLowerCase() !== "information_schema");
}

/** Samples are kept one character a byte. */
function readable(sample: string): string {
  return Buffer.from(sample, "latin1").toString();
}

/** Asks in the background, one connection at a time. */
class DigestAsker {
  readonly #config: () => Config;
  readonly #without = new Set<string>();
  readonly #onNames: (names: readonly DigestName[]) => void;
  #waiting: NewDigest[] = [];
  #isGathering = false;

  constructor(config: () => Config, onNames: (names: readonly DigestName[]) => void) {
    this.#config = config;
    this.#onNames = onNames;
  }

  ask(digest: NewDigest): void {
    if (
      !this.#config().account || this.#waiting.length === WAITING_MAX ||
      this.#without.has(digest.server)
    ) return;
    this.#waiting.push(digest);
    this.#gather(GATHER_MS);
  }

  #gather(ms: number): void {
    if (this.#isGathering || this.#waiting.length === 0) return;
    this.#isGathering = true;
    setTimeout(async () => {
      const { server } = this.#waiting[0];
      const isBatch = (each: NewDigest) => each.server === server;
      const batch = this.#waiting.filter(isBatch).slice(0, BATCH_MAX);
      const failed = await this.#askServer(server, batch).then(() => false, () => true);
      if (!failed || this.#without.has(server)) {
        const asked = new Set(batch);
        const isLeft = (each: NewDigest) => !asked.has(each) && !this.#without.has(each.server);
        this.#waiting = this.#waiting.filter(isLeft);
      }
      this.#isGathering = false;
      this.#gather(failed ? PAUSE_MS : GATHER_MS);
    }, ms).unref();
  }

  async #askServer(server: string, batch: readonly NewDigest[]): Promise<void> {
    const config = this.#config();
    if (!config.account) throw new Error("the proxy has no account of its own any more");
    const address = parseAddress(server, DEFAULT_PORT);
    const connection = await connectAsOwn(ownEndpoint(config, address), TIMEOUT_MS);
    const names: DigestName[] = [];
    try {
      const schema = await anySchema(connection);
      if (schema === undefined) {
        this.#without.add(server);
        return;
      }
      await connection.query({
        sql: `USE \`${schema.replaceAll("`", "``")}\``,
        timeout: TIMEOUT_MS,
      });
      for (const { digest, text, sample } of batch) {
        const asked = await connection.query<RowDataPacket[]>({
          sql: "SELECT STATEMENT_DIGEST(?) AS hash, STATEMENT_DIGEST_TEXT(?) AS text",
          values: [readable(sample), readable(sample)],
          timeout: TIMEOUT_MS,
        }).catch((error: { errno?: number }) => {
          if (error.errno === NO_FUNCTION) this.#without.add(server);
          if (error.errno === undefined || error.errno === NO_FUNCTION) throw error;
          return undefined; // it cannot be read in this form: the proxy's own digest stays
        });
        const row = asked?.[0][0];
        if (!row?.["hash"]) continue;
        digest.hash = String(row["hash"]);
        digest.text = String(row["text"]);
        digest.isServers = true;
        names.push([text, digest.hash]);
      }
    } finally {
      if (names.length > 0) this.#onNames(names);
      connection.destroy();
    }
  }
}
