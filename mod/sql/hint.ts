// Hints: what a statement's first comment says about where it is to go.

/** Where a statement is to go. */
export interface Hint {
  readonly target?: "primary" | "replica";
  /** A server by its name, `host:port`. */
  readonly server?: string;
  readonly consistency?: Consistency;
  /** How long a replica is waited for, in milliseconds. */
  readonly timeoutMs?: number;
  /** What could not be understood, for EXPLAIN ROUTE; the rest counts all the same. */
  readonly unknown?: string;
}

/** How new the data must be that a read sees; docs/consistency.md says what each one promises. */
export type Consistency = "eventual" | "session" | "instance" | "global";

/** From the weakest to the strongest. */
export const CONSISTENCIES: readonly Consistency[] = ["eventual", "session", "instance", "global"];

/** The forms of hints that count. */
export interface HintForms {
  /** The proxy's own. @default {true} */
  readonly own?: boolean;
  /** `hostgroup=N`: these hostgroups are the primary's, all others the replicas'. */
  readonly primaryHostgroups?: readonly number[];
  /** `maxscale route to master`. */
  readonly maxscale?: boolean;
}

/** No hint is longer, in bytes. */
const HINT_MAX = 1024;
const OPEN = 0x28;
const FORCE = /^[/*+\s]*FORCE_(MASTER|PRIMARY|SLAVE|REPLICA)[\s*/]*$/i;
const OWN = /\bmysqlproxy\s*\(((?:[^()'"]|'[^']*'|"[^"]*")*)\)/i;
const OWN_PART = /\s*([a-z_]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^\s,'"]+))\s*(?:,|$)/iy;
const HOSTGROUP = /\bhostgroup\s*=\s*(\d+)/i;
const MAXSCALE = /\bmaxscale\s+route\s+to\s+(?:(master|slave|last)|server\s+([\w.:\[\]-]+))/i;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/**
 * Reads the comment at `start` to `end`, its marks included. Most comments are none of ours: they are
 * told by one look at their first bytes and, in comments with parentheses, one search.
 */
export function readHint(
  bytes: Uint8Array,
  start: number,
  end: number,
  forms: HintForms = {},
): Hint | undefined {
  if (end - start > HINT_MAX) return undefined;
  const isOther = forms.maxscale === true || forms.primaryHostgroups !== undefined;
  const mayBe = forms.own !== false && mayBeOwn(bytes, start, end);
  if (!isOther && !mayBe) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  if (!mayBe) return readOther(text, forms);
  const force = FORCE.exec(text)?.[1]?.toUpperCase();
  if (force !== undefined && text.startsWith("/")) {
    return { target: force === "MASTER" || force === "PRIMARY" ? "primary" : "replica" };
  }
  const own = OWN.exec(text)?.[1];
  if (own !== undefined) return readOwn(own);
  return readOther(text, forms);
}

/** Whether it starts with FORCE_ behind blanks, or has an open parenthesis. */
function mayBeOwn(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === OPEN) return true;
    const isBlank = byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
    if (isBlank || byte === 0x2f || byte === 0x2a || byte === 0x2b) continue;
    if ((byte | 0x20) === 0x66 && at + 1 < end && (bytes[at + 1] | 0x20) === 0x6f) return true;
    break;
  }
  const open = bytes.indexOf(OPEN, start);
  return open >= 0 && open < end;
}

function readOwn(text: string): Hint {
  const hint: { -readonly [key in keyof Hint]: Hint[key] } = {};
  OWN_PART.lastIndex = 0;
  let at = 0;
  while (at < text.length && text.slice(at).trim() !== "") {
    OWN_PART.lastIndex = at;
    const part = OWN_PART.exec(text);
    if (part === null) {
      hint.unknown ??= text.slice(at).trim();
      break;
    }
    at = OWN_PART.lastIndex;
    const value = part[2] ?? part[3] ?? part[4];
    if (!readPart(hint, part[1].toLowerCase(), value)) hint.unknown ??= `${part[1]}=${value}`;
  }
  return hint;
}

function readPart(
  hint: { -readonly [key in keyof Hint]: Hint[key] },
  name: string,
  value: string,
): boolean {
  const word = value.toLowerCase();
  switch (name) {
    case "target":
      if (word === "primary" || word === "master") hint.target = "primary";
      else if (word === "replica" || word === "slave") hint.target = "replica";
      else return false;
      return true;
    case "server":
      hint.server = value;
      return value !== "";
    case "consistency": {
      const level = CONSISTENCIES.find((each) => each === word);
      if (level !== undefined) hint.consistency = level;
      return level !== undefined;
    }
    case "timeout": {
      const [, number, unit] = DURATION.exec(word) ?? [];
      if (unit === undefined) return false;
      hint.timeoutMs = Number(number) * UNIT_MS[unit];
      return true;
    }
    default:
      return false;
  }
}

function readOther(text: string, forms: HintForms): Hint | undefined {
  const hostgroup = forms.primaryHostgroups && HOSTGROUP.exec(text)?.[1];
  if (hostgroup !== undefined) {
    const isPrimary = forms.primaryHostgroups!.includes(Number(hostgroup));
    return { target: isPrimary ? "primary" : "replica" };
  }
  const [found, role, server] = (forms.maxscale === true && MAXSCALE.exec(text)) || [];
  if (found === undefined) return undefined;
  if (server !== undefined) return { server };
  if (role!.toLowerCase() === "last") return { unknown: found };
  return { target: role!.toLowerCase() === "master" ? "primary" : "replica" };
}
