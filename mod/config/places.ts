// Where each key of a TOML text stands. The parser gives values without places, and an error
// about a value is only useful with one; so the text, already known to be valid TOML, is read
// once more for its keys alone.

/** A place in a text, both counted from 1; the column counts UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A path of keys and list positions from the top of the file. */
export type KeyPath = readonly (string | number)[];

/** Answers where keys and list elements stand. */
export interface Places {
  /** The place of what the path names, or of the nearest table around it that has one. */
  find(path: KeyPath): Place | undefined;
}

/** Finds the keys of a text that a TOML parser has accepted (toml.io, version 1.0). */
export function findPlaces(toml: string): Places {
  return new KeyScanner(toml).scan();
}

class KeyScanner {
  readonly #text: string;
  readonly #offsets = new Map<string, number>();
  readonly #listLengths = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): Places {
    let table: KeyPath = [];
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      if (this.#text[this.#at] === "[") table = this.#header();
      else this.#pair(table);
    }
    const offsets = this.#offsets;
    const lineStarts = startsOfLines(this.#text);
    return {
      find(path) {
        for (let length = path.length; length > 0; length--) {
          const offset = offsets.get(JSON.stringify(path.slice(0, length)));
          if (offset !== undefined) return placeOf(lineStarts, offset);
        }
        return undefined;
      },
    };
  }

  /** `[a.b]` or `[[a.b]]`; what follows belongs to the path it returns. */
  #header(): KeyPath {
    const isList = this.#text.startsWith("[[", this.#at);
    this.#at += isList ? 2 : 1;
    this.#skipBlank();
    const start = this.#at;
    const names = this.#key();
    this.#skipBlank();
    this.#at += isList ? 2 : 1;
    const parent = this.#resolve(names.slice(0, -1));
    const path = [...parent, names.at(-1)!];
    if (!isList) return this.#note(path, start);
    this.#note(path, start);
    const name = JSON.stringify(path);
    const index = this.#listLengths.get(name) ?? 0;
    this.#listLengths.set(name, index + 1);
    return this.#note([...path, index], start);
  }

  /** `a.b = value` within a table. */
  #pair(table: KeyPath): void {
    const start = this.#at;
    const path = this.#note([...table, ...this.#key()], start);
    this.#skipBlank();
    this.#at++; // The equals sign.
    this.#skipBlank();
    this.#value(path);
  }

  /** A dotted key; leaves the cursor behind its last part. */
  #key(): string[] {
    const names: string[] = [];
    for (;;) {
      const quote = this.#text[this.#at];
      if (quote === '"' || quote === "'") {
        const start = this.#at;
        this.#string();
        const raw = this.#text.slice(start + 1, this.#at - 1);
        names.push(quote === '"' ? unescape(raw) : raw);
      } else {
        names.push(this.#take(/[\w-]*/y));
      }
      if (this.#take(/[ \t]*\.[ \t]*/y) === "") return names;
    }
  }

  #value(path: KeyPath): void {
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string();
    else if (first === "[") this.#list(path);
    else if (first === "{") this.#inlineTable(path);
    else {
      // A date may hold one space before its time. At least one character is stepped over, so that
      // even an unforeseen text is read to its end.
      if (this.#take(/[^\s,\]}#]*(?: \d[^\s,\]}#]*)?/y) === "") this.#at++;
    }
  }

  #list(path: KeyPath): void {
    this.#at++;
    for (let index = 0; this.#more("]"); index++) {
      const element = this.#note([...path, index], this.#at);
      this.#value(element);
    }
  }

  #inlineTable(path: KeyPath): void {
    this.#at++;
    while (this.#more("}")) this.#pair(path);
  }

  /** Whether another element comes; if not, steps over the closing character. */
  #more(close: string): boolean {
    this.#skipBlank();
    while (this.#text[this.#at] === ",") {
      this.#at++;
      this.#skipBlank();
    }
    if (this.#at >= this.#text.length) return false;
    if (this.#text[this.#at] !== close) return true;
    this.#at++;
    return false;
  }

  /** Any of the four kinds of strings. */
  #string(): void {
    const quote = this.#text[this.#at];
    const escapes = quote === '"';
    const multiline = this.#text.startsWith(quote.repeat(3), this.#at);
    const close = multiline ? quote.repeat(3) : quote;
    this.#at += close.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(close, this.#at)) {
      this.#at += escapes && this.#text[this.#at] === "\\" ? 2 : 1;
    }
    this.#at += close.length;
    // Up to two quotes may stand right before the closing three.
    while (multiline && this.#text[this.#at] === quote) this.#at++;
  }

  #skipBlank(): void {
    this.#take(/(?:\s|#[^\n]*)*/y);
  }

  /** Steps over what a sticky expression matches here, and returns it; empty if it does not. */
  #take(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const taken = expression.exec(this.#text)?.[0] ?? "";
    this.#at += taken.length;
    return taken;
  }

  /** `[user.x]` after `[[user]]` means the last element of that list. */
  #resolve(names: readonly string[]): KeyPath {
    const path: (string | number)[] = [];
    for (const name of names) {
      path.push(name);
      const length = this.#listLengths.get(JSON.stringify(path));
      if (length !== undefined) path.push(length - 1);
    }
    return path;
  }

  #note(path: KeyPath, offset: number): KeyPath {
    const name = JSON.stringify(path);
    if (!this.#offsets.has(name)) this.#offsets.set(name, offset);
    return path;
  }
}

function unescape(raw: string): string {
  return raw.replace(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g,
    (_, short?: string, long?: string, letter?: string) => {
      const code = short ?? long;
      if (code !== undefined) return String.fromCodePoint(parseInt(code, 16));
      return { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r" }[letter!] ?? letter!;
    },
  );
}

function startsOfLines(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function placeOf(lineStarts: readonly number[], offset: number): Place {
  const line = lineStarts.findLastIndex((start) => start <= offset);
  return { line: line + 1, column: offset - lineStarts[line] + 1 };
}
