// Plays one session's steps on a connection: makes the packets, waits for the answers, masks them.

import {
  Capability,
  Command,
  encodeChangeUser,
  Expect,
  HEADER_LENGTH,
  MariadbCapability,
  PacketWriter,
} from "../../mod/wire/mod.ts";
import { Crowd } from "./crowd.ts";
import { CachedMetadata } from "./cached_metadata.ts";
import { mask } from "./masks.ts";
import { encodeBulk, encodeExecute, encodeQuery } from "./parameter_encoding.ts";
import type { Action, Step, VariedFlag } from "./program.ts";
import { type Answer, type Ending, type Request, SessionClient } from "./session_client.ts";
import { accountOf, LOCAL_FILE, type Stage, withNames } from "./stage.ts";

/** Flags of every session. */
const FIXED_FLAGS = Capability.LONG_FLAG | Capability.LOCAL_FILES | Capability.PROTOCOL_41 |
  Capability.TRANSACTIONS | Capability.SECURE_CONNECTION | Capability.MULTI_RESULTS |
  Capability.PS_MULTI_RESULTS | Capability.PLUGIN_AUTH | Capability.PLUGIN_AUTH_LENENC;

/** Stands for a statement that was never prepared, and for the one prepared last. */
const NO_STATEMENT = 0x00ffffff;
const LAST_STATEMENT = 0xffffffff;

/** A statement's text may say that it is the one prepared last: MariaDB's id -1. */
const LAST = "last";

interface Prepared {
  readonly id: number;
  readonly sql: string;
  readonly count: number;
  readonly metadata: CachedMetadata;
}

/** One session of a program. */
export class Player {
  readonly #stage: Stage;
  #client: SessionClient | undefined;
  readonly #crowd = new Crowd();
  readonly #statements = new Map<string, Prepared>();
  #hasCalledLast = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /**
   * Plays a step, or several in one piece; the answers are masked. Steps of a session that is not
   * there give "closed".
   */
  async play(steps: readonly Step[]): Promise<Answer[]> {
    const [step] = steps as [Step];
    if (step.command === "enter") return [await this.#enter(step)];
    const client = this.#client;
    if (client === undefined) return steps.map(() => ended("closed"));
    if (step.command === "leave") return [ended(await client.leave(step.how))];
    if (!client.open) return steps.map(() => ended("closed"));
    if (step.command === "change_user") {
      return [
        this.#masked(step, { answer: await this.#changeUser(step, client), prepared: undefined }),
      ];
    }
    const requests = steps.map((each, i) =>
      this.#request(each, { before: steps.slice(0, i), client })
    );
    const answers = await client.commands(requests);
    return answers.map((answer, i) => {
      const each = steps[i]!;
      if (each.command === "prepare") this.#keep(each, answer);
      const prepared = "statement" in each ? this.#statements.get(each.statement) : undefined;
      return this.#masked(each, { answer, prepared });
    });
  }

  #masked(
    step: Step,
    { answer, prepared }: { readonly answer: Answer; readonly prepared: Prepared | undefined },
  ): Answer {
    const client = this.#client!;
    const sql = "sql" in step ? step.sql : prepared?.sql ?? "";
    const isBehindCall = this.#hasCalledLast;
    if (step.command === "query" || step.command === "execute") {
      this.#hasCalledLast = /\bCALL\b/i.test(sql);
      // What a CALL without a write leaves is what was there before, whoever's: docs/pooling.md.
      if (isBehindCall && answer.errorCode === 0 && /\bROW_COUNT\b/i.test(sql)) {
        return { ...answer, bytes: answer.bytes.subarray(0, HEADER_LENGTH + 1) };
      }
    }
    const bytes = mask({ ...answer, bytes: this.#expand(step, { answer, prepared }) }, {
      command: step.command,
      sql,
      threadId: client.threadId,
      tracking: (client.capabilities & Capability.SESSION_TRACK) !== 0,
    });
    return { ...answer, bytes };
  }

