// What the proxy's account may do on a server, against what the proxy does with it.

import { isDenied, isUnknown } from "../failure.ts";
import { type Diagnosis, isAtLeast, Notes, type Patient } from "./diagnosis.ts";

/** Something the proxy does, and the right that it takes. */
interface Need {
  /** A statement that fails without the right. */
  readonly tried: string;
  /** What GRANT gives it, `… ON …`. */
  readonly grant: string;
  /** What does not work without it. */
  readonly meaning: string;
  readonly severity: "warn" | "fail";
}

/** Looks at the rights. */
export async function examineRights(patient: Patient): Promise<readonly Diagnosis[]> {
  const notes = new Notes("rights", patient.server.name);
  const account = await currentAccount(patient);
  const lacking: Need[] = [];
  for (const need of needsOf(patient)) {
    if (!await isAllowed(patient, need)) lacking.push(need);
  }
  const killing = await killRight(patient);
  if (killing) lacking.push(killing);
  if (lacking.length === 0) notes.ok(`${account} has all rights that the proxy uses`);
  for (const { grant, meaning, severity } of lacking) {
    notes[severity](`${account} lacks ${grant}`, {
      meaning,
      remedy: `GRANT ${grant} TO ${account};`,
    });
  }
  return notes.lines;
}

function needsOf(patient: Patient): readonly Need[] {
  const common: readonly Need[] = [
    {
      tried: "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'nobody'",
      grant: "PROCESS ON *.*",
      meaning: "SHOW PROCESSLIST through the proxy cannot tell who is who",
      severity: "warn",
    },
  ];
  return [...common, ...patient.isMariadb ? mariadbNeeds(patient) : mysqlNeeds(patient)];
}

function mysqlNeeds(patient: Patient): readonly Need[] {
  const isNew = isAtLeast(patient, 8, 0, 22);
  return [
    {
      tried: isNew ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS",
      grant: "REPLICATION CLIENT ON *.*",
      meaning: "whom the server follows, and whether replication works, cannot be seen",
      severity: "fail",
    },
    {
      tried: isNew ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS",
      grant: "REPLICATION SLAVE ON *.*",
      meaning: "replicas that are not configured are not found",
      severity: "warn",
    },
    {
      tried: "SELECT 1 FROM performance_schema.replication_group_members LIMIT 1",
      grant: "SELECT ON performance_schema.*",
      meaning: "members of a group are not seen, and lag is known in whole seconds only",
      severity: "fail",
    },
    {
      tried: "SELECT User FROM mysql.user LIMIT 1",
      grant: "SELECT ON mysql.user",
      meaning: "accounts cannot be read: the mode of authentication is relay, not synced",
      severity: "warn",
    },
  ];
}

function mariadbNeeds(patient: Patient): readonly Need[] {
  const hasNewRights = isAtLeast(patient, 10, 5, 8);
  return [
    {
      tried: "SHOW ALL SLAVES STATUS",
      grant: hasNewRights ? "REPLICA MONITOR ON *.*" : "REPLICATION CLIENT ON *.*",
      meaning: "whom the server follows, and whether replication works, cannot be seen",
      severity: "fail",
    },
    {
      tried: "SHOW SLAVE HOSTS",
      grant: hasNewRights ? "REPLICATION MASTER ADMIN ON *.*" : "REPLICATION SLAVE ON *.*",
      meaning: "replicas that are not configured are not found",
      severity: "warn",
    },
    {
      tried: isAtLeast(patient, 10, 4)
        ? "SELECT User FROM mysql.global_priv LIMIT 1"
        : "SELECT User FROM mysql.user LIMIT 1",
      grant: isAtLeast(patient, 10, 4) ? "SELECT ON mysql.global_priv" : "SELECT ON mysql.user",
      meaning: "accounts cannot be read: the mode of authentication is relay, not synced",
      severity: "warn",
    },
  ];
}

/** To end what clients that have left still run; it cannot be tried without harm. */
async function killRight(patient: Patient): Promise<Need | undefined> {
  const [right, older] = patient.isMariadb
    ? isAtLeast(patient, 10, 5, 2) ? ["CONNECTION ADMIN", "SUPER"] : ["SUPER", "SUPER"]
    : isAtLeast(patient, 8)
    ? ["CONNECTION_ADMIN", "SUPER"]
    : ["SUPER", "SUPER"];
  const rows = await patient.session.query("SHOW GRANTS");
  const grants = rows.flatMap((row) => Object.values(row).map(String));
  const has = grants.some((grant) =>
    / ON \*\.\* /.test(grant) &&
    (grant.includes("ALL PRIVILEGES") || grant.includes(right) || grant.includes(older))
  );
  if (has) return undefined;
  return {
    tried: "",
    grant: `${right} ON *.*`,
    meaning: "statements of clients that have left run to their end",
    severity: "warn",
  };
}

async function isAllowed({ session }: Patient, { tried }: Need): Promise<boolean> {
  try {
    await session.query(tried);
    return true;
  } catch (error) {
    if (isDenied(error)) return false;
    // What the server does not know, nobody needs a right for.
    if (isUnknown(error)) return true;
    throw error;
  }
}

async function currentAccount({ session }: Patient): Promise<string> {
  const [row] = await session.query("SELECT CURRENT_USER() AS account");
  const [user = "", host = "%"] = String(row?.["account"] ?? "").split(/@(?=[^@]*$)/);
  return `'${user}'@'${host}'`;
}
