// The flags with which `probe` and `doctor` name servers: those of `serve`, from the same schema.

import { Option } from "commander";
import { allKeys, type Flag, type KeyDescription } from "../mod/config/mod.ts";

/** What commander has read, by the name of the option. */
export type GivenFlags = Readonly<Record<string, unknown>>;

/** Keys that say where servers are and what they are. */
const SERVER_KEYS = [
  "backends",
  "backend_tls.mode",
  "backend_tls.ca",
  "backend_tls.cert",
  "backend_tls.key",
  "cluster.flavor",
];
const ACCOUNT_KEYS = ["account.user", "account.password"];

type FlaggedKey = KeyDescription & { readonly flag: Flag };

/** `--config` and the flags that name servers. */
export function serverOptions(): readonly Option[] {
  return [
    new Option("-c, --config <file>", "configuration file (env: MYSQLPROXY_CONFIG)"),
    ...keysOf(SERVER_KEYS).map(optionOf),
  ];
}

/** The flags of the proxy's own account. */
export function accountOptions(): readonly Option[] {
  return keysOf(ACCOUNT_KEYS).map(optionOf);
}

/** What was given, by the path of the key, as the configuration wants it. */
export function serverFlags(
  given: GivenFlags,
): Readonly<Record<string, string | readonly string[] | undefined>> {
  const keys = keysOf([...SERVER_KEYS, ...ACCOUNT_KEYS]);
  return Object.fromEntries(
    keys.map((key) => [key.path, given[optionOf(key).attributeName()] as string | undefined]),
  );
}

function keysOf(paths: readonly string[]): readonly FlaggedKey[] {
  return allKeys().filter((key): key is FlaggedKey =>
    paths.includes(key.path) && key.flag !== undefined
  );
}

function optionOf({ kind, flag, words }: FlaggedKey): Option {
  const notes = [...(kind === "addresses" ? ["repeatable"] : []), ...(words ?? [])];
  const help = notes.length === 0 ? flag.help : `${flag.help} (${notes.join(", ")})`;
  const option = new Option(`${flag.names} <${flag.value}>`, help);
  if (kind === "addresses") {
    option.argParser((value: string, before: readonly string[] = []) => [...before, value]);
  }
  return option;
}
