// What is known of stored functions and views, which the text of a statement does not tell.

/** A stored function or a view. */
export interface KnownObject {
  readonly schema: string;
  readonly name: string;
  /** Reading it changes nothing and gives the same on a replica with the same data. */
  readonly harmless: boolean;
}

/** Functions that may be called and views that may not be read on replicas. Names in any case. */
export class KnownRoutines {
  /** Functions as `schema.name`; and names all of whose functions, in any schema, are harmless. */
  readonly #harmless = new Set<string>();
  /** Names of views that are not. */
  readonly unsafeNames: ReadonlySet<string>;

  /** @param functions All functions there are: by a name alone those of every schema are meant. */
  constructor(functions: Iterable<KnownObject>, views: Iterable<KnownObject> = []) {
    const harmful = new Set<string>();
    for (const { schema, name, harmless } of functions) {
      if (harmless) this.#harmless.add(keyOf(name)).add(keyOf(name, schema));
      else harmful.add(keyOf(name));
    }
    for (const name of harmful) this.#harmless.delete(name);
    const unsafe = new Set<string>();
    for (const { name, harmless } of views) if (!harmless) unsafe.add(name.toLowerCase());
    this.unsafeNames = unsafe;
  }

  /** Whether a function may be called on a replica. Without a schema it may be that of any. */
  isHarmless(name: string, schema?: string): boolean {
    return this.#harmless.has(keyOf(name, schema));
  }
}

/** No name has a 0 in it: what has one is a qualified one. */
function keyOf(name: string, schema?: string): string {
  return (schema === undefined ? name : `${schema}\0${name}`).toLowerCase();
}

/**
 * The name from `start` to `end` without its quotes, one character a byte: names with other
 * characters than ASCII's are not found by it.
 */
export function nameIn(bytes: Uint8Array, start: number, end: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  const quote = text[0];
  if (quote !== "`" && quote !== '"') return text;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}
