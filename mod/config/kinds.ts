// The kinds of values a key can have: what each accepts, and what the documentation says of it.
// Every builder gives one valibot schema that also carries the key's description as metadata.

import * as v from "valibot";
import type { ListenAddress } from "./address.ts";
import { formatAddress, parseAddress } from "./address.ts";
import type { Network } from "./network.ts";
import { formatNetwork, parseNetwork } from "./network.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

/** What a key's value is, for reading it from text and for writing it back. */
export type Kind =
  | "text"
  | "path"
  | "integer"
  | "boolean"
  | "choice"
  | "choices"
  | "duration"
  | "size"
  | "address"
  | "addresses"
  | "networks"
  | "texts";

/** A flag of the command line. */
export interface Flag {
  /** As in `-l, --listen` or `--workers`. */
  readonly names: string;
  /** What stands for its value in the help. */
  readonly value: string;
  /** One line for the help, without the default. */
  readonly help: string;
}

/** What a key is for; given by the schema. */
export interface KeyText {
  /** One or two sentences for the reference page and the commented file. */
  readonly doc: string;
  /** The flag of `serve` that sets it. */
  readonly flag?: Flag;
  /** A shorter environment variable than the one made of section and key. */
  readonly environment?: string;
  /** Whether the value must never be shown. */
  readonly secret?: boolean;
}

/** What the schema knows of a key beside how to check it. */
export interface KeyInfo extends KeyText {
  readonly kind: Kind;
  /** What may be written, as the reference page says it. */
  readonly accepts: string;
  /** The default as TOML text. */
  readonly defaultText: string;
  /** The words of a `choice` or `choices`. */
  readonly words?: readonly string[];
}

/** What may be between which bounds, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Text, by default empty or as given. */
export function text(defaultValue: string, about: KeyText) {
  const expected = "must be a string";
  return key(v.string(complain(expected, about)), defaultValue, {
    ...about,
    kind: "text",
    accepts: "a string",
    defaultText: JSON.stringify(defaultValue),
  });
}

/** The name of a table with its schema's, by default none. */
export function tableName(about: KeyText) {
  const message = complain("must be a table with its schema, as in proxy.commits", about);
  const schema = v.pipe(v.string(message), v.check((name) => TABLE_NAME.test(name), message));
  const shown = { accepts: "`schema.table`", defaultText: '""' };
  return key(schema, "", { ...about, ...shown, kind: "text" });
}

const TABLE_NAME = /^(?:[\w$]+\.[\w$]+)?$/;

/** Text that is never shown, absent unless given. */
export function secret(doc: string) {
  const info: KeyInfo = { doc, secret: true, kind: "text", accepts: "a string", defaultText: '""' };
  const schema = v.string(complain("must be a string", info));
  return v.pipe(v.optional(schema), v.metadata({ ...info }));
}

/** A path of a file, by default none. */
export function path(about: KeyText) {
  return key(v.string(complain("must be the path of a file", about)), "", {
    ...about,
    kind: "path",
    accepts: "a path",
    defaultText: '""',
  });
}

/** A whole number between two bounds. */
export function integer(defaultValue: number, range: Range, about: KeyText) {
  const message = complain(`must be a whole number from ${range.min} to ${range.max}`, about);
  const schema = v.pipe(
    v.number(message),
    v.check((value) => Number.isInteger(value) && within(value, range), message),
  );
  return key(schema, defaultValue, {
    ...about,
    kind: "integer",
    accepts: `${range.min} to ${range.max}`,
    defaultText: String(defaultValue),
  });
}

/** Yes or no. */
export function boolean(defaultValue: boolean, about: KeyText) {
  return key(v.boolean(complain("must be true or false", about)), defaultValue, {
    ...about,
    kind: "boolean",
    accepts: "`true`, `false`",
    defaultText: String(defaultValue),
  });
}

/** One of some words. */
export function choice<const T extends string>(
  words: readonly T[],
  defaultValue: NoInfer<T>,
  about: KeyText,
) {
  const schema = v.picklist(words, complain(`must be ${orList(words)}`, about));
  return key(schema, defaultValue, {
    ...about,
    kind: "choice",
    accepts: words.map((word) => `\`${word}\``).join(", "),
    defaultText: JSON.stringify(defaultValue),
    words,
  });
}

