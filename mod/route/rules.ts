// The rules of the configuration. What a rule says of a statement's text is found out once for each
// text, what it says of a session once for each session; a statement's rule is then the first bit that
// both have.

import { BlockList, isIPv6 } from "node:net";
import type { Rule } from "../config/mod.ts";
import { digestOf, type LexicalMode } from "../sql/mod.ts";

/** Rules, a bit for each, 32 in a word. */
export type RuleSet = Uint32Array;

/** Who a session is, as rules see it. */
export interface SessionTraits {
  readonly user: string;
  readonly schema: string;
  /** The client's address; "" for a unix socket. */
  readonly client: string;
}

/** How text is read for digests of rules, which have no session. */
const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };

/** The rules in force. */
export class Rules {
  readonly rules: readonly Rule[];
  readonly #digests: readonly string[];
  readonly #patterns: readonly (RegExp | undefined)[];
  readonly #clients: readonly (BlockList | undefined)[];
  /** Those that say something about what is asked here; the others fit nothing. */
  readonly #counts: readonly boolean[];

  /**
   * @param rules Checked: their regular expressions are some.
   * @param about What is asked of them: where statements go, or whether they are logged.
   */
  constructor(rules: readonly Rule[], about: "routes" | "audit" = "routes") {
    this.rules = rules;
    this.#counts = rules.map((rule) =>
      about === "audit" ? rule.audit !== "default" : !isAboutAuditAlone(rule)
    );
    this.#digests = rules.map(({ digest }) => {
      const bytes = Buffer.from(digest);
      return digest === "" ? "" : digestOf(bytes, 0, bytes.length, MODE);
    });
    this.#patterns = rules.map(({ statement }) =>
      statement === "" ? undefined : new RegExp(statement, "i")
    );
    this.#clients = rules.map(({ clients }) => {
      if (clients.length === 0) return undefined;
      const list = new BlockList();
      for (const { address, prefixLength, family } of clients) {
        list.addSubnet(address, prefixLength, family);
      }
      return list;
    });
  }

  /** Some of those that count are about texts. */
  get readTexts(): boolean {
    return this.rules.some(({ digest, statement }, at) =>
      this.#counts[at] && (digest !== "" || statement !== "")
    );
  }

  /** The rules whose statement a text is. Off the hot path: once for a text. */
  ofText(bytes: Uint8Array, start: number, end: number): RuleSet {
    let digest: string | undefined;
    let text: string | undefined;
    return this.#where((_, at) => {
      const wanted = this.#digests[at];
      if (wanted !== "" && wanted !== (digest ??= digestOf(bytes, start, end, MODE))) return false;
      const pattern = this.#patterns[at];
      if (pattern === undefined) return true;
      text ??= Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
      return pattern.test(text);
    });
  }

  /** The rules that a session is meant by. Off the hot path: at login and with each schema. */
  ofSession({ user, schema, client }: SessionTraits): RuleSet {
    const family = isIPv6(client) ? "ipv6" : "ipv4";
    return this.#where((rule, at) =>
      (rule.user === "" || rule.user === user) &&
      (rule.schema === "" || rule.schema === schema) &&
      (this.#clients[at]?.check(client, family) ?? true)
    );
  }

  /** The number of the first rule that is in both; -1 where there is none. Hot path. */
  first(text: RuleSet, session: RuleSet): number {
    for (let word = 0; word < text.length; word++) {
      const both = text[word] & session[word];
      if (both !== 0) return word * 32 + 31 - Math.clz32(both & -both);
    }
    return -1;
  }

  /** A rule's name, or its number from 1 on. */
  nameOf(rule: number): string {
    const { name } = this.rules[rule];
    return name === "" ? String(rule + 1) : name;
  }

  #where(fits: (rule: Rule, at: number) => boolean): RuleSet {
    const set = new Uint32Array(Math.ceil(this.rules.length / 32));
    for (const [at, rule] of this.rules.entries()) {
      if (this.#counts[at] && fits(rule, at)) set[at >> 5] |= 1 << (at & 31);
    }
    return set;
  }
}

function isAboutAuditAlone({ audit, target, tags, consistency }: Rule): boolean {
  return audit !== "default" && target === "any" && tags.length === 0 && consistency === "default";
}
