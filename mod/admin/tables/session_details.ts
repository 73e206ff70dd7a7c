// What a session carries from one server connection to the next, beside what it is doing, which
// `frontends` has.

import type { SessionDetails, SharedDetails } from "../../session/mod.ts";
import { type ColumnOf, table } from "../table.ts";

type Column = ColumnOf<SessionDetails>;

/** A column of what is known of sessions that share connections. */
function ofShared(
  type: Column[0],
  doc: string,
  value: (shared: SharedDetails) => ReturnType<Column[2]>,
): Column {
  return [type, doc, ({ shared }) => shared === undefined ? null : value(shared)];
}

/** NULL in place of nothing. */
const given = (text: string) => text === "" ? null : text;

/** One row a session that is logged in. */
export const sessionsTable = table<SessionDetails>("sessions", {
  doc:
    "What sessions carry with them: what each has set, prepared and begun, and what it waits to " +
    "find again on whichever server connection it gets next. `frontends` has what they are doing; " +
    "`id` joins the two. With session pooling the server knows what a session has set, the proxy " +
    "does not: all but the first three columns are NULL then.",
  rows: async ({ details }) => (await details()).flatMap(({ sessions }) => sessions),
  columns: {
    id: ["INTEGER", "As in `frontends`.", ({ id }) => id],
    user: ["TEXT", "The account's name.", ({ user }) => user],
    shares: [
      "INTEGER",
      "1 if it takes turns on shared connections; 0: it has one of its own.",
      ({ shared }) => shared !== undefined,
    ],
    home: ofShared("TEXT", "The server that gets all that is not routed elsewhere.", (
      { home },
    ) => home),
    last: ofShared(
      "TEXT",
      "Where what its last statement has left may still lie, as `server thread`: warnings, " +
        "LAST_INSERT_ID(), user variables. It is read there before the next statement runs elsewhere. " +
        "NULL: nowhere.",
      ({ last }) => last === null ? null : `${last.server} ${last.thread}`,
    ),
    db: ofShared("TEXT", "The default schema. NULL: none.", ({ schema }) => given(schema)),
    transaction: [
      "TEXT",
      "`open`, or `read only` for one that a replica has. NULL: none.",
      ({ inTransaction, shared }) =>
        shared?.readOnlyAt ? "read only" : inTransaction ? "open" : null,
    ],
    not_replayable: ofShared(
      "TEXT",
      "Why its open transaction could not be run again if its server were lost. NULL: it could, or " +
        "there is none, or `failover.replay` is off.",
      ({ notReplayable }) => notReplayable,
    ),
    autocommit: ofShared("INTEGER", "1 while autocommit is on.", ({ autocommit }) => autocommit),
    isolation: ofShared("TEXT", "The isolation of its transactions.", ({ isolation }) => isolation),
    charset: ofShared("TEXT", "character_set_client.", ({ charsets }) => charsets.client),
    settings_count: ofShared(
      "INTEGER",
      "System variables that differ from a new session's.",
      ({ settingsCount }) => settingsCount,
    ),
    settings: ofShared(
      "TEXT",
      "These, as `name=value` with commas; `?`: changed, and the value was not asked for yet. NULL: " +
        "none.",
      ({ settings }) => given(settings),
    ),
    user_variables: ofShared(
      "INTEGER",
      "User variables that it has set.",
      ({ userVariables }) => userVariables,
    ),
    prepared: ofShared("INTEGER", "Prepared statements.", ({ prepared }) => prepared),
    pins: ofShared(
      "TEXT",
      "What of it cannot be carried over, so that it keeps its connection, with commas. NULL: nothing.",
      ({ pins }) => given(pins.join(", ")),
    ),
    consistency: ofShared(
      "TEXT",
      "How new the data of its reads must be. NULL: reads are not split.",
      ({ consistency }) => consistency,
    ),
    position: ofShared(
      "TEXT",
      "What a replica must have for its reads at `session`, as `@@mysqlproxy.position` gives it. NULL: " +
        "it has written nothing, or reads are not split.",
      ({ position }) => position === null ? null : given(position),
    ),
  },
});
