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
import { CachedMetadata } from "./cached_metadata.ts";
import { mask } from "./masks.ts";
import { encodeBulk, encodeExecute, encodeQuery } from "./parameter_encoding.ts";
import type { Action, Step, VariedFlag } from "./program.ts";
import { type Answer, type Ending, SessionClient } from "./session_client.ts";
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
  readonly #statements = new Map<string, Prepared>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Whether the session is there. */
  get present(): boolean {
    return this.#client?.open ?? false;
  }

  /** Plays a step; the answer is masked. Steps of a session that is not there give "closed". */
  async play(step: Step): Promise<Answer> {
    if (step.command === "enter") return await this.#enter(step);
    const client = this.#client;
    if (client === undefined) return ended("closed");
    if (step.command === "leave") return ended(await client.leave(step.how));
    if (!client.open) return ended("closed");
    const prepared = "statement" in step ? this.#statements.get(step.statement) : undefined;
    const answer = await this.#perform(step, { client, prepared });
    if (step.command === "prepare") this.#keep(step, answer);
    const sql = "sql" in step ? step.sql : prepared?.sql ?? "";
    const bytes = this.#expand(step, { answer, prepared });
    const masked = mask({ ...answer, bytes }, {
      command: step.command,
      sql,
      threadId: client.threadId,
      tracking: (client.capabilities & Capability.SESSION_TRACK) !== 0,
    });
    return { ...answer, bytes: masked };
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
  }

  async #enter(step: Action & { readonly command: "enter" }): Promise<Answer> {
    await this.#client?.leave("abort");
    this.#statements.clear();
    const { flags, collation } = step;
    let capabilities: number = FIXED_FLAGS;
    let mariadbCapabilities = 0;
    for (const flag of flags) {
      if (isMariadbFlag(flag)) mariadbCapabilities |= MariadbCapability[flag];
      else capabilities |= Capability[flag];
    }
    this.#client = await SessionClient.enter({
      port: this.#stage.port,
      ...accountOf(step.account, this.#stage.names),
      database: this.#names(step.database),
      collation,
      capabilities,
      mariadbCapabilities,
      file: LOCAL_FILE,
    });
    return this.#client.entered;
  }

  #names(text: string): string {
    return withNames(text, { ...this.#stage.names, id: this.#client?.threadId ?? 0 });
  }

  async #perform(
    step: Step,
    { client, prepared }: {
      readonly client: SessionClient;
      readonly prepared: Prepared | undefined;
    },
  ): Promise<Answer> {
    const id = "statement" in step && step.statement === LAST
      ? LAST_STATEMENT
      : prepared?.id ?? NO_STATEMENT;
    switch (step.command) {
      case "query": {
        const sql = this.#names(step.sql);
        const payload = encodeQuery({ sql, attributes: step.attributes ?? 0 }, client.capabilities);
        return await client.command(payload, Expect.RESULT);
      }
      case "prepare":
        return await client.command(
          text(Command.STMT_PREPARE, this.#names(step.sql)),
          Expect.PREPARE,
        );
      case "execute": {
        const execution = { ...step, statementId: id, count: prepared?.count ?? 0 };
        return await client.command(encodeExecute(execution, client.capabilities), Expect.RESULT);
      }
      case "bulk": {
        const count = prepared?.count || step.parameters.length;
        return await client.command(encodeBulk({ ...step, statementId: id, count }), Expect.RESULT);
      }
      case "long_data": {
        const writer = new PacketWriter().u8(Command.STMT_SEND_LONG_DATA).u32(id);
        return await client.command(
          writer.u16(step.parameter).text(step.data).done(),
          Expect.NOTHING,
        );
      }
      case "fetch": {
        const writer = new PacketWriter().u8(Command.STMT_FETCH).u32(id).u32(step.rows);
        return await client.command(writer.done(), Expect.ROWS);
      }
      case "reset": {
        const writer = new PacketWriter().u8(Command.STMT_RESET).u32(id);
        return await client.command(writer.done(), Expect.OK);
      }
      case "close": {
        const writer = new PacketWriter().u8(Command.STMT_CLOSE).u32(id);
        return await client.command(writer.done(), Expect.NOTHING);
      }
      case "init_db":
        return await client.command(text(Command.INIT_DB, this.#names(step.database)), Expect.OK);
      case "field_list": {
        const payload = text(Command.FIELD_LIST, `${this.#names(step.table)}\0${step.wildcard}`);
        return await client.command(payload, Expect.FIELDS);
      }
      case "set_option": {
        const writer = new PacketWriter().u8(Command.SET_OPTION).u16(step.option);
        return await client.command(writer.done(), Expect.OK);
      }
      case "change_user":
        return await this.#changeUser(step, client);
      case "reset_connection":
        return await client.command(Uint8Array.of(Command.RESET_CONNECTION), Expect.OK);
      default:
        return await client.command(Uint8Array.of(Command.PING), Expect.OK);
    }
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

function text(command: number, argument: string): Uint8Array {
  return new PacketWriter().u8(command).text(argument).done();
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