  #keep({ statement, sql }: Step & { readonly command: "prepare" }, answer: Answer): void {
    const { errorCode, ending, statementId: id, bytes } = answer;
    if (errorCode !== 0 || ending !== "whole") return;
    const metadata = new CachedMetadata();
    metadata.prepared(bytes);
    // The count of parameters stands behind status, id and the count of columns.
    this.#statements.set(statement, { id, sql, count: bytes[HEADER_LENGTH + 7]!, metadata });
  }

  /** The bytes of the answer, with definitions that the client has kept. */
  #expand(
    step: Step,
    { answer, prepared }: { readonly answer: Answer; readonly prepared: Prepared | undefined },
  ): Uint8Array {
    const caches = (this.#client!.mariadbCapabilities & MariadbCapability.CACHE_METADATA) !== 0;
    if (!caches || prepared === undefined || step.command !== "execute") return answer.bytes;
    return answer.ending === "whole" ? prepared.metadata.expanded(answer.bytes) : answer.bytes;
  }

  /** Goes without a word, if it is still there. */
  async end(): Promise<void> {
    await this.#client?.leave("abort");
    await this.#crowd.end();
  }

  async #enter(step: Action & { readonly command: "enter" }): Promise<Answer> {
    await this.#client?.leave("abort");
    this.#statements.clear();
    this.#hasCalledLast = false;
    const { flags, collation } = step;
    let capabilities: number = FIXED_FLAGS;
    let mariadbCapabilities = 0;
    for (const flag of flags) {
      if (flag === "CACHE_METADATA" && !this.#stage.cachesMetadata) continue;
      if (isMariadbFlag(flag)) mariadbCapabilities |= MariadbCapability[flag];
      else capabilities |= Capability[flag];
    }
    const login = {
      port: this.#stage.port,
      ...accountOf(step.account, this.#stage.names),
      database: this.#names(step.database),
      collation,
      capabilities,
      mariadbCapabilities,
      file: LOCAL_FILE,
    };
    this.#client = await SessionClient.enter(login);
    if (this.#client.open) await this.#crowd.begin(login, this.#stage.crowd);
    return this.#client.entered;
  }

  #names(text: string): string {
    return withNames(text, { ...this.#stage.names, id: this.#client?.threadId ?? 0 });
  }

  /** The command as bytes. `before`: what is sent in one piece in front of it. */
  #request(
    step: Step,
    { before, client }: { readonly before: readonly Step[]; readonly client: SessionClient },
  ): Request {
    const { capabilities } = client;
    const prepared = "statement" in step ? this.#statements.get(step.statement) : undefined;
    const count = prepared?.count ?? 0;
    const id = "statement" in step ? this.#idOf(step.statement, before) : 0;
    switch (step.command) {
      case "query": {
        const query = { sql: this.#names(step.sql), attributes: step.attributes ?? 0 };
        return { payload: encodeQuery(query, capabilities), expect: Expect.RESULT };
      }
      case "prepare":
        return request(Expect.PREPARE, command(Command.STMT_PREPARE).text(this.#names(step.sql)));
      case "execute": {
        const payload = encodeExecute({ ...step, statementId: id, count }, capabilities);
        return { payload, expect: Expect.RESULT };
      }
      case "bulk": {
        const execution = { ...step, statementId: id, count: count || step.parameters.length };
        return { payload: encodeBulk(execution), expect: Expect.RESULT };
      }
      case "long_data": {
        const writer = command(Command.STMT_SEND_LONG_DATA).u32(id).u16(step.parameter);
        return request(Expect.NOTHING, writer.text(step.data));
      }
      case "fetch":
        return request(Expect.ROWS, command(Command.STMT_FETCH).u32(id).u32(step.rows));
      case "reset":
        return request(Expect.OK, command(Command.STMT_RESET).u32(id));
      case "close":
        return request(Expect.NOTHING, command(Command.STMT_CLOSE).u32(id));
      case "init_db":
        return request(Expect.OK, command(Command.INIT_DB).text(this.#names(step.database)));
      case "field_list": {
        const writer = command(Command.FIELD_LIST).text(this.#names(step.table)).u8(0);
        return request(Expect.FIELDS, writer.text(step.wildcard));
      }
      case "set_option":
        return request(Expect.OK, command(Command.SET_OPTION).u16(step.option));
      case "reset_connection":
        return request(Expect.OK, command(Command.RESET_CONNECTION));
      default:
        return request(Expect.OK, command(Command.PING));
    }
  }

  #idOf(statement: string, before: readonly Step[]): number {
    const last = before.findLast((step) => step.command === "prepare");
    if (statement === LAST || last?.statement === statement) return LAST_STATEMENT;
    return this.#statements.get(statement)?.id ?? NO_STATEMENT;
  }

  async #changeUser(
    step: Action & { readonly command: "change_user" },
    client: SessionClient,
  ): Promise<Answer> {
    const account = accountOf(step.account, this.#stage.names);
    return await client.changeUser(account, (authPlugin, authResponse) =>
      encodeChangeUser({
        user: Buffer.from(account.user),
        authResponse,
        database: Buffer.from(this.#names(step.database)),
        collation: step.collation,
        authPlugin,
        attributes: new Uint8Array(0),
      }, client.capabilities));
  }
}

function isMariadbFlag(
  flag: VariedFlag,
): flag is "CACHE_METADATA" | "EXTENDED_METADATA" | "STMT_BULK_OPERATIONS" {
  return flag in MariadbCapability;
}

function command(byte: number): PacketWriter {
  return new PacketWriter().u8(byte);
}

function request(expect: number, writer: PacketWriter): Request {
  return { payload: writer.done(), expect };
}

/** What there is to say of a step without an answer. */
function ended(ending: Ending): Answer {
  return {
    bytes: new Uint8Array(0),
    ending,
    status: 0,
    errorCode: 0,
    statementId: 0,
    milliseconds: 0,
  };
}
