// The schema as a flat list of keys, for flags, environment, documentation and SHOW PROPERTIES.

import * as v from "valibot";
import type { KeyInfo } from "./kinds.ts";
import type { SectionInfo } from "./section.ts";
import { serverSchema } from "./cluster_sections.ts";
import { ruleSchema } from "./route_sections.ts";
import { fileSchema, userSchema } from "./schema.ts";

/** One key of the configuration and all there is to say of it. */
export interface KeyDescription extends KeyInfo {
  /** The table it stands in; empty at the top of the file. */
  readonly section: string;
  /** Its name within the table. */
  readonly key: string;
  /** Section and key, as in `limits.clients_max`. */
  readonly path: string;
  /** The variables that set it, the first winning; none for keys of a repeatable section. */
  readonly variables: readonly string[];
  /** Whether it belongs to a table that may be repeated. */
  readonly repeated: boolean;
}

/** A table of the configuration file. */
export interface SectionDescription extends SectionInfo {
  /** Name of the table; empty for the top of the file. */
  readonly name: string;
  /** Whether it is a list of tables, `[[name]]`. */
  readonly repeated: boolean;
  readonly keys: readonly KeyDescription[];
}

/** Sections that are lists of tables. */
const REPEATABLE: Readonly<Record<string, { readonly entries: v.ObjectEntries } | undefined>> = {
  user: userSchema,
  server: serverSchema,
  rule: ruleSchema,
};

let sections: readonly SectionDescription[] | undefined;
let keys: readonly KeyDescription[] | undefined;

/**
 * All sections with all keys, in the order of the schema; the top of the file comes first. Made once:
 * the start of the proxy asks several times.
 */
export function describeConfig(): readonly SectionDescription[] {
  return sections ??= describeSchema();
}

function describeSchema(): readonly SectionDescription[] {
  const top: KeyDescription[] = [];
  const found: SectionDescription[] = [];
  for (const [name, schema] of Object.entries(fileSchema.entries)) {
    const repeatable = REPEATABLE[name];
    if (repeatable) {
      const { entries } = repeatable;
      found.push(describeSection(name, { schema, entries, repeated: true }));
    } else if ("entries" in schema) {
      const { entries } = schema;
      found.push(describeSection(name, { schema, entries, repeated: false }));
    } else {
      top.push(describeKey("", name, { info: infoOf(schema), repeated: false }));
    }
  }
  return [{ name: "", doc: "", repeated: false, keys: top }, ...found];
}

/** Every key, in the order of the schema. */
export function allKeys(): readonly KeyDescription[] {
  return keys ??= describeConfig().flatMap((section) => section.keys);
}

/** The field of `Config` that a key becomes: `idle_timeout` is `idleTimeoutMs`. */
export function fieldName(key: KeyDescription): string {
  const camel = camelCase(key.key);
  if (key.kind === "duration") return `${camel}Ms`;
  if (key.kind === "size") return `${camel}Bytes`;
  return key.kind === "path" ? `${camel}Path` : camel;
}

/** `client_tls` is `clientTls`. */
export function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

interface SectionSource {
  readonly schema: v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>;
  readonly entries: v.ObjectEntries;
  readonly repeated: boolean;
}

function describeSection(name: string, source: SectionSource): SectionDescription {
  const { repeated } = source;
  const { doc } = v.getMetadata(source.schema) as unknown as SectionInfo;
  return {
    name,
    doc,
    repeated,
    keys: Object.entries(source.entries).map(([key, schema]) =>
      describeKey(name, key, { info: infoOf(schema), repeated })
    ),
  };
}

function describeKey(
  section: string,
  key: string,
  { info, repeated }: { readonly info: KeyInfo; readonly repeated: boolean },
): KeyDescription {
  const path = section === "" ? key : `${section}.${key}`;
  const variables = repeated ? [] : [`MYSQLPROXY_${path.replaceAll(".", "_").toUpperCase()}`];
  if (info.environment !== undefined) variables.unshift(info.environment);
  return { ...info, section, key, path, variables, repeated };
}

function infoOf(schema: v.ObjectEntries[string]): KeyInfo {
  return v.getMetadata(schema as v.GenericSchema) as unknown as KeyInfo;
}
