// The statements about the cluster as text: SHOW CLUSTER, RW, RO, EVENTS and TOPOLOGY, DRAIN SERVER,
// ENABLE SERVER, SET SERVER; and SWITCHOVER TO, which the admin port alone knows.

/** What SHOW can show. */
export type Shown = "cluster" | "rw" | "ro" | "events" | "topology";

/** A statement about the cluster: a plain value. */
export type ClusterStatement =
  | {
    readonly kind: "show";
    readonly what: Shown;
    /** The pattern, as it stands between its quotes. */
    readonly like: string | undefined;
    readonly where: string | undefined;
  }
  | { readonly kind: "drain" | "enable"; readonly server: string }
  | { readonly kind: "weight"; readonly server: string; readonly weight: number };

/** SWITCHOVER TO: moves the primary's role. */
export interface SwitchoverOrder {
  /** As it was written. */
  readonly server: string;
  /** It is looked whether it could be done, and nothing is changed. */
  readonly dryRun: boolean;
}

const SHOW =
  /^show\s+(cluster\s+events|cluster|rw|ro|events|topology)(?:\s+like\s+'((?:[^'\\]|''|\\.)*)')?(?:\s+where\s+(.+))?$/is;
const ORDER = /^(drain|enable)\s+server\s+(?:'([^']+)'|"([^"]+)"|(\S+))$/i;
const WEIGHT = /^set\s+server\s+(?:'([^']+)'|"([^"]+)"|(\S+))\s+weight\s*=?\s*(\d+)$/i;

/**
 * Reads a statement about the cluster; undefined where it is none.
 *
 * @param text One statement; comments and a `;` at its end are ignored.
 */
export function parseClusterStatement(text: string): ClusterStatement | undefined {
  const statement = text.replace(/\/\*.*?\*\//gs, " ").trim().replace(/;$/, "").trim();
  const [, what, like, where] = SHOW.exec(statement) ?? [];
  if (what !== undefined) {
    const shown = what.toLowerCase().replace(/^cluster\s+/, "") as Shown;
    return { kind: "show", what: shown, like, where };
  }
  const [, verb, ...names] = ORDER.exec(statement) ?? [];
  if (verb !== undefined) {
    const kind = verb.toLowerCase() as "drain" | "enable";
    return { kind, server: written(names) };
  }
  const [, ...parts] = WEIGHT.exec(statement) ?? [];
  if (parts.length === 0) return undefined;
  return { kind: "weight", server: written(parts.slice(0, 3)), weight: Number(parts[3]) };
}

const SWITCHOVER = /^switchover\s+to\s+(?:'([^']+)'|"([^"]+)"|(\S+))(\s+dry\s+run)?$/i;

/** Reads SWITCHOVER TO; undefined where a statement is about something else. */
export function parseSwitchover(text: string): SwitchoverOrder | undefined {
  const [all, ...parts] = SWITCHOVER.exec(text) ?? [];
  if (all === undefined) return undefined;
  return { server: written(parts.slice(0, 3)), dryRun: parts[3] !== undefined };
}

/** The name that was written, in whichever quotes. */
function written(names: readonly (string | undefined)[]): string {
  return names.find((name) => name !== undefined) ?? "";
}
