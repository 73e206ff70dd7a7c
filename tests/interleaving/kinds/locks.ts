// Locks of tables and names, HANDLER, XA.

import { Topic } from "./kind.ts";

const locks = new Topic("lock")
  .add("LOCK TABLES", [
    "LOCK TABLES T1 WRITE",
    "LOCK TABLES T1 READ, T3 WRITE",
    "LOCK TABLE T3 READ LOCAL",
    "LOCK TABLES T1 AS x WRITE",
  ], { weight: 2 })
  .add("UNLOCK TABLES", ["UNLOCK TABLES", "UNLOCK TABLE"], { weight: 3 })
  .add("used under LOCK TABLES", {
    all: [
      "LOCK TABLES T3 WRITE",
      "INSERT INTO T3 (n) VALUES (NUM)",
      "SELECT COUNT(*) FROM T1",
      "SELECT COUNT(*) FROM T3",
      "UNLOCK TABLES",
    ],
  }, { weight: 2 })
  .add("LOCK TABLES for reading only", {
    all: ["LOCK TABLES T1 READ", "UPDATE T1 SET f = 1", "UNLOCK TABLES"],
  })
  .add("LOCK TABLES ended by BEGIN", {
    all: ["LOCK TABLES T1 WRITE", "BEGIN", "SELECT id FROM T3", "ROLLBACK"],
  })
  .add("FLUSH TABLES … WITH READ LOCK", {
    all: ["FLUSH TABLES T3 WITH READ LOCK", "SELECT COUNT(*) FROM T3", "UNLOCK TABLES"],
  }, { text: true })
  .add("GET_LOCK", [
    "SELECT GET_LOCK('{lane}-ME-1', 0)",
    "DO GET_LOCK('{lane}-ME-1', 5)",
    "SELECT GET_LOCK('{lane}-ME-2', 1) AS got",
    "SET @v1 = GET_LOCK('{lane}-ME-1', 0)",
  ], { weight: 2 })
  .add("RELEASE_LOCK", [
    "SELECT RELEASE_LOCK('{lane}-ME-1')",
    "DO RELEASE_LOCK('{lane}-ME-1')",
    "SELECT RELEASE_LOCK('{lane}-ME-2')",
    "SELECT RELEASE_LOCK('{lane}-nobody')",
  ], { weight: 2 })
  .add("RELEASE_ALL_LOCKS", "SELECT RELEASE_ALL_LOCKS()", { weight: 2 })
  .add("IS_FREE_LOCK", "SELECT IS_FREE_LOCK('{lane}-ME-1'), IS_FREE_LOCK('{lane}-ME-2')")
  .add("IS_USED_LOCK", "SELECT IS_USED_LOCK('{lane}-ME-1') = CONNECTION_ID()")
  .add("a lock taken and given back", {
    all: [
      "SELECT GET_LOCK('{lane}-ME-3', 0)",
      "SELECT IS_FREE_LOCK('{lane}-ME-3')",
      "SELECT RELEASE_LOCK('{lane}-ME-3')",
    ],
  }, { weight: 2 })
  .add("a lock taken twice", {
    all: [
      "SELECT GET_LOCK('{lane}-ME-1', 0)",
      "SELECT GET_LOCK('{lane}-ME-1', 0)",
      "SELECT RELEASE_LOCK('{lane}-ME-1')",
      "SELECT IS_FREE_LOCK('{lane}-ME-1')",
      "SELECT RELEASE_ALL_LOCKS()",
    ],
  });

const handlers = new Topic("handler")
  .add("whole", {
    all: [
      "HANDLER T1 OPEN",
      "HANDLER T1 READ FIRST",
      "HANDLER T1 READ NEXT LIMIT 2",
      "HANDLER T1 READ `PRIMARY` = (2)",
      "HANDLER T1 CLOSE",
    ],
  }, { weight: 3 })
  .add("opened", "HANDLER T3 OPEN")
  .add("read", ["HANDLER T3 READ FIRST", "HANDLER T3 READ NEXT", "HANDLER T1 READ FIRST"])
  .add("closed", ["HANDLER T3 CLOSE", "HANDLER T1 CLOSE"], { weight: 2 });

const xa = new Topic("XA")
  .add("whole", {
    all: [
      "XA START '{lane}-ME'",
      "INSERT INTO T3 (n) VALUES (NUM)",
      "XA END '{lane}-ME'",
      "XA PREPARE '{lane}-ME'",
      "XA COMMIT '{lane}-ME'",
    ],
  }, { text: true, weight: 3 })
  .add("in one phase", {
    all: [
      "XA BEGIN '{lane}-ME'",
      "UPDATE T1 SET f = 3",
      "XA END '{lane}-ME'",
      "XA COMMIT '{lane}-ME' ONE PHASE",
    ],
  }, { text: true, weight: 2 })
  .add("rolled back", {
    all: [
      "XA START '{lane}-ME'",
      "DELETE FROM T3",
      "COMMIT",
      "XA END '{lane}-ME'",
      "XA ROLLBACK '{lane}-ME'",
    ],
  }, { text: true, weight: 2 })
  .add("of an unknown one", ["XA COMMIT '{lane}-none'", "XA END '{lane}-none'"], { text: true });

/** The kinds. */
export const LOCKS = [...locks.kinds, ...handlers.kinds, ...xa.kinds];
