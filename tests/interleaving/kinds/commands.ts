// Commands that are no statements, and how sessions come and go.

import type { Scribe } from "../scribe.ts";
import { pickCollation, pickFlags } from "../sessions.ts";
import { Topic } from "./kind.ts";

const topic = new Topic("command")
  .add("COM_PING", (scribe) => scribe.do({ command: "ping" }), { weight: 2 })
  .add("COM_INIT_DB", (scribe) => {
    const database = scribe.random.pick(["{db2}", "{db}", "{db}", "nowhere"]);
    scribe.do({ command: "init_db", database });
    scribe.sql("SELECT DATABASE()");
  }, { weight: 3 })
  .add("COM_FIELD_LIST", (scribe) => {
    const table = scribe.fill(scribe.random.pick(["T1", "T3", "common", "no_such_table"]));
    scribe.do({ command: "field_list", table, wildcard: scribe.random.pick(["", "%", "i%"]) });
  })
  .add("COM_SET_OPTION", (scribe) => {
    const option = scribe.random.pick([0, 1, 1, 2]);
    scribe.do({ command: "set_option", option });
    scribe.text("SELECT 1; SELECT 2");
  }, { weight: 2 })
  .add("COM_RESET_CONNECTION", (scribe) => {
    scribe.do({ command: "reset_connection" });
    scribe.handles.length = 0;
    lookAround(scribe);
  }, { weight: 3 })
  .add("COM_RESET_CONNECTION and a statement from before", (scribe) => {
    const handle = scribe.prepare("SELECT 1");
    scribe.do({ command: "reset_connection" });
    scribe.execute(handle);
    scribe.handles.length = 0;
  })
  .add("COM_CHANGE_USER", (scribe) => {
    const { random } = scribe;
    // A refusal takes MariaDB a second: there are few.
    const refused = random.oneIn(60);
    const account = random.oneIn(3) ? "second" : "first";
    scribe.do({
      command: "change_user",
      account,
      database: refused
        ? "nowhere"
        : account === "second"
        ? "{db}"
        : random.pick(["{db}", "{db2}", ""]),
      collation: pickCollation(random, scribe.server),
    });
    scribe.handles.length = 0;
    lookAround(scribe);
  }, { weight: 3 })
  .add("query attributes", (scribe) => {
    scribe.do({ command: "query", sql: "SELECT 'with attributes'", attributes: 2 });
  })
  .add("KILL QUERY of itself", (scribe) => scribe.text("KILL QUERY {id}"))
  .add("KILL of itself", (scribe) => scribe.text("KILL {id}"))
  .add("leaves and comes back", (scribe) => {
    const { random } = scribe;
    scribe.do({ command: "leave", how: random.oneIn(2) ? "abort" : "quit" });
    enter(scribe);
    lookAround(scribe);
  }, { weight: 3 })
  .add("leaves in a transaction and comes back", (scribe) => {
    scribe.text("BEGIN");
    scribe.text("INSERT INTO T3 (n) VALUES (NUM)");
    scribe.do({ command: "leave", how: scribe.random.oneIn(2) ? "abort" : "quit" });
    enter(scribe);
    scribe.text("SELECT COUNT(*) FROM T1");
  }, { weight: 2 })
  .add("leaves with a temporary table and locks, and comes back", (scribe) => {
    scribe.text("CREATE TEMPORARY TABLE made_ME (id INT)");
    scribe.text("SELECT GET_LOCK('{lane}-ME-1', 5)");
    scribe.text("LOCK TABLES T3 WRITE");
    scribe.do({ command: "leave", how: scribe.random.oneIn(2) ? "abort" : "quit" });
    enter(scribe);
    scribe.text("SELECT * FROM made_ME");
    scribe.text("SELECT GET_LOCK('{lane}-ME-1', 5), RELEASE_ALL_LOCKS()");
    scribe.text("INSERT INTO T3 (n) VALUES (1)");
  }, { weight: 2 });

/** Comes again, as somebody new. */
function enter(scribe: Scribe): void {
  const { random, server } = scribe;
  scribe.handles.length = 0;
  scribe.do({
    command: "enter",
    account: random.oneIn(8) ? "second" : "first",
    database: random.oneIn(8) ? "" : "{db}",
    collation: pickCollation(random, server),
    flags: pickFlags(random, server),
  });
}

const LOOKS = [
  "SELECT @v1, @v2, @label, DATABASE(), CURRENT_USER()",
  "SELECT @@sql_mode, @@time_zone, @@autocommit, @@collation_connection, @@sql_select_limit",
  "SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), @@warning_count",
  "SHOW WARNINGS",
  "SELECT CURRENT_ROLE(), @@lc_time_names, @@group_concat_max_len, @@foreign_key_checks",
];

/** Looks at what there is of a session's state. */
export function lookAround(scribe: Scribe): void {
  scribe.text(scribe.random.pick(LOOKS));
}

topic.add("a look around", lookAround, { weight: 4 });

/** The kinds. */
export const COMMANDS = topic.kinds;
