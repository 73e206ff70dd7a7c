// CHECKSUM and runtime_checksums_values: whether two layers, or two proxies, have the same configuration.

import { createHash } from "node:crypto";
import { makeSource, type Source, type Table, table, type Value } from "../table.ts";
import {
  hostgroupLayers,
  type Layers,
  ruleLayers,
  serverLayers,
  userLayers,
  variableLayers,
} from "./config_tables.ts";
import { emptyTable } from "./empty_tables.ts";

/** What CHECKSUM calls the tables. */
const LAYERS: Readonly<Record<string, Layers>> = {
  "mysql servers": serverLayers,
  "mysql users": userLayers,
  "mysql query rules": ruleLayers,
  "mysql variables": variableLayers,
  "mysql replication hostgroups": hostgroupLayers,
};

/** And those that are always empty. */
const EMPTY: Readonly<Record<string, string>> = {
  "mysql group replication hostgroups": "mysql_group_replication_hostgroups",
  "mysql galera hostgroups": "mysql_galera_hostgroups",
  "mysql aurora hostgroups": "mysql_aws_aurora_hostgroups",
  "mysql hostgroup attributes": "mysql_hostgroup_attributes",
  "mysql servers ssl params": "mysql_servers_ssl_params",
};

/** The table of a subject in a layer; undefined: there is no such subject. */
export function checksumTable(subject: string, layer: "memory" | "disk"): Table | undefined {
  const layers = LAYERS[subject];
  if (layers !== undefined) return layers[layer];
  const name = EMPTY[subject];
  return name === undefined ? undefined : emptyTable(name);
}

/** ProxySQL's form; no rows are 0. */
export function checksumOf(rows: readonly (readonly Value[])[]): string {
  if (rows.length === 0) return `0x${"0".repeat(DIGITS)}`;
  const hash = createHash("sha256").update(JSON.stringify(rows)).digest("hex");
  return `0x${hash.slice(0, DIGITS).toUpperCase()}`;
}

const DIGITS = 16;

interface ChecksumRow {
  readonly name: string;
  readonly checksum: string;
  readonly version: number;
  readonly epoch: number;
}

/** In the order of their names, as ProxySQL has them. */
const LISTED: Readonly<Record<string, Layers | undefined>> = {
  admin_variables: undefined,
  mysql_query_rules: ruleLayers,
  mysql_servers: serverLayers,
  mysql_users: userLayers,
  mysql_variables: variableLayers,
  proxysql_servers: undefined,
};

async function checksumRows({ view }: Source): Promise<ChecksumRow[]> {
  const { number, atMs } = view.running.live?.current ?? { number: 1, atMs: 0 };
  // Passwords count, for whoever asks; no hash of one can be got from it.
  const source = makeSource(view, { showsSecrets: true });
  return await Promise.all(
    Object.entries(LISTED).map(async ([name, layers]) => ({
      name,
      checksum: checksumOf(await layers?.runtime.read(source) ?? []),
      version: number,
      epoch: Math.floor(atMs / 1000),
    })),
  );
}

/** One row a part of the configuration. */
export const checksumsTable: Table = table<ChecksumRow>("runtime_checksums_values", {
  doc: "Whether two proxies have the same in force: of each part of the configuration a checksum.",
  rows: checksumRows,
  columns: {
    name: ["TEXT", "The part; `admin_variables` and `proxysql_servers` are always 0.", (
      { name },
    ) => name],
    version: ["INTEGER", "The revision in force.", ({ version }) => version],
    epoch: ["INTEGER", "When it was put in force, in seconds since 1970.", ({ epoch }) => epoch],
    checksum: ["TEXT", "`0x` and 16 digits, as CHECKSUM gives it.", ({ checksum }) => checksum],
  },
});
