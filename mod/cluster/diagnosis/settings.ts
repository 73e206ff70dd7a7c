// Settings of a server that transactions, consistency and pooling hang on, and quirks of versions.

import { type Diagnosis, isAtLeast, Notes, type Patient, persist, variable } from "./diagnosis.ts";

/** GTIDs and the trackers of session state. */
export function examineConsistency(patient: Patient): readonly Diagnosis[] {
  const notes = new Notes("consistency", patient.server.name);
  if (patient.isMariadb) examineMariadb(patient, notes);
  else examineMysql(patient, notes);
  return notes.lines;
}

function examineMysql(patient: Patient, notes: Notes): void {
  const mode = variable(patient, "gtid_mode");
  if (mode === "ON") notes.ok("gtid_mode is ON");
  else {
    notes.warn(`gtid_mode is ${mode || "not known"}`, {
      meaning:
        "positions of servers cannot be compared: no consistent reads from replicas, lag in whole seconds",
      remedy: [
        persist(patient, "enforce_gtid_consistency", "ON"),
        persist(patient, "gtid_mode", "OFF_PERMISSIVE"),
        persist(patient, "gtid_mode", "ON_PERMISSIVE"),
        persist(patient, "gtid_mode", "ON"),
      ].join(" "),
    });
  }
  const tracked = variable(patient, "session_track_gtids");
  if (tracked === "OWN_GTID" || tracked === "ALL_GTIDS") {
    notes.ok(`session_track_gtids is ${tracked}`);
  } else {
    notes.warn(`session_track_gtids is ${tracked || "OFF"}`, {
      meaning:
        "the server does not tell what a client has written, so that the proxy has to ask for it on each connection it opens",
      remedy: persist(patient, "session_track_gtids", "OWN_GTID"),
    });
  }
  examineTracker(patient, notes);
}

function examineMariadb(patient: Patient, notes: Notes): void {
  if (variable(patient, "gtid_strict_mode") === "ON") notes.ok("gtid_strict_mode is ON");
  else {
    notes.warn("gtid_strict_mode is OFF", {
      meaning: "a replica may have transactions in another order than its primary, unnoticed",
      remedy: persist(patient, "gtid_strict_mode", "ON"),
    });
  }
  if (variable(patient, "log_slave_updates") === "ON") notes.ok("log_slave_updates is ON");
  else {
    notes.warn("log_slave_updates is OFF", {
      meaning: "after a failover others cannot follow this server",
      remedy: "log_slave_updates = ON in my.cnf, and a restart",
    });
  }
  const tracked = variable(patient, "session_track_system_variables");
  if (tracked === "*" || tracked.includes("last_gtid")) {
    notes.ok("session_track_system_variables has last_gtid");
  } else {
    notes.warn("session_track_system_variables lacks last_gtid", {
      meaning:
        "the server does not tell what a client has written, so that the proxy has to ask for it on each connection it opens",
      remedy: persist(
        patient,
        "session_track_system_variables",
        `'${[tracked, "last_gtid"].filter((it) => it !== "").join(",")}'`,
      ),
    });
  }
}

/** Without the tracker a server keeps changes of its character sets to itself. */
function examineTracker(patient: Patient, notes: Notes): void {
  const tracked = variable(patient, "session_track_system_variables");
  if (tracked === "*" || tracked.includes("character_set_client")) return;
  notes.warn("session_track_system_variables leaves out character sets", {
    meaning: "the proxy learns of character sets from statements alone",
    remedy: persist(
      patient,
      "session_track_system_variables",
      "'time_zone,autocommit,character_set_client,character_set_results,character_set_connection'",
    ),
  });
}

/** What is known to differ in certain versions. */
export function examineVersion(patient: Patient): readonly Diagnosis[] {
  const notes = new Notes("version", patient.server.name);
  const { version } = patient.server;
  const remedy = "plan an upgrade";
  if (patient.isMariadb && !isAtLeast(patient, 10, 5)) {
    notes.warn(version, { meaning: "no longer maintained; rights have other names", remedy });
  } else if (!patient.isMariadb && !isAtLeast(patient, 5, 7, 8)) {
    notes.fail(version, {
      meaning: "too old: super_read_only and performance_schema's replication tables are not there",
      remedy,
    });
  } else if (!patient.isMariadb && !isAtLeast(patient, 8)) {
    notes.warn(version, {
      meaning: "no longer maintained; commit times of transactions are not told",
      remedy,
    });
  } else notes.ok(version);
  if (isPercona(patient) && variable(patient, "thread_handling") === "pool-of-threads") {
    notes.ok("the server has a thread pool of its own");
  }
  const plugin = variable(patient, "default_authentication_plugin");
  if (!patient.isMariadb && isAtLeast(patient, 9) && plugin === "mysql_native_password") {
    notes.fail("default_authentication_plugin is mysql_native_password", {
      meaning: "from 9.0 on the server has no such plugin",
      remedy: "ALTER USER … IDENTIFIED WITH caching_sha2_password BY '…';",
    });
  }
  return notes.lines;
}

function isPercona(patient: Patient): boolean {
  return /percona/i.test(variable(patient, "version_comment"));
}
