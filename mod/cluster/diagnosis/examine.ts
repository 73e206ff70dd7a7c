// Examines a cluster: every server that answers, under every topic.

import type { Config } from "../../config/mod.ts";
import { type Clock, systemClock } from "../clock.ts";
import { failureOf } from "../failure.ts";
import { flavorNamed } from "../flavors/all.ts";
import { Look } from "../look.ts";
import type { Connector } from "../probe_connection.ts";
import type { Reading } from "../reading.ts";
import type { Topology, TopologyServer } from "../topology.ts";
import { type Diagnosis, type Patient, readVariables } from "./diagnosis.ts";
import {
  examineCapacity,
  examineClock,
  examineReach,
  examineReplication,
  examineWhole,
} from "./health.ts";
import { examineRights } from "./rights.ts";
import { examineAccounts, examineTls } from "./security.ts";
import { examineConsistency, examineVersion } from "./settings.ts";

/** The flavors whose servers are MySQL or MariaDB themselves, with their rights and settings. */
const PLAIN: ReadonlySet<string> = new Set(["async", "group", "mariadb", "galera", "static"]);

/** What an examination needs. */
export interface Examination {
  readonly config: Config;
  readonly topology: Topology;
  readonly connector: Connector;
}

/** Looks at everything about the servers. */
export async function examineCluster(of: Examination): Promise<readonly Diagnosis[]> {
  const lines = [...examineWhole(of.topology)];
  for (const server of of.topology.servers) {
    lines.push(...examineReach(server));
    if (server.failure === null && server.answeredMs !== null) {
      lines.push(...await examineServer(server, of));
    }
  }
  return lines;
}

async function examineServer(
  server: TopologyServer,
  { config, connector, topology }: Examination,
): Promise<readonly Diagnosis[]> {
  const { timeoutMs } = config.monitor;
  const session = await connector.open(server.address, { timeoutMs, onLost: () => {} });
  try {
    const patient: Patient = {
      server,
      session,
      variables: await readVariables(session),
      isMariadb: /mariadb/i.test(server.version),
      version: versionOf(server.version),
    };
    const look = new Look(session, { clock: systemClock, plan: [] });
    const findings = await flavorNamed(topology.flavor).probe(look);
    const reading: Reading = { ...findings, atMs: look.atMs, rttMs: look.rttMs };
    const isPlain = PLAIN.has(topology.flavor);
    return [
      ...(isPlain ? examineVersion(patient) : []),
      ...await examineTls(patient, config.backendTls),
      ...(isPlain ? await examineRights(patient) : []),
      ...await examineAccounts(patient, config),
      ...(isPlain ? examineConsistency(patient) : []),
      ...examineReplication(patient, config),
      ...examineClock(patient, { reading, aheadMs: aheadOf(reading, systemClock) }),
      ...examineCapacity(patient, config),
    ];
  } catch (error) {
    const { reason } = failureOf(error);
    return [{
      severity: "fail",
      topic: "connect",
      server: server.name,
      found: reason,
      meaning: "the examination of this server could not be finished",
      remedy: "look at the server's error log",
    }];
  } finally {
    session.close();
  }
}

function aheadOf({ clockMs, atMs }: Reading, clock: Clock): number | undefined {
  return clockMs === undefined ? undefined : clockMs - (clock.wallMs() - (clock.now() - atMs));
}

function versionOf(text: string): readonly [number, number, number] {
  const [, major = "0", minor = "0", patch = "0"] = /(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor), Number(patch)];
}
