// Reading values out of rows, and asking what not every server answers.

import type { ServerAddress } from "../../config/mod.ts";
import { isDenied, isUnknown } from "../failure.ts";
import type { ProbeSession, Row } from "../flavor.ts";

/** A value as text; empty for NULL and for columns that are not there. */
export function text(row: Row | undefined, name: string): string {
  const value = row?.[name];
  return value === null || value === undefined ? "" : String(value);
}

/** A value as a number; undefined for NULL, for columns that are not there and for other text. */
export function numeric(row: Row | undefined, name: string): number | undefined {
  const value = text(row, name);
  return value !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

/** A value that means yes: 1, ON, YES, TRUE, or their like with a reason behind. */
export function isOn(row: Row | undefined, name: string): boolean {
  return /^(?:1|on|yes|true|enabled)/i.test(text(row, name));
}

/** Seconds since 1970 with a fraction as milliseconds; undefined for none and for zero. */
export function epochMs(row: Row | undefined, name: string): number | undefined {
  const seconds = numeric(row, name);
  return seconds === undefined || seconds <= 0 ? undefined : seconds * 1000;
}

/** `{ name: value }` where there is a value, else nothing: for fields that may be absent. */
export function optional<N extends string, T>(name: N, value: T | undefined): { [K in N]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: T };
}

/** An address from a host and a port; undefined where one of them is missing. */
export function addressOf(host: string, port: number | undefined): ServerAddress | undefined {
  return host === "" || port === undefined || port < 1 || port > 65535
    ? undefined
    : { kind: "tcp", host, port };
}

/** Reads `10.0.0.1:3306`, `[::1]:3306`; undefined for other text. */
export function hostAndPort(written: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(written) ??
    [];
  const host = bracketed ?? plain;
  return host === undefined ? undefined : { host, port: Number(port) };
}

/** A statement that not every server knows or lets the proxy's account run. */
export interface OptionalQuery {
  readonly sql: string;
  /** What is not seen without it; told once as a gap. */
  readonly gap: string;
}

/** How many more times a statement that was refused is left out before it is tried again. */
const REST = 60;

/** What is kept of a statement that was refused. */
interface Refused {
  readonly gap: string | undefined;
  rest: number;
}

/**
 * Asks; undefined where the server does not know the statement or the account lacks the right. Then
 * it is left out for a while, as it would fail again.
 *
 * @param gaps Gets the gap where a right is what is missing.
 */
export async function tryQuery(
  session: ProbeSession,
  { sql, gap }: OptionalQuery,
  gaps: string[] = [],
): Promise<readonly Row[] | undefined> {
  const before = session.memory.get(sql) as Refused | undefined;
  if (before !== undefined && before.rest-- > 0) {
    if (before.gap !== undefined) gaps.push(before.gap);
    return undefined;
  }
  try {
    const rows = await session.query(sql);
    session.memory.delete(sql);
    return rows;
  } catch (error) {
    const denied = isDenied(error);
    if (!denied && !isUnknown(error)) throw error;
    const told = denied ? `${gap}: ${(error as Error).message}` : undefined;
    const refused: Refused = { gap: told, rest: REST };
    session.memory.set(sql, refused);
    if (told !== undefined) gaps.push(told);
    return undefined;
  }
}
