// What clients send, taken from recorded conversations: the material that is mutated.

import { deflateSync } from "node:zlib";
import { query, readRecordings, turnBytes, turnPackets } from "../../fixtures/packets/mod.ts";
import {
  Capability,
  decodeHandshakeResponse,
  encodeHandshakeResponse,
  encodeSslRequest,
  frame,
} from "../../mod/wire/mod.ts";
import { withoutProcessInfo } from "./mutate.ts";
import type { ServerKind } from "../servers/mod.ts";
import type { Random } from "./random.ts";

/** The account whose streams are mutated: it may read one small database and nothing else. */
export const FUZZ_ACCOUNT = "fuzz";

/** One client's bytes. */
export interface ClientStream {
  readonly capabilities: number;
  /** Its answer to the greeting. */
  readonly response: Buffer;
  /** Its answer to the challenge that follows: the password is empty, so that it never changes. */
  readonly proof: Buffer;
  readonly commands: readonly Buffer[];
  /** Takes out what the server itself would not survive, whoever sends it. */
  readonly spare: (bytes: Buffer) => Buffer;
}

interface Source {
  readonly response: Buffer;
  readonly commands: readonly Buffer[];
}

/**
 * Statements that reach the parts of the proxy that look at statements. None changes an account:
 * in MySQL 9.7 that beside KILL can lock up the whole server.
 */
const STATEMENTS = [
  "SELECT CONNECTION_ID(), 'CONNECTION_ID()'",
  "KILL QUERY 1073741830",
  "SELECT 1; SELECT CONNECTION_ID(); SELECT 2",
  "CREATE USER nobody",
  "FLUSH PRIVILEGES",
];

/** MariaDB 10.11 can crash in this, or in COM_PROCESS_INFO, while others come, run and go. */
const PROCESS_LIST = "SHOW FULL PROCESSLIST";

/** Gives client streams of one server kind's recordings, as a seeded generator chooses. */
export class ClientStreams {
  readonly #sources: readonly Source[];
  readonly #statements: readonly Buffer[];
  readonly #spare: ClientStream["spare"];

  constructor(kind: ServerKind) {
    const { conversations } = readRecordings().find(({ server }) => server === kind)!;
    this.#sources = conversations.filter(({ exchanges }) => exchanges.length > 0)
      .map(({ login, exchanges }) => ({
        response: turnPackets(login[1]!)[0]!.payload,
        commands: exchanges.flatMap(({ turns }) => turns.filter((_, i) => i % 2 === 0))
          .map(turnBytes),
      }));
    const statements = kind === "mariadb" ? STATEMENTS : [...STATEMENTS, PROCESS_LIST];
    this.#statements = statements.map((statement) => query(statement));
    this.#spare = kind === "mariadb" ? withoutProcessInfo : (bytes) => bytes;
  }

  /** The next client. */
  next(random: Random): ClientStream {
    const source = random.pick(this.#sources);
    const recorded = decodeHandshakeResponse(source.response);
    const zlib = random.oneIn(10) ? Capability.COMPRESS : 0;
    const capabilities = (recorded.capabilities | zlib) >>> 0;
    const login = {
      ...recorded,
      capabilities,
      user: Buffer.from(FUZZ_ACCOUNT),
      database: Buffer.from(random.oneIn(10) ? "no_such" : FUZZ_ACCOUNT),
      authResponse: new Uint8Array(0),
    };
    const response = Buffer.from(frame(encodeHandshakeResponse(login), 1));
    const ssl = Capability.SSL | capabilities;
    const first = random.oneIn(30)
      ? Buffer.concat([frame(encodeSslRequest({ ...login, capabilities: ssl }), 1), response])
      : response;
    const native = recorded.authPlugin === "mysql_native_password";
    const proof = Buffer.from(frame(native ? new Uint8Array(0) : Uint8Array.of(0), 3));
    const commands = this.#commands(source, random).map(this.#spare);
    return {
      capabilities,
      response: first,
      proof,
      commands: zlib ? commands.map(compressed) : commands,
      spare: zlib ? (bytes) => bytes : this.#spare,
    };
  }

  /** Some commands in a row; prepared statements are worth their executions. */
  #commands({ commands }: Source, random: Random): Buffer[] {
    const from = random.below(commands.length);
    const chosen = commands.slice(from, from + 1 + random.below(8));
    if (random.oneIn(4)) {
      chosen.splice(random.below(chosen.length), 0, random.pick(this.#statements));
    }
    if (random.oneIn(8)) chosen.push(changeUser());
    return chosen;
  }
}

function changeUser(): Buffer {
  const payload = Buffer.from(`\x11${FUZZ_ACCOUNT}\0\0${FUZZ_ACCOUNT}\0\x2d\0unknown\0`, "latin1");
  return Buffer.concat([frame(payload, 0), frame(new Uint8Array(0), 3)]);
}

/** One compressed packet. */
function compressed(command: Buffer): Buffer {
  const body = deflateSync(command);
  const header = Buffer.alloc(7);
  header.writeUIntLE(body.length, 0, 3);
  header.writeUIntLE(command.length, 4, 3);
  return Buffer.concat([header, body]);
}
