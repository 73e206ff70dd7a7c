// EXPLAIN ROUTE and SHOW ROUTES on the admin port: for a session that has set and written nothing yet.

import type { Running } from "../proxy/mod.ts";
import { routesResult, routeStatement } from "../route/mod.ts";
import type { SqlError, TextResult } from "../wire/mod.ts";

const MODE = { noBackslashEscapes: false, ansiQuotes: false };

/** Answers a statement about routes; undefined for all others. @param text With its comments. */
export async function answerAboutRoutes(
  text: string,
  running: Running,
): Promise<TextResult | SqlError | undefined> {
  const bytes = Buffer.from(text);
  const about = routeStatement(bytes, { start: 0, end: bytes.length }, MODE);
  if (about === undefined) return undefined;
  if (about.kind === "show") return routesResult(await running.routes());
  const rows = await running.explainRoute(bytes.toString("utf8", about.start));
  return rows === undefined ? NOT_ROUTED : { columns: ["Property", "Value"], rows };
}

const NOT_ROUTED: SqlError = {
  code: 1235,
  sqlState: "42000",
  message: "Nothing is routed: that takes route.split, pool.mode = transaction and an account",
};
