// LOAD and SAVE: moves between what is edited, what is in force, and the configuration file.

import { type Config, type ConfigTexts, editTexts, type WriteBack } from "../../config/mod.ts";
import type { LiveConfig, Running } from "../../proxy/mod.ts";
import type { AdminSession } from "../admin_session.ts";
import { makeSource, RefusedError, type TableRow } from "../table.ts";
import type { AdminView } from "../view.ts";
import {
  type Layers,
  ruleLayers,
  serverLayers,
  userLayers,
  variableLayers,
} from "./config_tables.ts";
import { diskSource, type OnDisk, readDisk, writeBack } from "../config_files.ts";
import { type Plan, planUsers, planVariables } from "./edits.ts";
import { planRules } from "./rule_edits.ts";
import { orderServers, planServerKeys, planServers, type ServerPlan } from "./server_edits.ts";
import type { Move, Subject } from "./statement_text.ts";

/** What can be edited; moves of all else move nothing. */
const EDITED: Readonly<Partial<Record<Subject, Layers>>> = {
  servers: serverLayers,
  users: userLayers,
  rules: ruleLayers,
  variables: variableLayers,
};

/** @throws {RefusedError} If it is not possible; then nothing has changed. */
export async function moveLayer(
  subject: Subject,
  move: Move,
  session: AdminSession,
): Promise<void> {
  const layers = EDITED[subject];
  if (layers === undefined) return;
  const { tables } = session;
  switch (move) {
    case "memory to runtime":
      await loadToRuntime(subject, layers, session);
      return tables.forgetEdits(layers.memory);
    case "runtime to memory":
      return tables.forgetEdits(layers.memory);
    case "disk to memory":
      return await tables.copy(layers.disk, layers.memory);
    case "memory to disk":
      return await saveToDisk(subject, layers, session);
  }
}

/** What it takes to put rows in force. */
interface RuntimePlan extends Plan {
  /** Of servers: the orders beside the configuration. */
  readonly servers?: ServerPlan;
}

/** @throws {RefusedError} If the rows cannot be in force. */
async function planRuntime(
  subject: Subject,
  rows: readonly TableRow[],
  running: Running,
): Promise<RuntimePlan> {
  const { config, live } = running;
  const sources = live?.current.sources ?? new Map<string, string>();
  const plan = await planned();
  refuseFor(plan.reasons);
  return plan;

  async function planned(): Promise<RuntimePlan> {
    if (subject === "servers") {
      mustBeWatched(running);
      const servers = await planServers(rows, running);
      const { edits, reasons } = planServerKeys(servers, config, sources);
      return { edits, reasons: [...servers.reasons, ...reasons], servers };
    }
    if (subject === "rules") return planRules(rows, config);
    if (subject === "variables") return planVariables(rows, running, sources);
    const plan = planUsers(rows, config, [config, ...savedConfigs(running)]);
    if (plan.edits.length > 0) mustDecide(running);
    return plan;
  }
}

async function loadToRuntime(
  subject: Subject,
  { memory }: Layers,
  { tables, view: { running }, user }: AdminSession,
): Promise<void> {
  const { edits, servers } = await planRuntime(subject, await tables.rows(memory), running);
  await applyEdits(edits, running.live, user);
  if (servers) orderServers(servers, running);
}

/** What the file says, where it says something right. */
function savedConfigs({ live }: Running): readonly Config[] {
  const saved = live?.file === undefined ? undefined : live.read().config;
  return saved === undefined ? [] : [saved];
}

function mustBeWatched({ cluster }: Running): void {
  if (!cluster) throw new RefusedError("The servers are not watched: it takes account.user");
}

/** Accounts of the configuration that decide about nothing are no use to who writes them. */
function mustDecide({ credentials: { store } }: Running): void {
  if (store.mode === "static") return;
  throw new RefusedError(
    `mysql_users has no effect while auth.mode is ${store.mode}: accounts are those of the server`,
  );
}

async function applyEdits(
  edits: Plan["edits"],
  live: LiveConfig | undefined,
  by: string,
): Promise<void> {
  if (edits.length === 0) return;
  if (live === undefined) {
    throw new RefusedError("This proxy was started inside of another program");
  }
  const outcome = await live.apply(inForce(live, edits), by);
  if (outcome.kind === "refused") refuseFor(outcome.reasons);
}

/** The texts of what is in force, with changes. */
function inForce({ current }: LiveConfig, edits: Plan["edits"]): ConfigTexts {
  return edited(current, edits, current.config.config.writeBack);
}

/**
 * Writes to the file what could be put in force now, and nothing else: the file is what the next
 * restart, SIGHUP or watch puts in force, and nobody asks again then.
 */
async function saveToDisk(
  subject: Subject,
  { memory }: Layers,
  { tables, view }: AdminSession,
): Promise<void> {
  const { running } = view;
  const disk = readDisk(running);
  const live = running.live!;
  const rows = await tables.rows(memory);
  const { edits, servers } = await planRuntime(subject, rows, running);
  refuseFor(await live.reasonsAgainst(inForce(live, edits)));
  const plan = planDisk(rows, disk, { subject, servers, view });
  refuseFor(plan.reasons);
  if (plan.edits.length === 0) return;
  writeBack(disk, edited(disk, plan.edits, disk.config.config.writeBack), live);
}

function planDisk(
  rows: readonly TableRow[],
  { config, sources }: OnDisk,
  { subject, servers, view }: {
    readonly subject: Subject;
    readonly servers: ServerPlan | undefined;
    readonly view: AdminView;
  },
): Plan {
  if (servers) {
    const { edits, reasons } = planServerKeys(servers, config, sources);
    return { edits, reasons: [...reasons, ...forgotten(servers, config, { edits, reasons })] };
  }
  if (subject === "users") return planUsers(rows, config, [view.running.config, config]);
  if (subject === "rules") return planRules(rows, config);
  const { running: asOnDisk } = diskSource(makeSource(view)).view;
  return planVariables(rows, asOnDisk, sources);
}

/** A drain is kept beside the configuration, if somebody has said where. */
function forgotten(
  { wishes }: ServerPlan,
  { cluster }: Config,
  { edits }: Plan,
): readonly string[] {
  if (cluster.stateDirPath !== "") return [];
  const gone = new Set(edits.flatMap((edit) => edit.kind === "take" ? [edit.value] : []));
  return wishes.filter(({ server, drained }) => drained && !gone.has(server.name)).map((
    { server },
  ) => `${server.name} is OFFLINE_SOFT, which a restart would forget: it takes cluster.state_dir`);
}

function edited(texts: ConfigTexts, edits: Plan["edits"], writeBack: WriteBack): ConfigTexts {
  try {
    return editTexts(texts, edits, writeBack);
  } catch (error) {
    throw new RefusedError((error as Error).message);
  }
}

function refuseFor(reasons: readonly string[]): void {
  if (reasons.length > 0) throw new RefusedError(reasons.join("\n"));
}
