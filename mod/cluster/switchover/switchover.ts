// SWITCHOVER TO: moves the primary's role to another server in good order. Looks first, lets
// transactions end while new ones wait in the proxy, and takes back what it has done if a step
// fails before the new primary is writable.

import { formatAddress, parseAddress } from "../../config/mod.ts";
import type { Rows } from "../row_filter.ts";
import type { SqlError } from "../../wire/mod.ts";
import type { SwitchoverOrder } from "../statement_text.ts";
import { findServer, type TopologyServer } from "../topology.ts";
import { mariadb, mysql } from "./dialect.ts";
import { planGroup } from "./group_plan.ts";
import {
  insist,
  type Parties,
  type Party,
  type Step,
  type SwitchoverSurroundings,
  waitUntil,
} from "./plan.ts";
import { type Plan, planReplication } from "./replication_plan.ts";

/** How often open transactions are counted, in milliseconds. */
const COUNT_MS = 10;
/** How long the proxy may take to find the new primary, in milliseconds. */
const FOUND_MS = 10_000;
const DEFAULT_PORT = 3306;

/** One cluster's. */
export class Switchover {
  readonly #around: SwitchoverSurroundings;
  #underWay: string | undefined;

  constructor(around: SwitchoverSurroundings) {
    this.#around = around;
  }