/** One of some words, or a whole number between two bounds, written as a number or as text. */
export function choiceOrNumber<const T extends string>(
  words: readonly T[],
  defaultValue: NoInfer<T>,
  range: Range,
  about: KeyText,
) {
  const message = complain(
    `must be ${orList(words)} or a whole number from ${range.min} to ${range.max}`,
    about,
  );
  const schema = v.pipe(
    v.union([v.string(), v.number()], message),
    v.check((value) => asChoice(value, words, range) !== undefined, message),
    v.transform((value) => asChoice(value, words, range)!),
  );
  return key(schema, defaultValue as string | number, {
    ...about,
    kind: "choice",
    accepts: `${words.map((word) => `\`${word}\``).join(", ")}, ${range.min} to ${range.max}`,
    defaultText: JSON.stringify(defaultValue),
    words,
  });
}

function asChoice<T extends string>(
  value: string | number,
  words: readonly T[],
  range: Range,
): T | number | undefined {
  const word = words.find((each) => each === value);
  if (word !== undefined) return word;
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && within(number, range)
    ? number
    : undefined;
}

/** Any of some words, each at most once, in the order of preference. */
export function choices<const T extends string>(
  words: readonly T[],
  defaultValue: readonly NoInfer<T>[],
  about: KeyText,
) {
  const unique = complain("must name each word once", about);
  const schema = v.pipe(
    v.array(
      v.picklist(words, complain(`must be ${orList(words)}`, about)),
      complain("must be a list of words", about),
    ),
    v.check((list) => new Set(list).size === list.length, unique),
    v.readonly(),
  );
  return key(schema, [...defaultValue], {
    ...about,
    kind: "choices",
    accepts: `a list of ${words.map((word) => `\`${word}\``).join(", ")}`,
    defaultText: tomlList(defaultValue),
    words,
  });
}

/** A duration, in milliseconds once read; bounds and default are written as durations too. */
export function duration(
  defaultValue: string,
  range: { readonly min: string; readonly max: string },
  about: KeyText,
) {
  const bounds = { min: parseDuration(range.min), max: parseDuration(range.max) };
  const expected = 'must be a duration such as "10s", "500ms" or "1h30m"';
  const schema = v.pipe(
    v.string(complain(expected, about)),
    parsedBy(parseDuration),
    v.check(
      (ms) => within(ms, bounds),
      complain(`must be from ${range.min} to ${range.max}`, about, formatDuration),
    ),
  );
  return key(schema, defaultValue, {
    ...about,
    kind: "duration",
    accepts: `a duration, ${range.min} to ${range.max}`,
    defaultText: JSON.stringify(defaultValue),
  });
}

/** A size, in bytes once read; bounds and default are written as sizes too. */
export function size(
  defaultValue: string,
  range: { readonly min: string; readonly max: string },
  about: KeyText,
) {
  const bounds = { min: parseSize(range.min), max: parseSize(range.max) };
  const expected = 'must be a size such as "64MiB" or a number of bytes';
  const schema = v.pipe(
    v.union([v.string(), v.pipe(v.number(), v.integer())], complain(expected, about)),
    parsedBy((value) => parseSize(String(value))),
    v.check(
      (bytes) => within(bytes, bounds),
      complain(`must be from ${range.min} to ${range.max}`, about, formatSize),
    ),
  );
  return key(schema, defaultValue, {
    ...about,
    kind: "size",
    accepts: `a size, ${range.min} to ${range.max}`,
    defaultText: JSON.stringify(defaultValue),
  });
}

/** One address, or the empty string for none. */
export function optionalAddress(defaultPort: number, about: KeyText) {
  const schema = v.pipe(
    v.string(complain("must be an address such as 127.0.0.1:3308", about)),
    parsedBy((value) => value === "" ? undefined : parseAddress(value, defaultPort)),
  );
  return key(schema, "", {
    ...about,
    kind: "address",
    accepts: 'an address; `""` is off',
    defaultText: '""',
  });
}

/** Bounds and defaults of a list of addresses. */
export interface AddressesOptions {
  readonly defaultPort: number;
  /** Whether port 0 (the system chooses) makes sense. */
  readonly portZero: boolean;
}

/** A list of addresses without doubles. */
export function addresses(
  defaultValue: readonly string[],
  options: AddressesOptions,
  about: KeyText,
) {
  const one = v.pipe(
    v.string(complain("must be an address such as db1:3306", about)),
    parsedBy((value) => {
      const address: ListenAddress = parseAddress(value, options.defaultPort);
      if (address.kind === "tcp" && address.port === 0 && !options.portZero) {
        throw new SyntaxError("must have a port from 1 to 65535");
      }
      return address;
    }),
  );
  const schema = v.pipe(
    v.array(one, complain("must be a list of addresses", about)),
    v.check(
      (list) => noDoubles(list.filter((it) => it.kind !== "tcp" || it.port !== 0)),
      "must not name an address twice",
    ),
    v.readonly(),
  );
  return key(schema, [...defaultValue], {
    ...about,
    kind: "addresses",
    accepts: "a list of addresses: `host:port`, `[v6]:port`, `unix:/path`",
    defaultText: tomlList(defaultValue),
  });
}

/** A list of networks in CIDR notation, by default empty. */
export function networks(about: KeyText) {
  const one = v.pipe(
    v.string(complain("must be a network such as 10.0.0.0/8", about)),
    parsedBy(parseNetwork),
  );
  const schema = v.pipe(v.array(one, complain("must be a list of networks", about)), v.readonly());
  return key(schema, [], {
    ...about,
    kind: "networks",
    accepts: "a list of networks in CIDR notation",
    defaultText: "[]",
  });
}

/**
 * A list of words or phrases, by default empty.
 *
 * @param form What each must be: said in the reference, and judged by a function that throws.
 */
export function texts(about: KeyText, form?: {
  readonly accepts: string;
  /** @throws {SyntaxError} If an element is not of the form. */
  readonly judge: (element: string) => void;
}) {
  const one = v.pipe(
    v.string(complain("must be a string", about)),
    v.check((value) => !/[,\p{Cc}]/u.test(value), "must have no commas and no control characters"),
    parsedBy((value) => {
      form?.judge(value);
      return value;
    }),
  );
  const schema = v.pipe(v.array(one, complain("must be a list of strings", about)), v.readonly());
  return key(schema, [], {
    ...about,
    kind: "texts",
    accepts: form?.accepts ?? "a list of strings without commas",
    defaultText: "[]",
  });
}

/** The address of a server, as others name it. */
export function serverAddress(defaultPort: number, about: KeyText) {
  const schema = v.pipe(
    v.string(complain("must be an address such as db1:3306", about)),
    v.check((value) => value !== "", "must be given, as in db1:3306"),
    parsedBy((value) => parseAddress(value, defaultPort)),
  );
  return key(schema, "", {
    ...about,
    kind: "address",
    accepts: "an address: `host:port`, `[v6]:port`, `unix:/path`",
    defaultText: '""',
  });
}

/** Writes a value of the configuration as a person would; the inverse of reading it. */
export function formatValue(value: unknown, kind: Kind): string {
  switch (kind) {
    case "duration":
      return formatDuration(value as number);
    case "size":
      return formatSize(value as number);
    case "address":
      return value === undefined ? "" : formatAddress(value as ListenAddress);
    case "addresses":
      return (value as readonly ListenAddress[]).map(formatAddress).join(", ");
    case "networks":
      return (value as readonly Network[]).map(formatNetwork).join(", ");
    case "choices":
    case "texts":
      return (value as readonly string[]).join(", ");
    case "text":
    case "path":
    case "integer":
    case "boolean":
    case "choice":
      return String(value);
  }
}

/** Says of a value what it is, shortened; of a secret only its type. */
export function describeValue(value: unknown, secret = false): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a table";
  if (secret) return typeof value === "string" ? "this string" : `a ${typeof value}`;
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? value.slice(0, 57) + "..." : value);
}

function key<
  const TSchema extends v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>,
  const TDefault extends v.InferInput<TSchema>,
>(schema: TSchema, defaultValue: TDefault, info: KeyInfo) {
  return v.pipe(v.optional(schema, () => defaultValue), v.metadata({ ...info }));
}

function complain(
  expected: string,
  about: KeyText,
  format: ((value: number) => string) | undefined = undefined,
): (issue: v.BaseIssue<unknown>) => string {
  return ({ input }) => {
    const shown = format && typeof input === "number"
      ? format(input)
      : describeValue(input, about.secret);
    return `${expected}, not ${shown}`;
  };
}

/** Turns what a parse function throws into an issue of the schema. */
function parsedBy<TInput, TOutput>(parse: (value: TInput) => TOutput) {
  return v.rawTransform<TInput, TOutput>(({ dataset, addIssue, NEVER }) => {
    try {
      return parse(dataset.value);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      addIssue({ message: `${error.message}, not ${describeValue(dataset.value)}` });
      return NEVER;
    }
  });
}

function within(value: number, range: Range): boolean {
  return value >= range.min && value <= range.max;
}

function noDoubles(list: readonly ListenAddress[]): boolean {
  return new Set(list.map(formatAddress)).size === list.length;
}

function tomlList(list: readonly string[]): string {
  return `[${list.map((it) => JSON.stringify(it)).join(", ")}]`;
}

function orList(words: readonly string[]): string {
  const quoted = words.map((word) => JSON.stringify(word));
  if (quoted.length === 1) return quoted[0];
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
