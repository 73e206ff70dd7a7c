// How long after one look at a server the next one comes. Pure.

import type { MonitorSettings } from "./settings.ts";

/** Looks take this part longer or shorter, so that those of many proxies spread. */
const JITTER = 0.1;
/** After a change, what is still wrong is looked at quickly for this long. */
const QUICK_FOR_MS = 30_000;
/** While no primary answers, looks are this part of the quick ones apart: clients wait for one. */
const URGENT_PART = 5;
/** For this long, in milliseconds: clients do not wait for longer, unless they are told to. */
const URGENT_FOR_MS = 30_000;
/** All servers together get no more than one urgent look in this time, in milliseconds. */
const URGENT_MS_MIN = 5;

/** What the pace hangs on. */
export interface Situation {
  /** All servers that are known were asked once. */
  readonly isKnown: boolean;
  readonly hasPrimary: boolean;
  /** The primary is waited for in vain. */
  readonly isSilent: boolean;
  /** It hands its role over: by the proxy's doing, or by its own word. */
  readonly isTransferring: boolean;
  /** Some server is not as it should be. */
  readonly isTroubled: boolean;
  /** Since the last change, in milliseconds. */
  readonly changedForMs: number;
  /** Servers that are watched. */
  readonly servers: number;
  /** The server to be looked at says that it hands over not longer before, in milliseconds. */
  readonly announcedMs?: number | undefined;
}

/** Whether servers are looked at more often than usually. */
export function isQuick(situation: Situation): boolean {
  const { hasPrimary, isSilent, isTransferring, isTroubled, changedForMs } = situation;
  if (!hasPrimary || isSilent || isTransferring) return true;
  return isTroubled && changedForMs <= QUICK_FOR_MS;
}

/** From the start of a look to the start of the next one, in milliseconds. @param random 0 up to 1. */
export function lookDelayMs(
  situation: Situation,
  { intervalMs, quickIntervalMs }: Pick<MonitorSettings, "intervalMs" | "quickIntervalMs">,
  random: number,
): number {
  let base = isQuick(situation) ? Math.min(quickIntervalMs, intervalMs) : intervalMs;
  const {
    isKnown,
    hasPrimary,
    isSilent,
    isTransferring,
    changedForMs,
    servers,
    announcedMs = Infinity,
  } = situation;
  if (isSilent || isTransferring || (isKnown && !hasPrimary && changedForMs <= URGENT_FOR_MS)) {
    base = Math.min(base, Math.max(quickIntervalMs / URGENT_PART, URGENT_MS_MIN * servers));
  }
  base = Math.min(base, announcedMs);
  return base * (1 - JITTER + 2 * JITTER * random);
}
