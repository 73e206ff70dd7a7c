// From edited rows of mysql_query_rules to `[[rule]]`, or to why it cannot be so. Rules are told from each
// other by their order; one that stays in its place keeps its comments.

import { isDeepStrictEqual } from "node:util";
import {
  type Config,
  type ConfigEdit,
  formatNetwork,
  type Rule,
  type TomlValue,
} from "../../config/mod.ts";
import type { TableRow } from "../table.ts";
import { type FixedColumns, fixedReasons, type Plan } from "./edits.ts";
import { hostgroupsOf } from "./hostgroups.ts";

const NOT_HERE = "rules choose a server, and nothing else";
const COLUMNS: FixedColumns = {
  active: [1, "a rule is there or not: set it to 1, or delete the row"],
  apply: [1, "the first rule that fits counts, so apply must be 1"],
  flagIN: [0, "rules do not lead to each other"],
  flagOUT: ["", "rules do not lead to each other"],
  next_query_flagIN: ["", "rules do not lead to each other"],
  proxy_addr: ["", "a rule counts wherever clients are accepted"],
  proxy_port: ["", "a rule counts wherever clients are accepted"],
  digest: ["", "match_digest takes the digest's text"],
  negate_match_pattern: [0, "the pattern has to say it: (?!…)"],
  re_modifiers: ["CASELESS", "patterns are in any case"],
  replace_pattern: ["", "statements are never changed"],
  cache_ttl: ["", "results are not kept"],
  cache_empty_result: ["", "results are not kept"],
  cache_timeout: ["", "results are not kept"],
  reconnect: ["", NOT_HERE],
  timeout: ["", "SET max_execution_time is the client's"],
  retries: ["", "[failover] says what is tried again"],
  delay: ["", NOT_HERE],
  mirror_flagOUT: ["", "statements run once"],
  mirror_hostgroup: ["", "statements run once"],
  error_msg: ["", NOT_HERE],
  OK_msg: ["", NOT_HERE],
  sticky_conn: ["", "pool.mode decides for all"],
  multiplex: ["", "pool.mode decides for all"],
  gtid_from_hostgroup: ["", "consistency is in attributes"],
};

/** What `log` says. */
const AUDIT = new Map<string, Rule["audit"]>([["", "default"], ["1", "always"], ["0", "never"]]);

/** The keys of a rule as the file has them; those at their default are not there. */
type RuleKeys = Readonly<Record<string, TomlValue | undefined>>;

/** Rules: `[[rule]]`. */
export function planRules(rows: readonly TableRow[], config: Config): Plan {
  const reasons: string[] = [];
  const ordered = [...rows].sort((a, b) => Number(a["rule_id"]) - Number(b["rule_id"]));
  const wanted = ordered.map((row) => keysOfRow(row, config, reasons));
  const known = config.rules.map(keysOfRule);
  const edits: ConfigEdit[] = [];
  for (const [at, keys] of wanted.entries()) {
    const before = known[at];
    if (before === undefined) {
      edits.push({ kind: "put", section: "rule", fits: () => false, values: keys, fresh: {} });
      continue;
    }
    const names = new Set([...Object.keys(before), ...Object.keys(keys)]);
    const changed = [...names].filter((name) => !isDeepStrictEqual(before[name], keys[name]));
    if (changed.length === 0) continue;
    const values = Object.fromEntries(changed.map((name) => [name, keys[name]]));
    edits.push({
      kind: "put",
      section: "rule",
      fits: (_, index) => index === at,
      values,
      fresh: {},
    });
  }
  for (let at = known.length - 1; at >= wanted.length; at--) {
    edits.push({ kind: "remove", section: "rule", fits: (_, index) => index === at });
  }
  return { edits, reasons };
}

function keysOfRule(rule: Rule): RuleKeys {
  return keysOf({ ...rule, clients: rule.clients.map(formatNetwork) });
}

function keysOf(
  { clients, tags, target, consistency, audit, ...texts }: Omit<Rule, "clients"> & {
    readonly clients: readonly string[];
  },
): RuleKeys {
  return Object.fromEntries(
    Object.entries({
      ...texts,
      clients: clients.length > 0 ? clients : "",
      tags: tags.length > 0 ? tags : "",
      target: target === "any" ? "" : target,
      consistency: consistency === "default" ? "" : consistency,
      audit: audit === "default" ? "" : audit,
    }).filter(([, value]) => value !== ""),
  );
}

/** @param reasons Why the row cannot be so is put there. */
function keysOfRow(row: TableRow, config: Config, reasons: string[]): RuleKeys {
  const what = `mysql_query_rules: ${row["rule_id"]}`;
  reasons.push(...fixedReasons(row, what, COLUMNS));
  const text = (name: string) => String(row[name] ?? "");
  const digest = text("match_digest");
  if (/[\^$\\]|\.[*+]|\[/.test(digest)) {
    reasons.push(
      `${what}: match_digest is the text of a digest here, as in SELECT a FROM t WHERE id = ?; ` +
        "a pattern goes into match_pattern",
    );
  }
  const { writer, reader } = hostgroupsOf(config);
  const targets = new Map([["", "any"], [String(writer), "primary"], [String(reader), "replica"]]);
  const target = targets.get(text("destination_hostgroup"));
  if (target === undefined) {
    reasons.push(
      `${what}: there is no hostgroup ${row["destination_hostgroup"]}, only ${writer} for the ` +
        `primary and ${reader} for replicas`,
    );
  }
  const audit = AUDIT.get(text("log"));
  if (audit === undefined) reasons.push(`${what}: log must be 1, 0 or NULL`);
  const attributes = attributesOf(text("attributes"));
  if (attributes === undefined) {
    reasons.push(`${what}: attributes must be empty or {"tags":["..."],"consistency":"..."}`);
  }
  return keysOf({
    name: text("comment"),
    user: text("username"),
    schema: text("schemaname"),
    clients: text("client_addr").split(",").map((each) => each.trim()).filter((each) =>
      each !== ""
    ),
    digest,
    statement: text("match_pattern"),
    target: (target ?? "any") as Rule["target"],
    tags: attributes?.tags ?? [],
    consistency: attributes?.consistency ?? "default",
    audit: audit ?? "default",
  });
}

/** Undefined: it is something else. Whether the values are right is the schema's to say. */
function attributesOf(
  text: string,
): Partial<Pick<Rule, "tags" | "consistency">> | undefined {
  if (text === "") return {};
  try {
    const { tags, consistency, ...others } = JSON.parse(text) as Record<string, unknown>;
    const areTexts = tags === undefined ||
      (Array.isArray(tags) && tags.every((tag) => typeof tag === "string"));
    const isText = consistency === undefined || typeof consistency === "string";
    if (!areTexts || !isText || Object.keys(others).length > 0) return undefined;
    return {
      tags: (tags ?? []) as string[],
      consistency: (consistency ?? "default") as Rule["consistency"],
    };
  } catch {
    return undefined;
  }
}
