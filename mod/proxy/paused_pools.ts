// Which pools are paused, for workers that start anew.

import type { PoolOrder } from "../backend/mod.ts";

/** What is paused behind an order; RESUME for all takes back what was said of single accounts. */
export function pausedAfter(before: readonly PoolOrder[], order: PoolOrder): readonly PoolOrder[] {
  if (order.kind === "reconnect") return before;
  const others = order.account === undefined
    ? []
    : before.filter(({ account }) => account !== order.account);
  return order.kind === "pause" || others.some(({ account }) => account === undefined)
    ? [...others, order]
    : others;
}
