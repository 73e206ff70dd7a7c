// The steps of a switchover where replicas follow a primary, of MySQL and of MariaDB. The other
// replicas move below the target before anything stops, so that clients do not wait for that.

import { type Dialect, type FollowedSource, reportedAddress, value } from "./dialect.ts";
import {
  insist,
  insistOnRights,
  type Parties,
  type Party,
  placeOf,
  type Step,
  type SwitchoverSurroundings,
  waitUntil,
} from "./plan.ts";

/** Statements that need a lock are given up after this time, in seconds. */
const LOCK_S = 2;
/** What is written between the last wait and the gate's closing is little. */
const LAST_POSITION_MS = 5000;
/** How long replicas may take to connect to their new source, in milliseconds. */
const CONNECT_MS = 10_000;
const LOOK_MS = 50;

/** What is done before writes wait, while they do, and when they no longer do. */
export interface Plan {
  readonly before: readonly Step[];
  /** The last one is decisive. */
  readonly gated: readonly Step[];
  readonly after: readonly Step[];
}

/**
 * Looks whether it can be done, and says how.
 *
 * @throws {SwitchoverRefusedError} If it cannot.
 */
export async function planReplication(
  { primary, target, others }: Parties,
  dialect: Dialect,
  { settings, clock }: SwitchoverSurroundings,
): Promise<Plan> {
  for (const party of [primary, target, ...others]) await insistOnRights(party, dialect.rights);
  const primaryId = await dialect.identity(primary);
  const own = await dialect.source(target);
  insist(own?.id === primaryId, `${target.server.name} does not replicate from the primary`);
  insist(own.isRunning, `${target.server.name} does not replicate now: ${own.error || "stopped"}`);
  insist(own.usesGtid, `${target.server.name} does not replicate by GTID`);
  const unfit = await dialect.unfit(target);
  insist(unfit === "", `${target.server.name} cannot be a primary: ${unfit}`);
  insist(
    await dialect.contains(primary, await dialect.position(target)),
    `${target.server.name} has transactions that the primary has not`,
  );
  const source = await dialect.source(primary);
  insist(
    source?.isRunning !== true,
    `${primary.server.name} replicates from another server itself`,
  );
  const demote = await dialect.demotion({ primary, target }, settings);
  const { host, port } = placeOf(target, await reportedAddress(target));
  const siblings: { readonly party: Party; readonly source: FollowedSource }[] = [];
  for (const party of others) {
    const followed = await dialect.source(party);
    if (followed?.id === primaryId) siblings.push({ party, source: followed });
  }
  const waits = await isSemiSync(primary, dialect);

  const follow = async ({ session }: Party, text: string) => {
    await session.query(dialect.stop);
    await session.query(text);
    await session.query(dialect.start);
  };
  const runs = async (party: Party) => {
    const isThere = await waitUntil(async () => (await dialect.source(party))?.isRunning === true, {
      clock,
      timeoutMs: CONNECT_MS,
      everyMs: LOOK_MS,
    });
    if (isThere) return;
    throw new Error(`does not replicate: ${(await dialect.source(party))?.error}`);
  };
  const reach = async (timeoutMs: number) => {
    const position = await dialect.position(primary);
    if (await value(target, dialect.waitFor(position, timeoutMs)) === "0") return position;
    throw new Error(`it does not get to ${position} within ${timeoutMs} ms`);
  };

  return {
    before: [
      ...siblings.map(({ party, source }): Step => ({
        server: party.server.name,
        what: "follows the target",
        run: async () => {
          await follow(party, dialect.follow(host, port));
          await runs(party);
        },
        undo: () => follow(party, dialect.follow(source.host, source.port)),
      })),
      {
        server: target.server.name,
        what: "has what the primary has now",
        run: () => reach(settings.drainMs),
      },
    ],
    gated: [
      {
        server: primary.server.name,
        what: "takes no writes",
        run: async () => {
          await primary.session.query(`SET SESSION lock_wait_timeout = ${LOCK_S}`);
          await primary.session.query(dialect.close);
        },
        undo: async () => void await primary.session.query(dialect.reopen),
      },
      {
        server: target.server.name,
        what: "has all that the primary has",
        run: () => reach(LAST_POSITION_MS),
      },
      {
        server: target.server.name,
        what: "follows nobody",
        run: async () => void await target.session.query(dialect.stop),
        undo: async () => void await target.session.query(dialect.start),
      },
      ...(waits
        ? [{
          server: target.server.name,
          what: "waits for acknowledgements as the primary did",
          run: async () => void await target.session.query(`SET GLOBAL ${dialect.semiSync} = 1`),
          undo: async () => void await target.session.query(`SET GLOBAL ${dialect.semiSync} = 0`),
        }]
        : []),
      {
        server: target.server.name,
        what: "takes writes",
        run: async () => void await target.session.query(dialect.reopen),
        // Before the old one is opened again it must be sure that this one is not.
        undo: async () => void await target.session.query(dialect.close),
        isFence: true,
        isDecisive: true,
      },
    ],
    after: [
      {
        server: target.server.name,
        what: "has forgotten whom it followed",
        run: async () => void await target.session.query(dialect.forget),
      },
      ...(waits
        ? [{
          server: primary.server.name,
          what: "waits for acknowledgements no more",
          run: async () => void await primary.session.query(`SET GLOBAL ${dialect.semiSync} = 0`),
        }]
        : []),
      {
        server: primary.server.name,
        what: "follows the new primary",
        run: async () => {
          await follow(primary, demote(host, port));
          await runs(primary);
        },
      },
    ],
  };
}

/** The primary's clients wait for replicas; so shall those of the next one. */
async function isSemiSync(primary: Party, { semiSync }: Dialect): Promise<boolean> {
  const [row] = await primary.session.query(`SHOW GLOBAL VARIABLES LIKE '${semiSync}'`);
  return /^(?:on|1)$/i.test(String(row?.["value"] ?? ""));
}
