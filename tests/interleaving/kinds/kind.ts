// What a statement kind is: a name, and how its steps are written.

import type { ServerKind } from "../../servers/mod.ts";
import type { Scribe } from "../scribe.ts";

/** What a session may do, of one sort. */
export interface Kind {
  readonly name: string;
  /** Programs choose a few topics and stay with them mostly. */
  readonly topic: string;
  /** The only server that has it; undefined: both. */
  readonly on: ServerKind | undefined;
  /** How often, against others of its topic. */
  readonly weight: number;
  write(scribe: Scribe): void;
}

/** How a kind's steps are written: one of these statements, all of them in turn, or by a function. */
export type Content =
  | string
  | readonly string[]
  | { readonly all: readonly string[] }
  | ((scribe: Scribe) => void);

/** How a kind differs from the usual. */
export interface KindOptions {
  readonly on?: ServerKind;
  /** @default {1} */
  readonly weight?: number;
  /** Only in the text protocol. */
  readonly text?: boolean;
}

/** Makes the kinds of one topic. */
export class Topic {
  readonly name: string;
  readonly kinds: Kind[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a kind. */
  add(name: string, content: Content, options: KindOptions = {}): this {
    this.kinds.push({
      name: `${this.name}: ${name}`,
      topic: this.name,
      on: options.on,
      weight: options.weight ?? 1,
      write: writerOf(content, options.text ?? false),
    });
    return this;
  }
}

function writerOf(content: Content, textOnly: boolean): (scribe: Scribe) => void {
  if (typeof content === "function") return content;
  const add = (scribe: Scribe, sql: string) => textOnly ? scribe.text(sql) : scribe.sql(sql);
  if (typeof content === "string") return (scribe) => add(scribe, content);
  if ("all" in content) {
    return (scribe) => {
      for (const sql of content.all) add(scribe, sql);
    };
  }
  return (scribe) => add(scribe, scribe.random.pick(content));
}
