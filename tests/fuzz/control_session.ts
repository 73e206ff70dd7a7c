// A well-behaved client beside the bad ones: whatever they do, its results stay right and prompt.

import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import type { Account } from "../servers/mod.ts";

/** What a control session has seen. */
export interface ControlReport {
  readonly rounds: number;
  /** The longest answer in milliseconds. */
  readonly slowestMs: number;
  /** What went wrong, and when; undefined where nothing did. */
  readonly failure: string | undefined;
}

/** A session that goes on until it is told to stop. */
export interface ControlSession {
  /** Ends it and tells what it has seen. */
  stop(): Promise<ControlReport>;
}

const PAUSE_MS = 20;
/** Without any answer for so long the session gives up, in milliseconds. */
const ANSWER_MS_MAX = 30_000;
/** Every so many rounds a new client logs in. */
const LOGIN_EVERY = 25;

/** Starts the session. Throws an Error where it cannot log in. */
export async function startControlSession(
  address: { readonly host: string; readonly port: number },
  account: Account,
): Promise<ControlSession> {
  const options = {
    host: address.host,
    port: address.port,
    user: account.user,
    password: account.password,
    database: "fuzz",
    connectTimeout: 20_000,
  };
  const connection = await createConnection(options);
  const [[first]] = await connection.query<RowDataPacket[]>("SELECT CONNECTION_ID() AS id");
  const id = Number(first!["id"]);
  let stopped = false;
  let rounds = 0;
  let slowestMs = 0;
  const timed = async (work: () => Promise<void>) => {
    const from = performance.now();
    await inTime(work());
    slowestMs = Math.max(slowestMs, performance.now() - from);
  };
  const run = async () => {
    while (!stopped) {
      rounds++;
      await timed(() => ownResults(connection, { id, round: rounds }));
      if (rounds % LOGIN_EVERY === 0) {
        await timed(async () => {
          const other = await createConnection(options);
          await ownResults(other, { id: undefined, round: rounds });
          await other.end();
        });
      }
      await Bun.sleep(PAUSE_MS);
    }
    await connection.end();
  };
  let failure: string | undefined;
  const running = run().catch((error: Error) => {
    failure = `${new Date().toISOString()}, round ${rounds}: ${error.message}`;
    connection.destroy();
  });
  return {
    async stop() {
      stopped = true;
      await running;
      return { rounds, slowestMs, failure };
    },
  };
}

/** Throws an Error where nothing comes of it for too long. */
async function inTime(work: Promise<void>): Promise<void> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("No answer")), ANSWER_MS_MAX);
  await Promise.race([work, expired]).finally(() => clearTimeout(timer));
}

async function ownResults(
  connection: Connection,
  { id, round }: { readonly id: number | undefined; readonly round: number },
): Promise<void> {
  const mark = `round ${round} of ${id}`;
  await connection.beginTransaction();
  await connection.query("INSERT INTO control VALUES (?, ?)", [round, mark]);
  const [texts] = await connection.query<RowDataPacket[]>(
    "SELECT mark, CONNECTION_ID() AS id, REPEAT('x', ?) AS filler FROM control WHERE round = ?",
    [round % 5000, round],
  );
  const [values] = await connection.execute<RowDataPacket[]>(
    "SELECT n, word, ? AS mark FROM numbers ORDER BY n",
    [mark],
  );
  await connection.rollback();
  const [text] = texts;
  const right = texts.length === 1 && text!["mark"] === mark &&
    (id === undefined || Number(text!["id"]) === id) &&
    text!["filler"] === "x".repeat(round % 5000) &&
    values.map(({ n, word, mark }) => `${n} ${word} ${mark}`).join() ===
      `1 one ${mark},2 null ${mark},3 drei ${mark}`;
  if (!right) {
    throw new Error(`Results of another session: ${JSON.stringify([mark, texts, values])}`);
  }
}
