// What people have said about single servers: drained, weighted. Desired state, kept apart from what
// is observed.

/** What was said about one server. */
export interface ServerOrder {
  /** It is to get no new work. */
  readonly draining: boolean;
  /** Its weight instead of the configured one; absent: the configured one. */
  readonly weight?: number;
}

/** What was said, by the name of the server. */
export type Orders = Readonly<Record<string, ServerOrder>>;

/** Nothing was said. */
export const NO_ORDER: ServerOrder = { draining: false };

/** Orders with one server's changed; an order that says nothing is left out. */
export function withOrder(
  orders: Orders,
  server: string,
  change: Partial<ServerOrder>,
): Orders {
  const order = { ...NO_ORDER, ...orders[server], ...change };
  const { [server]: _before, ...others } = orders;
  return order.draining || order.weight !== undefined ? { ...others, [server]: order } : others;
}
