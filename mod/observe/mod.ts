// What the proxy tells of itself: events and counters.

export * from "./counters.ts";
export * from "./log.ts";
