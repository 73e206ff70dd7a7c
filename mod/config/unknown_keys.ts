// Keys of a file that the schema does not know, each with the known key that may be meant.

import type { ConfigError } from "./errors.ts";
import type { KeyDescription, SectionDescription } from "./keys.ts";
import { describeConfig } from "./keys.ts";
import { nearest } from "./nearest.ts";
import type { Table, TomlFile } from "./toml.ts";

/** Lists every key and table of the file that the schema does not know. */
export function findUnknownKeys(file: TomlFile): readonly ConfigError[] {
  const [top, ...sections] = describeConfig();
  const errors: ConfigError[] = [];
  const topNames = [...top!.keys.map(({ key }) => key), ...sections.map(({ name }) => name)];
  for (const [name, value] of Object.entries(file.table)) {
    const section = sections.find((it) => it.name === name);
    if (section) errors.push(...unknownIn(section, { value, file }));
    else if (!topNames.includes(name)) {
      errors.push({
        ...file.placeOf([name]),
        key: name,
        message: isTable(value) ? "unknown section" : "unknown key",
        ...suggest(name, { names: topNames, elsewhere: sections.flatMap((it) => it.keys) }),
      });
    }
  }
  return errors;
}

interface SectionValue {
  readonly value: unknown;
  readonly file: TomlFile;
}

function unknownIn(section: SectionDescription, { value, file }: SectionValue): ConfigError[] {
  const errors: ConfigError[] = [];
  const names = section.keys.map(({ key }) => key);
  const elsewhere = describeConfig().flatMap((it) => it.keys);
  for (const [index, table] of (Array.isArray(value) ? value : [value]).entries()) {
    if (!isTable(table)) continue;
    for (const name of Object.keys(table)) {
      if (names.includes(name)) continue;
      const path = Array.isArray(value) ? [section.name, index, name] : [section.name, name];
      errors.push({
        ...file.placeOf(path),
        key: `${section.name}.${name}`,
        message: "unknown key",
        ...suggest(name, { names, elsewhere }),
      });
    }
  }
  return errors;
}

interface Candidates {
  /** What may stand at this place. */
  readonly names: readonly string[];
  /** Keys of other places, suggested with their section. */
  readonly elsewhere: readonly KeyDescription[];
}

function suggest(name: string, { names, elsewhere }: Candidates): Pick<ConfigError, "suggestion"> {
  const exact = elsewhere.find(({ key, repeated }) => key === name && !repeated);
  const suggestion = nearest(name, names) ?? exact?.path;
  return suggestion === undefined ? {} : { suggestion };
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}
