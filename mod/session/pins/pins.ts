// What holds a session on its server connection because of what its statements have said, each by
// a name, so that it is known when the last of them has ended.

import { Effect, type LexicalMode, PINS, Token, Tokenizer } from "../../sql/mod.ts";

/** A statement's tokens, each one blank apart, but for names with points in them. */
function plainText(bytes: Uint8Array, start: number, mode: LexicalMode): string {
  const tokens = new Tokenizer(bytes, start, bytes.length, mode);
  let text = "";
  let glued = true;
  for (tokens.next(); !tokens.atEnd; tokens.next()) {
    const isPoint = tokens.isMark(".");
    if (!glued && !isPoint) text += " ";
    text += tokens.kind === Token.QUOTED ? tokens.text() : tokens.text().toLowerCase();
    glued = isPoint;
  }
  return text;
}

/** What a statement begins to hold or ends, by a pattern on its plain text. */
interface Rule {
  readonly kind: string;
  readonly begins?: RegExp;
  /** Ends the one named by its group, or without a group all of its kind. */
  readonly ends?: RegExp;
}

/** Each of the anchored patterns is for one of several statements by itself. */
const RULES: readonly Rule[] = [
  {
    kind: "temporary table",
    begins: /^create (?:or replace )?temporary (?:table|sequence) (?:if not exists )?([^ (]+)/g,
    ends:
      /(?:^drop (?:temporary )?(?:table|tables|sequence) (?:if exists )?|(?<=^drop .*), )([^ ,]+)/g,
  },
  {
    kind: "locked tables",
    begins: /^lock tables? /g,
    ends: /^(?:unlock table|begin|start transaction)/g,
  },
  { kind: "read lock", begins: /^flush .*(?:with read lock|for export)/g, ends: /^unlock table/g },
  { kind: "instance lock", begins: /^lock instance/g, ends: /^unlock instance/g },
  {
    kind: "backup",
    begins: /^backup (?:stage start|lock)/g,
    ends: /^backup (?:stage end|unlock)/g,
  },
  { kind: "user lock", begins: /\bget_lock \( ([^ ]+)/g, ends: /\brelease_lock \( ([^ ]+)/g },
  { kind: "user lock", ends: /\brelease_all_locks \( \)/g },
  { kind: "handler", begins: /^handler ([^ ]+) open/g, ends: /^handler ([^ ]+) close/g },
  { kind: "XA transaction", begins: /^xa (?:start|begin) /g, ends: /^xa (?:commit|rollback) /g },
  {
    kind: "named statement",
    begins: /^prepare ([^ ]+) from/g,
    ends: /^(?:deallocate|drop) prepare ([^ ]+)/g,
  },
  { kind: "next transaction", ends: /^(?:commit|rollback)(?! to)/g },
  { kind: "insert_id", begins: /\binsert_id (?:: )?= /g, ends: /^(?:insert|replace|load)\b/g },
  { kind: "random seed", begins: /\brand_seed[12] (?:: )?= /g },
  {
    kind: "GTID",
    begins: /\bgtid_(?:next|seq_no) (?:: )?= (?!'automatic')/g,
    ends: /\bgtid_next (?:: )?= 'automatic'/g,
  },
];

/** Effects that a pattern names each time they begin. */
const NAMED = Effect.TEMPORARY_TABLE | Effect.TABLE_LOCK | Effect.USER_LOCK |
  Effect.NAMED_STATEMENT;

/** Effects that no pattern names: they hold until the session starts anew. */
const UNNAMED = [
  [Effect.SEQUENCE, "sequence"],
  [Effect.PROFILING, "profile"],
] as const;

/** Pins that any kind may be behind. */
const UNTOLD = new Set(["left by a routine:", "unknown form:"]);

/** The pins of one session. */
export class Pins {
  #held: Map<string, number> | undefined;

  /** Anything holds the session. */
  get any(): boolean {
    return this.#held !== undefined && this.#held.size > 0;
  }

  /** What holds it, for people: kinds, each once. */
  get reasons(): string[] {
    const kinds = [...this.#held?.keys() ?? []].map((key) => key.slice(0, key.indexOf(":")));
    return [...new Set(kinds)];
  }

  /** Something of this kind may hold it: that is not known of what code has left. */
  mayHold(kind: string): boolean {
    for (const key of this.#held?.keys() ?? []) {
      if (key.startsWith(`${kind}:`) || UNTOLD.has(key)) return true;
    }
    return false;
  }

  /** Something holds it that has no name in a statement. */
  hold(kind: string): void {
    (this.#held ??= new Map()).set(`${kind}:`, 1);
  }

  clear(): void {
    this.#held = undefined;
  }

  /**
   * Learns of a statement that has been answered.
   *
   * @param statement.bytes The text, from `start` on.
   * @param statement.schema What names without a schema belong to.
   */
  note(effects: number, statement: {
    readonly bytes: Uint8Array;
    readonly start: number;
    readonly mode: LexicalMode;
    readonly schema: string;
    readonly failed: boolean;
  }): void {
    const several = (effects & (Effect.MULTI | Effect.CALLS)) !== 0;
    const mayBegin = (effects & PINS) !== 0 && (!statement.failed || several);
    const mayEnd = this.any && !statement.failed;
    if (!mayBegin && !mayEnd) return;
    const text = plainText(statement.bytes, statement.start, statement.mode);
    let begun = 0;
    for (const each of text.split(" ; ")) {
      if (mayEnd) this.#end(each, statement.schema);
      if (mayBegin) begun += this.#begin(each, statement.schema);
    }
    if (!mayBegin) return;
    // Said in a way that no pattern knows: it holds until the session starts anew.
    if (begun === 0 && effects & NAMED) this.hold("unknown form");
    for (const [bit, kind] of UNNAMED) if (effects & bit) this.hold(kind);
    if (effects & Effect.NEXT_TRANSACTION) this.hold("next transaction");
  }

  #begin(text: string, schema: string): number {
    let begun = 0;
    for (const { kind, begins } of RULES) {
      if (!begins) continue;
      for (const [, name] of text.matchAll(begins)) {
        // A lock whose name is computed: nobody knows when it is released.
        const isComputed = kind === "user lock" && !/^['"]/.test(name);
        const key = keyOf(kind, isComputed ? "?" : name, schema);
        const held = this.#held ??= new Map();
        held.set(key, (held.get(key) ?? 0) + 1);
        begun++;
      }
    }
    return begun;
  }

  #end(text: string, schema: string): void {
    for (const { kind, ends } of RULES) {
      if (!ends || !this.any) continue;
      for (const [, name] of text.matchAll(ends)) this.#release(kind, name, schema);
    }
  }

  #release(kind: string, name: string | undefined, schema: string): void {
    const held = this.#held!;
    if (name === undefined) {
      for (const key of [...held.keys()]) if (key.startsWith(`${kind}:`)) held.delete(key);
      return;
    }
    const key = keyOf(kind, name, schema);
    const count = held.get(key) ?? 0;
    // Only locks of one name are counted: of all else there is one of a name.
    if (count > 1 && kind === "user lock") held.set(key, count - 1);
    else held.delete(key);
  }
}

function keyOf(kind: string, name: string | undefined, schema: string): string {
  if (name === undefined) return `${kind}:`;
  const plain = name.replaceAll("`", "").toLowerCase();
  const hasSchema = kind !== "temporary table" || plain.includes(".");
  return hasSchema ? `${kind}:${plain}` : `${kind}:${schema.toLowerCase()}.${plain}`;
}
