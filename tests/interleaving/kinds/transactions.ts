// Transactions: how they begin, what is in them, how they end.

import { Topic } from "./kind.ts";

const topic = new Topic("transaction")
  .add("BEGIN", ["BEGIN", "START TRANSACTION", "BEGIN WORK"], { weight: 4 })
  .add("START TRANSACTION and its variants", [
    "START TRANSACTION READ ONLY",
    "START TRANSACTION READ WRITE",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
  ], { weight: 2 })
  .add("COMMIT", ["COMMIT", "COMMIT WORK"], { weight: 5 })
  .add("ROLLBACK", ["ROLLBACK", "ROLLBACK WORK"], { weight: 4 })
  .add("COMMIT AND CHAIN", ["COMMIT AND CHAIN", "COMMIT AND NO CHAIN", "COMMIT NO RELEASE"])
  .add("ROLLBACK AND CHAIN", ["ROLLBACK AND CHAIN", "ROLLBACK AND NO CHAIN NO RELEASE"])
  .add("whole, committed", {
    all: ["BEGIN", "INSERT INTO T1 (s) VALUES (STR)", "UPDATE T1 SET f = 2", "COMMIT"],
  }, { weight: 3 })
  .add("whole, rolled back", {
    all: ["START TRANSACTION", "DELETE FROM T1", "INSERT INTO T3 (n) VALUES (NUM)", "ROLLBACK"],
  }, { weight: 3 })
  .add("rolled back, with a table without transactions", {
    all: ["BEGIN", "INSERT INTO T4 (n) VALUES (1)", "ROLLBACK", "SHOW WARNINGS"],
  })
  .add("an error inside", {
    all: ["BEGIN", "INSERT INTO T1 (id) VALUES (1)", "SELECT ROW_COUNT()", "COMMIT"],
  })
  .add("a write in a read-only one", {
    all: ["START TRANSACTION READ ONLY", "INSERT INTO T3 (n) VALUES (1)", "ROLLBACK"],
  })
  .add("a savepoint", {
    all: [
      "BEGIN",
      "SAVEPOINT one",
      "INSERT INTO T3 (n) VALUES (NUM)",
      "ROLLBACK TO SAVEPOINT one",
      "RELEASE SAVEPOINT one",
      "COMMIT",
    ],
  })
  .add("SAVEPOINT", ["SAVEPOINT one", "SAVEPOINT two"], { weight: 2 })
  .add("ROLLBACK TO", ["ROLLBACK TO one", "ROLLBACK TO SAVEPOINT two", "RELEASE SAVEPOINT one"])
  .add("an implicit commit", (scribe) => {
    scribe.text("BEGIN");
    scribe.text("INSERT INTO T3 (n) VALUES (NUM)");
    scribe.text(scribe.random.pick([
      "CREATE TABLE made_ME (id INT)",
      "ALTER TABLE T1 COMMENT = 'x'",
      "BEGIN",
      "LOCK TABLES T1 WRITE",
      "ANALYZE TABLE T4",
      "SET autocommit = 1",
      "DROP TABLE IF EXISTS made_ME",
    ]));
    scribe.text("ROLLBACK");
    scribe.text("UNLOCK TABLES");
  })
  .add("without autocommit", {
    all: ["SET autocommit = 0", "INSERT INTO T3 (n) VALUES (NUM)", "SELECT COUNT(*) FROM T3"],
  }, { weight: 2 })
  .add("without autocommit, an error first", {
    all: ["SET autocommit = 0", "INSERT INTO T1 (id) VALUES (1)", "SELECT 1", "COMMIT"],
  })
  .add("autocommit off and on", {
    all: ["SET autocommit = 0", "DELETE FROM T3", "SET autocommit = 1"],
  })
  .add("isolation of the session", [
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ ONLY",
  ], { weight: 2 })
  .add("access mode of the session", [
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION TRANSACTION READ WRITE",
  ])
  .add("isolation of the next one", (scribe) => {
    scribe.text(scribe.random.pick([
      "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
      "SET TRANSACTION READ ONLY",
      "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE",
    ]));
    if (scribe.random.oneIn(2)) scribe.text("BEGIN");
    scribe.sql("INSERT INTO T3 (n) VALUES (NUM)");
    scribe.text("COMMIT");
  }, { weight: 2 })
  .add("isolation of the next one, inside one", {
    all: ["BEGIN", "SELECT id FROM T1 ORDER BY id", "SET TRANSACTION READ ONLY", "ROLLBACK"],
  })
  .add("isolation of the next one by its variable", (scribe) => {
    const name = scribe.server === "mysql" ? "transaction_isolation" : "tx_isolation";
    scribe.text(`SET @@${name} = 'READ-COMMITTED'`);
    scribe.sql(`SELECT @@${name}`);
    scribe.text("BEGIN");
    scribe.text("COMMIT");
  })
  .add("@@in_transaction", "SELECT @@in_transaction", { on: "mariadb", weight: 2 })
  .add("a procedure that begins one", { all: ["CALL p_begin()", "COMMIT"] })
  .add("what another one sees", {
    all: ["START TRANSACTION", "SELECT who, n FROM common ORDER BY id", "COMMIT"],
  })
  .add("a snapshot over time", (scribe) => {
    scribe.text("START TRANSACTION WITH CONSISTENT SNAPSHOT");
    for (let i = 0; i < 3; i++) scribe.text("SELECT who, n FROM common ORDER BY id");
    scribe.text("COMMIT");
  })
  .add("completion type CHAIN", {
    all: ["SET completion_type = 'CHAIN'", "BEGIN", "COMMIT", "SET completion_type = 0", "COMMIT"],
  });

/** The kinds. */
export const TRANSACTIONS = topic.kinds;