  /** Does it. @returns A row for each step, or why it was not done. Never rejects. */
  async run(order: SwitchoverOrder): Promise<Rows | SqlError> {
    if (this.#underWay !== undefined) {
      return failure(`A switchover to ${this.#underWay} is under way`);
    }
    this.#underWay = order.server;
    const sessions: Party[] = [];
    try {
      const parties = await this.#connect(order, sessions);
      const plan = await this.#plan(parties);
      const steps = new Steps(this.#around);
      if (order.dryRun) return steps.foretold([...plan.before, ...this.#gated(parties, plan)]);
      return await this.#carryOut(parties, plan, steps);
    } catch (error) {
      return failure(`No switchover to ${order.server}: ${(error as Error).message}`);
    } finally {
      this.#underWay = undefined;
      for (const { session } of sessions) session.close();
    }
  }

  /** Finds the servers that take part, and connects to them. */
  async #connect({ server: written }: SwitchoverOrder, opened: Party[]): Promise<Parties> {
    const { servers, primary: primaryName } = this.#around.topology();
    const topology = this.#around.topology();
    const target = findServer(topology, formatAddress(parseAddress(written, DEFAULT_PORT)));
    insist(target !== undefined, "it is unknown: SHOW CLUSTER lists the servers there are");
    insist(
      primaryName !== null,
      `there is no primary to switch over from: ${topology.primaryReason}`,
    );
    const primary = findServer(topology, primaryName)!;
    insist(target !== primary, "it is the primary already");
    insist(!topology.transferring, "the cluster changes its primary just now");
    insist(primary.state === "up", `the primary, ${primary.name}, is ${stateOf(primary)}`);
    insist(target.role === "replica", `it is no replica, but ${target.roleWord || target.role}`);
    insist(target.state === "up", `it is ${stateOf(target)}`);
    const party = async (server: TopologyServer): Promise<Party> => {
      const found = { server, session: await this.#around.open(server.address) };
      opened.push(found);
      return found;
    };
    const others: Party[] = [];
    for (const server of servers) {
      if (server === primary || server === target) continue;
      // Who does not answer cannot be told whom to follow, and has to be looked after anyway.
      if (server.role === "none" || server.role === "logger" || server.failure !== null) continue;
      others.push(await party(server));
    }
    return { primary: await party(primary), target: await party(target), others };
  }

  async #plan(parties: Parties): Promise<Plan> {
    const { flavor } = this.#around.topology();
    switch (flavor) {
      case "async":
        return await planReplication(parties, mysql, this.#around);
      case "mariadb":
        return await planReplication(parties, mariadb, this.#around);
      case "group":
        return await planGroup(parties, this.#around);
      default:
        insist(false, `it is known for async, mariadb and group, and this cluster is ${flavor}`);
    }
  }

  /** What is done while writes wait, and behind it. */
  #gated({ primary, target }: Parties, plan: Plan): readonly Step[] {
    const { clock, settings, topology, transactionsAt } = this.#around;
    const names = [primary.server.name, ...primary.server.aliases];
    return [
      {
        server: target.server.name,
        what: "writes wait for it in the proxy",
        run: () => Promise.resolve(this.#around.hold(target.server.name)),
        undo: () => Promise.resolve(this.#around.hold(undefined)),
      },
      {
        server: primary.server.name,
        what: "open transactions end",
        run: async () => {
          let open = 0;
          const isOver = await waitUntil(async () => (open = await transactionsAt(names)) === 0, {
            clock,
            timeoutMs: settings.drainMs,
            everyMs: COUNT_MS,
          });
          if (!isOver) return `${open} are still open after ${settings.drainMs} ms, and fail`;
        },
      },
      ...plan.gated,
      ...plan.after,
      {
        server: target.server.name,
        what: "is the primary by the proxy's own look",
        run: async () => {
          const isFound = await waitUntil(() => topology().primary === target.server.name, {
            clock,
            timeoutMs: FOUND_MS,
            everyMs: COUNT_MS,
          });
          if (!isFound) throw new Error(topology().primaryReason);
        },
      },
    ];
  }

  async #carryOut(parties: Parties, plan: Plan, steps: Steps): Promise<Rows | SqlError> {
    const { note, hold, clock } = this.#around;
    const [from, to] = [parties.primary.server.name, parties.target.server.name];
    const startedMs = clock.now();
    note({ kind: "switchover-began", server: to, from, to });
    let outcome: SqlError | undefined;
    try {
      outcome = await steps.take([...plan.before, ...this.#gated(parties, plan)], () => hold(to));
    } finally {
      hold(undefined);
    }
    const durationMs = Math.round(clock.now() - startedMs);
    const reason = outcome?.message ?? "done";
    note({ kind: "switchover-ended", server: to, from, to, reason, durationMs });
    return outcome ?? steps.told;
  }
}

/** Takes steps, and remembers how to take them back. */
class Steps {
  readonly #around: SwitchoverSurroundings;
  readonly #rows: string[][] = [];
  #isDecided = false;

  constructor(around: SwitchoverSurroundings) {
    this.#around = around;
  }

  /** What was done. */
  get told(): Rows {
    return { columns: ["step", "server", "what", "outcome", "duration(ms)"], rows: this.#rows };
  }

  /** What would be. */
  foretold(steps: readonly Step[]): Rows {
    for (const { server, what } of steps) this.#tell(server, what, "would be done", 0);
    return this.told;
  }

  /** @param onDecided Called as soon as it is decided. @returns What has failed; undefined: nothing. */
  async take(steps: readonly Step[], onDecided: () => void): Promise<SqlError | undefined> {
    const taken: Step[] = [];
    const failed: string[] = [];
    for (const step of steps) {
      const { clock } = this.#around;
      const startedMs = clock.now();
      taken.push(step);
      try {
        const said = await step.run();
        this.#note(step, said || "done", clock.now() - startedMs);
        if (step.isDecisive !== true) continue;
        this.#isDecided = true;
        onDecided();
      } catch (error) {
        const reason = `${step.server}: not "${step.what}": ${(error as Error).message}`;
        this.#note(step, `failed: ${(error as Error).message}`, clock.now() - startedMs);
        failed.push(reason);
        if (this.#isDecided) continue; // the rest is tried: less is left for people to mend
        return failure(`Switchover failed at ${reason}; ${await this.#takeBack(taken)}`);
      }
    }
    if (failed.length === 0) return undefined;
    return failure(`The primary is another one now, but ${failed.join("; ")}`);
  }

  /** The last first. @returns How far that has come. */
  async #takeBack(taken: readonly Step[]): Promise<string> {
    const left: string[] = [];
    for (const step of taken.toReversed()) {
      if (step.undo === undefined) continue;
      const startedMs = this.#around.clock.now();
      const what = `taken back: ${step.what}`;
      let outcome = "done";
      try {
        await step.undo();
      } catch (error) {
        outcome = `failed: ${(error as Error).message}`;
        left.push(`${step.server}: "${step.what}" could not be taken back`);
      }
      this.#note({ ...step, what }, outcome, this.#around.clock.now() - startedMs);
      if (outcome === "done" || step.isFence !== true) continue;
      return `${left.join("; ")}, nor what was done before, since it may take writes`;
    }
    return left.length === 0 ? "all was taken back" : left.join("; ");
  }

  #note({ server, what }: Step, outcome: string, tookMs: number): void {
    const durationMs = Math.round(tookMs);
    const to = what;
    this.#around.note({ kind: "switchover-step", server, to, reason: outcome, durationMs });
    this.#tell(server, what, outcome, durationMs);
  }

  #tell(server: string, what: string, outcome: string, durationMs: number): void {
    this.#rows.push([
      String(this.#rows.length + 1),
      server,
      what,
      outcome,
      String(durationMs),
    ]);
  }
}

function stateOf({ state, reason }: TopologyServer): string {
  return reason === "" ? state : `${state} (${reason})`;
}

function failure(message: string): SqlError {
  return { code: 1105, sqlState: "HY000", message };
}
