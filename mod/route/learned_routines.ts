// What information_schema tells of stored functions and views: which of them a replica may run.
// Control plane: read now and then by the proxy's own account.

import { type KnownObject, KnownRoutines, type LexicalMode, readFacts } from "../sql/mod.ts";

/** A row of `ROUTINES_QUERY`. */
export interface RoutineRow {
  readonly schema: string;
  readonly name: string;
  /** SQL_DATA_ACCESS. */
  readonly access: string;
  /** Null where the account may not see it. */
  readonly definition: string | null;
}

/** A row of `VIEWS_QUERY`. */
export interface ViewRow {
  readonly schema: string;
  readonly name: string;
  /** Null or empty where the account may not see it. */
  readonly definition: string | null;
}

/** All stored functions. */
export const ROUTINES_QUERY: string =
  "SELECT routine_schema AS `schema`, routine_name AS name, sql_data_access AS access, " +
  "routine_definition AS definition FROM information_schema.routines " +
  "WHERE routine_type = 'FUNCTION'";

/** All views but those of the server's own. */
export const VIEWS_QUERY: string =
  "SELECT table_schema AS `schema`, table_name AS name, view_definition AS definition " +
  "FROM information_schema.views WHERE table_schema NOT IN " +
  "('mysql', 'sys', 'information_schema', 'performance_schema')";

/** Words of a body that does more than read; nothing checks what a function has been declared as. */
const DOES_MORE =
  /\b(?:insert|update|delete|replace|truncate|call|create|alter|drop|lock|get_lock|release_lock|release_all_locks|nextval|setval|lastval|next\s+value|previous\s+value|into\s+(?:out|dump)file|set\s+(?:global|session|persist|@)|last_insert_id|connection_id|load_file|prepare|execute|handler|sleep|signal)\b|@|:=/i;
const READS_ONLY = new Set(["NO SQL", "READS SQL DATA"]);
const MODE: LexicalMode = { noBackslashEscapes: false };

/**
 * What may be called and read on replicas. A function may that is declared to read only and in whose
 * body nothing says otherwise; a view may whose definition is a replica read.
 */
export function learnRoutines(
  routines: readonly RoutineRow[],
  views: readonly ViewRow[],
): KnownRoutines {
  const declared = routines.map((row) => ({ ...row, harmless: mayBeHarmless(row) }));
  const functions = withoutHarmfulCalls(declared);
  const withFunctions = new KnownRoutines(functions);
  return new KnownRoutines(
    functions,
    harmlessViews(views, (definition) => isReplicaRead(definition, withFunctions)),
  );
}

function mayBeHarmless({ access, definition }: RoutineRow): boolean {
  return READS_ONLY.has(access.toUpperCase()) && definition !== null &&
    !DOES_MORE.test(definition);
}

/** A function that calls one that is not harmless is none either. */
function withoutHarmfulCalls(
  rows: readonly (RoutineRow & { readonly harmless: boolean })[],
): readonly KnownObject[] {
  let known = rows;
  for (;;) {
    const harmful = known.filter(({ harmless }) => !harmless).map(({ name }) => name.toLowerCase());
    const next = known.map((row) => ({
      ...row,
      harmless: row.harmless && !mentions(row.definition ?? "", harmful),
    }));
    if (next.every(({ harmless }, at) => harmless === known[at].harmless)) return next;
    known = next;
  }
}

/** A view that reads from one that is not harmless is none either. */
function harmlessViews(
  views: readonly ViewRow[],
  isRead: (definition: string) => boolean,
): readonly KnownObject[] {
  let known = views.map((view) => ({
    ...view,
    harmless: view.definition !== null && view.definition !== "" && isRead(view.definition),
  }));
  for (;;) {
    const harmful = known.filter(({ harmless }) => !harmless).map(({ name }) => name.toLowerCase());
    const next = known.map((view) => ({
      ...view,
      harmless: view.harmless && !mentions(view.definition ?? "", harmful),
    }));
    if (next.every(({ harmless }, at) => harmless === known[at].harmless)) return next;
    known = next;
  }
}

function isReplicaRead(definition: string, known: KnownRoutines): boolean {
  const bytes = Buffer.from(definition);
  const facts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
  readFacts(bytes, { start: 0, end: bytes.length }, { mode: MODE, known }, facts);
  return facts.bars === 0;
}

function mentions(text: string, names: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return names.some((name) => lower.includes(name));
}
