// LOAD and SAVE: moves between what is edited, what is in force, and the configuration file.

import { type Config, type ConfigTexts, editTexts, type WriteBack } from "../../config/mod.ts";
import type { LiveConfig, Running } from "../../proxy/mod.ts";
import type { AdminSession } from "../admin_session.ts";
import { makeSource, RefusedError } from "../table.ts";
import {
  type Layers,
  ruleLayers,
  serverLayers,
  userLayers,
  variableLayers,
} from "./config_tables.ts";
import { diskSource, readDisk, writeBack } from "../config_files.ts";
import { type Plan, planUsers, planVariables } from "./edits.ts";
import { planRules } from "./rule_edits.ts";
import { orderServers, planServerKeys, planServers, type ServerPlan } from "./server_edits.ts";
import type { Move, Subject } from "./statement_text.ts";

/** What can be edited. Of `admin-` variables nothing can: their moves move nothing. */
export const EDITED: Readonly<Partial<Record<Subject, Layers>>> = {
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
  const { tables, view: { running } } = session;
  if (layers === undefined) {
    if (move.includes("disk")) readDisk(running);
    return;
  }
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

async function loadToRuntime(
  subject: Subject,
  { memory }: Layers,
  { tables, view: { running }, user }: AdminSession,
): Promise<void> {
  const rows = await tables.rows(memory);
  if (subject === "servers") {
    if (!running.cluster) {
      throw new RefusedError("The servers are not watched: it takes account.user");
    }
    const plan = await planServers(rows, running);
    refuseFor(plan.reasons);
    const sources = running.live?.current.sources ?? new Map();
    await applyEdits(planServerKeys(plan, running.config, sources), running.live, user);
    return orderServers(plan, running);
  }
  const { config, live } = running;
  if (subject === "users") {
    const plan = planUsers(rows, config, config);
    if (plan.edits.length > 0) mustDecide(running);
    return await applyEdits(plan, live, user);
  }
  if (subject === "rules") return await applyEdits(planRules(rows, config), live, user);
  await applyEdits(planVariables(rows, running, live?.current.sources ?? new Map()), live, user);
}

/** Accounts of the configuration that decide about nothing are no use to who writes them. */
function mustDecide({ credentials: { store } }: Running): void {
  if (store.mode === "static") return;
  throw new RefusedError(
    `mysql_users has no effect while auth.mode is ${store.mode}: accounts are those of the server`,
  );
}

async function applyEdits(
  { edits, reasons }: Plan,
  live: LiveConfig | undefined,
  by: string,
): Promise<void> {
  refuseFor(reasons);
  if (edits.length === 0) return;
  if (live === undefined) {
    throw new RefusedError("This proxy was started inside of another program");
  }
  const { config: { config: { writeBack } } } = live.current;
  const outcome = await live.apply(edited(live.current, edits, writeBack), by);
  if (outcome.kind === "refused") refuseFor(outcome.reasons);
}

async function saveToDisk(
  subject: Subject,
  { memory }: Layers,
  { tables, view }: AdminSession,
): Promise<void> {
  const { running } = view;
  const disk = readDisk(running);
  const { config, sources } = disk;
  const rows = await tables.rows(memory);
  let plan: Plan;
  if (subject === "servers") {
    if (!running.cluster) {
      throw new RefusedError("The servers are not watched: it takes account.user");
    }
    const servers = await planServers(rows, running);
    plan = planServerKeys(servers, config, sources);
    refuseFor([...servers.reasons, ...forgotten(servers, config, plan)]);
  } else if (subject === "users") plan = planUsers(rows, config, running.config);
  else if (subject === "rules") plan = planRules(rows, config);
  else {
    const { running: asOnDisk } = diskSource(makeSource(view)).view;
    plan = planVariables(rows, asOnDisk, sources);
  }
  refuseFor(plan.reasons);
  if (plan.edits.length === 0) return;
  writeBack(disk, edited(disk, plan.edits, config.config.writeBack), running.live!);
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
