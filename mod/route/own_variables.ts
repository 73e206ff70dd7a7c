// The proxy's own variables, which sessions read with SELECT @@mysqlproxy.x and set with SET.

import { type ConsistencyLevel } from "../config/mod.ts";
import { CONSISTENCIES, type LexicalMode, parseSet, Token, Tokenizer } from "../sql/mod.ts";

/** What a statement wants of the proxy's variables. */
export type OwnVariableStatement =
  /** SELECT @@mysqlproxy.consistency [AS alias]. */
  | { readonly kind: "read"; readonly variable: OwnVariable; readonly column: string }
  /** Undefined: DEFAULT. */
  | { readonly kind: "set-consistency"; readonly level: ConsistencyLevel | undefined }
  | { readonly kind: "set-position"; readonly token: string }
  /** It names the proxy's variables in a way that makes no sense: the words of an error. */
  | { readonly kind: "wrong"; readonly message: string };

/** The names of the variables. */
export type OwnVariable = "consistency" | "position";

const PREFIX = "mysqlproxy.";

/**
 * Reads a statement about the proxy's own variables; undefined for all others. Off the hot path: for
 * statements that have a system variable in them.
 */
export function ownVariableStatement(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  mode: LexicalMode,
): OwnVariableStatement | undefined {
  const words = new Tokenizer(bytes, start, end, mode);
  words.next();
  if (words.is("SELECT")) return readSelect(words);
  return words.is("SET") ? readSet(bytes, { start, end }, mode) : undefined;
}

function readSelect(words: Tokenizer): OwnVariableStatement | undefined {
  const parts: string[] = [];
  while (words.next() !== Token.END && parts.length < 10) parts.push(words.text());
  if (parts.at(-1) === ";") parts.pop();
  const [at, second, prefix, point, name = "", ...rest] = parts;
  const isOwn = at === "@" && second === "@" && prefix?.toLowerCase() === "mysqlproxy" &&
    point === ".";
  if (!isOwn) return undefined;
  const variable = name.toLowerCase();
  if (variable !== "consistency" && variable !== "position") return wrongName(name);
  const alias = rest[0]?.toLowerCase() === "as" ? rest.slice(1) : rest;
  if (alias.length > 1) {
    return { kind: "wrong", message: "@@mysqlproxy's variables are read one by one" };
  }
  const column = alias[0]?.replace(/^[`'"](.*)[`'"]$/, "$1") ?? `@@${PREFIX}${variable}`;
  return { kind: "read", variable, column };
}

function readSet(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  mode: LexicalMode,
): OwnVariableStatement | undefined {
  const assignments = parseSet(bytes, start, end, mode);
  const own = assignments?.find(({ name }) => name.startsWith(PREFIX));
  if (own === undefined || assignments === undefined) return undefined;
  if (assignments.length > 1) {
    return { kind: "wrong", message: "@@mysqlproxy's variables are set one by one" };
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + own.start, own.end - own.start)
    .toString("latin1");
  const value = text.replace(/^(['"])(.*)\1$/s, "$2");
  switch (own.name.slice(PREFIX.length)) {
    case "consistency": {
      const word = value.toLowerCase();
      const level = CONSISTENCIES.find((each) => each === word);
      if (level === undefined && word !== "default") {
        return { kind: "wrong", message: `'${value}' is none of ${CONSISTENCIES.join(", ")}` };
      }
      return { kind: "set-consistency", level };
    }
    case "position":
      return { kind: "set-position", token: value };
    default:
      return wrongName(own.name.slice(PREFIX.length));
  }
}

function wrongName(name: string): OwnVariableStatement {
  return { kind: "wrong", message: `Unknown system variable 'mysqlproxy.${name}'` };
}
