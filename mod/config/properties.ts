// The configuration in force as rows of name and value, for SHOW PROPERTIES and the log.

import type { Config, Rule } from "./config.ts";
import { allKeys, camelCase, fieldName } from "./keys.ts";
import type { KeyDescription } from "./keys.ts";
import { formatAddress } from "./address.ts";
import { formatValue } from "./kinds.ts";
import { formatNetwork } from "./network.ts";

/** What stands in place of a password. */
const mask = "********";

/** Every key with its value as a person would write it. Passwords are masked, never shown. */
export function properties(config: Config): readonly (readonly [name: string, value: string])[] {
  const rows: (readonly [string, string])[] = [];
  for (const key of allKeys()) {
    if (key.repeated) continue;
    rows.push([key.path, formatProperty(valueOf(config, key), key)]);
  }
  for (const user of config.users) {
    rows.push(["user", `'${user.name}'@'${user.host}' ${user.plugin} ${mask}`]);
  }
  for (const { address, weight, tags } of config.servers) {
    const words = tags.length === 0 ? "" : ` tags ${tags.join(", ")}`;
    rows.push(["server", `${formatAddress(address)} weight ${weight}${words}`]);
  }
  for (const [at, rule] of config.rules.entries()) rows.push(["rule", formatRule(rule, at + 1)]);
  return rows;
}

/** A rule as `name: key value, ...`, without what is left open. */
function formatRule(rule: Rule, number: number): string {
  const { name, clients, tags, target, consistency, audit, ...rest } = rule;
  const parts = Object.entries(rest).map(([key, value]) => [key, value]);
  parts.push(["clients", clients.map(formatNetwork).join(" ")], ["tags", tags.join(" ")]);
  parts.push(["target", target === "any" ? "" : target]);
  parts.push(["consistency", consistency === "default" ? "" : consistency]);
  parts.push(["audit", audit === "default" ? "" : audit]);
  const given = parts.filter(([, value]) => value !== "").map((part) => part.join(" "));
  return `${name === "" ? number : name}: ${given.join(", ")}`;
}

function formatProperty(value: unknown, key: KeyDescription): string {
  if (value === undefined) return "";
  if (key.secret) return value === "" ? "" : mask;
  return formatValue(value, key.kind);
}

function valueOf(config: Config, key: KeyDescription): unknown {
  const fields = config as unknown as Record<string, unknown>;
  if (key.section === "") return fields[fieldName(key)];
  const section = fields[camelCase(key.section)] as Record<string, unknown> | undefined;
  return section?.[fieldName(key)];
}
