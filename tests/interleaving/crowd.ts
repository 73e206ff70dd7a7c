// Clients beside a program's sessions that read all the time, each in the state that a session has
// begun with: so that the session's statements go between theirs on shared connections.

import { Expect } from "../../mod/wire/mod.ts";
import { encodeQuery } from "./parameter_encoding.ts";
import { type Login, SessionClient } from "./session_client.ts";

/** Reads that may share a connection. Whether a table is used makes a difference to MariaDB. */
const READS: readonly ((mark: string) => string)[] = [
  (mark) => `SELECT '${mark}'`,
  (mark) => `SELECT '${mark}' FROM (SELECT 1) AS beside`,
  (mark) => `SELECT '${mark}' FROM (SELECT 1 UNION SELECT 2) AS beside WHERE 1 = 1`,
];

/** Errors of those that find no connection: a program's sessions may hold all of them. */
const NO_CONNECTION = new Set([1040, 2013]);
/** Where the program drops the schema that they are in: see docs/pooling.md. */
const NO_SCHEMA = 1049;

/** The clients beside one session. */
export class Crowd {
  readonly #clients: SessionClient[] = [];
  readonly #running: Promise<void>[] = [];
  #isOver = false;

  /** Lets so many clients log in as the session did, and begin. */
  async begin(login: Login, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const client = await SessionClient.enter(login);
      if (!client.open) return;
      this.#clients.push(client);
      this.#running.push(this.#read(client, i));
    }
  }

  async #read(client: SessionClient, number: number): Promise<void> {
    for (let i = number; !this.#isOver && client.open; i++) {
      const mark = `beside ${number} ${i}`;
      const sql = READS[i % READS.length]!(mark);
      const query = encodeQuery({ sql, attributes: 0 }, client.capabilities);
      const { bytes, ending, errorCode } = await client.command(query, Expect.RESULT);
      if (this.#isOver || ending !== "whole") return;
      if (NO_CONNECTION.has(errorCode) || errorCode === NO_SCHEMA) continue;
      if (errorCode !== 0 || !Buffer.from(bytes).includes(mark)) {
        const answer = JSON.stringify(Buffer.from(bytes).toString("latin1"));
        throw new Error(`a client beside a program got another answer to ${sql}: ${answer}`);
      }
    }
  }

  /** Ends them. Throws an Error if one of them got an answer that was not its own. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients.map((client) => client.leave("abort")));
    await Promise.all(this.#running);
  }
}
